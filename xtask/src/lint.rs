//! `cargo xtask lint`: formatting, lints with warnings as errors, licences and
//! bans. It changes nothing.

use anyhow::{Result, bail};

use crate::{
    deny::cargo_deny,
    process::{answer_of, run as run_program, step},
    project::Project,
    tools::{WASM_TARGET, install_wasm_target},
};

pub fn run(project: &Project) -> Result<()> {
    check_component(project, "fmt", "rustfmt")?;
    check_component(project, "clippy", "clippy")?;
    install_wasm_target(project)?;

    step("fmt", "is the code formatted? (`cargo fmt` does it)");
    run_program(
        project.cargo().args(["fmt", "--all", "--check"]),
        "cargo fmt",
    )?;

    step("clippy", "lints of everything, for this computer");
    clippy(project, &["--workspace", "--all-targets"])?;
    step("clippy", "lints of the worker, for WebAssembly");
    clippy(
        project,
        &["--package", "tokenkeep", "--lib", "--target", WASM_TARGET],
    )?;

    let mut deny = cargo_deny(project)?;
    step(
        "deny",
        "licences, forbidden crates and where they come from (deny.toml)",
    );
    run_program(
        deny.args([
            "--log-level",
            "warn",
            "check",
            "licenses",
            "bans",
            "sources",
        ]),
        "cargo deny",
    )
}

fn clippy(project: &Project, selection: &[&str]) -> Result<()> {
    let mut cargo = project.cargo();
    cargo
        .arg("clippy")
        .arg("--quiet")
        .args(selection)
        .args(["--", "--deny", "warnings"]);
    run_program(&mut cargo, "cargo clippy")
}

/// rustfmt and clippy belong to Rust, but a small installation lacks them.
fn check_component(project: &Project, command: &str, component: &str) -> Result<()> {
    let version = answer_of(project.cargo().args([command, "--version"]))?;
    if version.is_none_or(|version| version.is_empty()) {
        bail!("{component} is missing: `rustup component add {component}` installs it");
    }
    Ok(())
}
