//! Python's packages for the tests, in a virtual environment under `target/`.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{
    process::{answer_of, run_quietly, step},
    project::Project,
    stamp::Stamp,
};

const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";

/// Where the tests look for it too.
const ENVIRONMENT: &str = "target/schemathesis";

/// The oldest that the packages run on.
const OLDEST: (u32, u32) = (3, 10);

const GET_PYTHON: &str = "get it from https://www.python.org/downloads, or on Debian and Ubuntu with \
     `apt install python3 python3-venv`";

/// Installs what `requirements.txt` names, unless it is there already.
pub fn ensure(project: &Project) -> Result<()> {
    let requirements = std::fs::read(project.path(REQUIREMENTS))
        .with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let environment = project.path(ENVIRONMENT);
    let stamp = Stamp::of(&[&requirements], environment.join(".stamp"));
    if stamp.is_current() {
        return Ok(());
    }
    let python = find(project)?;
    step(
        "tools",
        "schemathesis: installing it into target/schemathesis, about 15 s",
    );
    let mut venv = project.command(python);
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    run_quietly(&mut venv, "python -m venv").with_context(|| {
        format!("Python's modules venv and ensurepip are needed; a part of them is missing: {GET_PYTHON}")
    })?;
    let mut pip = project.command(&program(&environment).to_string_lossy());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args(["--requirement", REQUIREMENTS]);
    run_quietly(&mut pip, "pip install")
        .context("check that the network is up, then run the same command again")?;
    stamp.write()
}

/// The environment's Python.
fn program(environment: &Path) -> std::path::PathBuf {
    environment.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

/// The name of a Python that is new enough.
fn find(project: &Project) -> Result<&'static str> {
    for name in ["python3", "python"] {
        let answer = answer_of(project.command(name).arg("--version"))?;
        match answer.as_deref().and_then(version) {
            Some(version) if version >= OLDEST => return Ok(name),
            _ => {}
        }
    }
    let (major, minor) = OLDEST;
    bail!("the tests need Python {major}.{minor} or newer, which is missing: {GET_PYTHON}")
}

/// The version in what `python --version` prints.
fn version(answer: &str) -> Option<(u32, u32)> {
    let mut parts = answer.strip_prefix("Python ")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_python_is_read() {
        assert_eq!(version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(version("Python 3.14.0rc1"), Some((3, 14)));
        assert_eq!(version(""), None);
        assert!(Some((3, 9)) < Some(OLDEST));
    }
}
