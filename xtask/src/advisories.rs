//! `cargo xtask advisories`: known vulnerabilities of what the project uses.
//!
//! A command of its own, because it needs the network and its answer changes
//! while the code does not.

use anyhow::Result;

use crate::{
    deny::cargo_deny,
    process::{run as run_program, step},
    project::Project,
    tools::npm,
};

pub fn run(project: &Project) -> Result<()> {
    let mut deny = cargo_deny(project)?;
    step(
        "rust",
        "known vulnerabilities of the Rust crates (cargo deny check advisories)",
    );
    let crates = run_program(deny.args(["check", "advisories"]), "cargo deny");
    step(
        "npm",
        "known vulnerabilities of the npm packages, which build and run but are not deployed (npm audit)",
    );
    let packages = run_program(npm(project).arg("audit"), "npm audit");
    crates.and(packages)
}
