//! `cargo xtask reproduce`: is the worker that was deployed, or the npm package, made from this code?
//!
//! The same code gives the same of both, byte for byte, whatever the folder and whosever the computer,
//! as long as the compiler is the same. Shown here by a second build in another folder, from nothing.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    build::{PRODUCTS, build},
    process::step,
    project::Project,
    release, tools,
};

/// What is no part of the code.
const LEFT_OUT: [&str; 8] = [
    ".git",
    "target",
    "build",
    "dist",
    "node_modules",
    ".wrangler",
    "corpus",
    "artifacts",
];

pub fn run(project: &Project) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    let package = release::pack(project)?;

    let copy = Project {
        root: project.path("target/reproduce/another folder"),
    };
    if copy.root.exists() {
        fs::remove_dir_all(&copy.root)?;
    }
    step("copy", &format!("the code to {}", copy.root.display()));
    copy_folder(&project.root, &copy.root)?;
    build(&copy, &tools)?;

    for name in PRODUCTS {
        let [first, second] = [hash(project, name)?, hash(&copy, name)?];
        step("hash", &format!("{first}  build/{name}"));
        ensure!(first == second, "the copy's is another one: {second}");
    }
    step("hash", &format!("{}  {}", package.sha256, package.name()));
    let second = release::pack(&copy)?.sha256;
    ensure!(
        package.sha256 == second,
        "the copy's is another one: {second}"
    );
    step("hash", "the two builds are the same");
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, from) = (entry.file_name(), entry.path());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&from, &to.join(name))?;
        } else {
            fs::copy(&from, to.join(name)).with_context(|| from.display().to_string())?;
        }
    }
    Ok(())
}

fn hash(project: &Project, name: &str) -> Result<String> {
    let bytes = fs::read(project.path("build").join(name))?;
    Ok(format!("{:x}", Sha256::digest(bytes)))
}
