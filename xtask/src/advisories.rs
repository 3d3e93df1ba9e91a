//! `cargo xtask advisories`: known vulnerabilities of what the project uses.
//!
//! A command of its own, because it needs the network and its answer changes
//! while the code does not.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{deny::cargo_deny, process::step, project::Project, tools::npm};

pub fn run(project: &Project) -> Result<()> {
    step(
        "rust",
        "known vulnerabilities of the Rust crates (cargo deny check advisories)",
    );
    let mut deny = cargo_deny(project)?;
    let crates = look_up(
        deny.args(["check", "advisories"]),
        "the Rust crates",
        "failed to fetch advisory database",
        "the database at github.com/RustSec/advisory-db",
    );
    step(
        "npm",
        "known vulnerabilities of the npm packages, which build and run but are not deployed (npm audit)",
    );
    let packages = look_up(
        npm(project).arg("audit"),
        "the npm packages",
        "audit endpoint returned an error",
        "the registry's list of vulnerabilities",
    );
    // Both are told: the one may fail for the network, the other for a vulnerability.
    match (crates, packages) {
        (Err(crates), Err(packages)) => bail!("{crates:#}; and {packages:#}"),
        (crates, packages) => crates.and(packages),
    }
}

/// Runs a look-up. That nothing is known and that nothing could be looked up are two different
/// answers: the latter has this mark in it.
fn look_up(command: &mut Command, of: &str, unreachable_mark: &str, source: &str) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("the look-up of {of} did not start"))?;
    let [told, complained] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    print!("{told}");
    eprint!("{complained}");
    if output.status.success() {
        return Ok(());
    }
    if told.contains(unreachable_mark) || complained.contains(unreachable_mark) {
        bail!("nothing is known about {of}: {source} could not be reached");
    }
    bail!("{of} have known vulnerabilities, or the look-up failed; its own message is above")
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn answer(script: &str) -> Option<String> {
        let mut shell = Command::new("sh");
        let looked_up = look_up(shell.args(["-c", script]), "them", "offline", "the list");
        looked_up.err().map(|error| error.to_string())
    }

    #[test]
    fn a_list_that_cannot_be_reached_is_no_vulnerability_and_no_all_clear() {
        assert_eq!(answer("echo fine"), None);
        let unreachable = answer("echo offline >&2; exit 1").unwrap();
        assert!(
            unreachable.contains("could not be reached"),
            "{unreachable}"
        );
        let vulnerable = answer("echo CVE; exit 1").unwrap();
        assert!(vulnerable.contains("known vulnerabilities"), "{vulnerable}");
    }
}
