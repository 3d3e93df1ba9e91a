//! `cargo xtask lint`: formatting, lints with warnings as errors, licences and
//! bans. It changes nothing. And `cargo xtask advisories`, which asks the network.

use anyhow::{Context as _, Result, ensure};

use crate::{
    process::{answer_of, run as run_program, step},
    project::Project,
    tools::{WASM_TARGET, cargo_tool, install_wasm_target, npm},
};

/// The tool that checks licences, bans and advisories by `deny.toml`.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

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

    step(
        "deny",
        "licences, forbidden crates and where they come from (deny.toml)",
    );
    deny(project, &["licenses", "bans", "sources"])
}

/// A command of its own, because it needs the network and its answer changes while the code does
/// not.
pub fn advisories(project: &Project) -> Result<()> {
    step(
        "rust",
        "known vulnerabilities of the Rust crates (cargo deny check advisories)",
    );
    let crates = deny(project, &["advisories"]);
    step(
        "npm",
        "known vulnerabilities of the npm packages, which build and run but are not deployed (npm audit)",
    );
    let packages = run_program(npm(project).arg("audit"), "npm audit");
    // Both are looked up, whatever comes of the first.
    crates.and(packages).context(
        "there are known vulnerabilities, or a list of them could not be reached, and then nothing is known",
    )
}

fn deny(project: &Project, checks: &[&str]) -> Result<()> {
    let mut deny = cargo_tool(project, CARGO_DENY, &["--no-default-features"])?;
    deny.args(["--log-level", "warn", "check"]).args(checks);
    run_program(&mut deny, "cargo deny")
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
    ensure!(
        version.is_some_and(|version| !version.is_empty()),
        "{component} is missing: `rustup component add {component}` installs it"
    );
    Ok(())
}
