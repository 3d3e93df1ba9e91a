//! `cargo xtask reproduce`: is the worker that was deployed made from this code?
//!
//! The same code gives the same worker, byte for byte, whatever the folder and whosever the computer,
//! as long as the compiler is the same. Shown here by a second build in another folder, from nothing.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    build::{PRODUCTS, build},
    process::step,
    project::Project,
    tools,
};

/// What is no part of the code.
const LEFT_OUT: [&str; 7] = [
    ".git",
    "target",
    "build",
    "node_modules",
    ".wrangler",
    "corpus",
    "artifacts",
];

pub fn run(project: &Project) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;

    let copy = Project {
        root: project.path("target/reproduce/another folder"),
    };
    if copy.root.exists() {
        fs::remove_dir_all(&copy.root).with_context(|| copy.root.display().to_string())?;
    }
    step("copy", &format!("the code to {}", copy.root.display()));
    copy_folder(&project.root, &copy.root)?;
    build(&copy, &tools)?;

    let mut differing = Vec::new();
    for name in PRODUCTS {
        let [first, second] = [hash(project, name)?, hash(&copy, name)?];
        step("hash", &format!("{first}  build/{name}"));
        if first != second {
            step("hash", &format!("{second}  build/{name} of the copy"));
            differing.push(name);
        }
    }
    if !differing.is_empty() {
        bail!("the two builds differ: {}", differing.join(", "));
    }
    step("hash", "the two builds are the same");
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        ensure!(!kind.is_symlink(), "{} is a link", entry.path().display());
        if kind.is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

fn hash(project: &Project, name: &str) -> Result<String> {
    let file = project.path("build").join(name);
    let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
    Ok(format!("{:x}", Sha256::digest(bytes)))
}
