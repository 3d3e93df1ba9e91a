//! Python packages for the tests, in environments of their own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    process::{run_quietly, step},
    project::Project,
    stamp::Stamp,
};

const GET_PYTHON: &str = "Python 3.10 or newer is needed, with its modules venv and ensurepip: get it \
    from https://www.python.org/downloads, or on Debian type `sudo apt-get install python3-venv`";

/// Installs the packages of a file of requirements into an environment, unless they are there.
pub fn install(project: &Project, what: &str, requirements: &str, environment: &str) -> Result<()> {
    let folder = project.path(environment);
    let wanted = fs::read(project.path(requirements)).with_context(|| requirements.to_owned())?;
    let stamp = Stamp::of(&[&wanted], folder.join(".stamp"));
    if stamp.is_current() {
        return Ok(());
    }
    let mut found = ["python3", "python"]
        .iter()
        .filter_map(|name| which::which(name).ok());
    let python = found.next().context(GET_PYTHON)?;
    step(
        "tools",
        &format!("{what}: installing Python packages into {environment}, about 15 s"),
    );
    let mut venv = project.command(&python);
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    run_quietly(&mut venv, "python -m venv").context(GET_PYTHON)?;
    let mut pip = project.command(program(&folder));
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.args(["--disable-pip-version-check", "--requirement", requirements]);
    run_quietly(&mut pip, "pip install")
        .with_context(|| format!("the network has to be up. {GET_PYTHON}"))?;
    stamp.write()
}

/// The environment's Python.
fn program(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}
