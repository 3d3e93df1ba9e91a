//! What the compiler is told to call the folders of this computer.
//!
//! The worker names the places where it may panic, and so the files. Under their own names these
//! would tell whose computer built it, and give another worker on each.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{process::answer_of, project::Project};

/// Compiler flags, as the variable `CARGO_ENCODED_RUSTFLAGS` takes them.
pub fn flags(project: &Project) -> Result<String> {
    let mut names = vec![(project.root.clone(), "/tokenkeep".to_owned())];
    // One for each registry that crates came from: the folder has its address in its name.
    let crates = cargo_home().join("registry/src");
    for folder in fs::read_dir(&crates).into_iter().flatten() {
        names.push((folder?.path(), "/crates".to_owned()));
    }
    names.push(standard_library(project)?);
    let flag = |(folder, name): &(PathBuf, String)| {
        format!("--remap-path-prefix={}={name}", folder.display())
    };
    Ok(names.iter().map(flag).collect::<Vec<_>>().join("\u{1f}"))
}

fn cargo_home() -> PathBuf {
    let home = || env::home_dir().unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, Into::into)
}

/// Where the component `rust-src` is installed, the standard library has a folder of this computer;
/// elsewhere it has the name that it was compiled under.
fn standard_library(project: &Project) -> Result<(PathBuf, String)> {
    let ask = |arguments: &[&str]| {
        answer_of(project.command("rustc").args(arguments))?.context("rustc is missing")
    };
    let sysroot = ask(&["--print", "sysroot"])?;
    let version = ask(&["--version", "--verbose"])?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown");
    let folder = Path::new(&sysroot).join("lib/rustlib/src/rust");
    Ok((folder, format!("/rustc/{commit}")))
}
