//! cargo-deny, the tool that checks licences, bans and advisories by `deny.toml`.
//!
//! It is compiled on first use into `target/tools`: there is no other way to
//! have one version on every system, and only `lint` and `advisories` need it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{
    process::{answer_of, run as run_program, step},
    project::Project,
};

const VERSION: &str = "0.20.2";

/// cargo-deny, ready to be given a check; installs it where it is missing.
pub fn cargo_deny(project: &Project) -> Result<Command> {
    let folder = project.path("target/tools");
    let program = folder
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !is_installed(project, &program)? {
        step(
            "tools",
            &format!(
                "cargo-deny {VERSION}: compiling it into target/tools, about two minutes, only once"
            ),
        );
        let mut cargo = project.cargo();
        cargo
            .args([
                "install",
                "--quiet",
                "--locked",
                "--force",
                "--no-default-features",
                "--debug",
                "--root",
            ])
            .arg(&folder);
        // What counts is how soon it is there, not how fast it runs.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
        cargo.arg(format!("cargo-deny@{VERSION}"));
        run_program(&mut cargo, "cargo install")
            .context("cargo-deny could not be installed; it needs crates.io and a C compiler")?;
    }
    Ok(project.command(&program.to_string_lossy()))
}

fn is_installed(project: &Project, program: &Path) -> Result<bool> {
    let version = answer_of(project.command(&program.to_string_lossy()).arg("--version"))?;
    Ok(version.is_some_and(|version| version == format!("cargo-deny {VERSION}")))
}
