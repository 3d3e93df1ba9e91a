//! Verifiers and OAuth clients of others, for the tests: as they are published, in their own folders.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{
    process::{run_quietly, step},
    project::Project,
    python,
    stamp::Stamp,
    tools::npm,
};

const FOLDER: &str = "tests/verifiers";
const PYTHON_ENVIRONMENT: &str = "target/verifiers/python";
const APACHE: &str = "target/verifiers/apache";

/// Apache without the package that starts it as a service.
const DEBIAN_PACKAGES: [&str; 2] = ["apache2-bin", "libapache2-mod-auth-openidc"];

/// Where they put Apache's part of it.
const MODULE: &str = "/usr/lib/apache2/modules/mod_auth_openidc.so";

const GET_APACHE: &str = "Apache with mod_auth_openidc is needed: get it from your system's packages \
    (Debian and Ubuntu: `sudo apt-get install apache2-bin libapache2-mod-auth-openidc`), and run the \
    same command again";

/// Installs all of them that are missing.
pub fn install(project: &Project) -> Result<()> {
    install_npm_packages(project)?;
    let requirements = format!("{FOLDER}/requirements.txt");
    python::install(project, "verifiers", &requirements, PYTHON_ENVIRONMENT)?;
    // There are no such packages elsewhere; the test is for Linux only, too.
    if cfg!(target_os = "linux") {
        install_apache(project)?;
    }
    Ok(())
}

fn install_npm_packages(project: &Project) -> Result<()> {
    let folder = project.path(FOLDER);
    let lock = fs::read(folder.join("package-lock.json")).context("tests/verifiers")?;
    let stamp = Stamp::of(&[&lock], folder.join("node_modules/.tokenkeep-stamp"));
    if stamp.is_current() {
        return Ok(());
    }
    step(
        "tools",
        "verifiers: installing their npm packages, a few seconds",
    );
    let mut npm = npm(project);
    npm.current_dir(&folder);
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_quietly(&mut npm, "npm ci").context("the network has to be up")?;
    stamp.write()
}

/// That of the system, if there is one; else Debian's packages, unpacked into a folder. That takes no
/// root: apt gets a list and a cache of its own, and nothing is installed.
fn install_apache(project: &Project) -> Result<()> {
    let folder = project.path(APACHE);
    let stamp = Stamp::of(&[b"all unpacked"], folder.join(".stamp"));
    if Path::new(MODULE).exists() || stamp.is_current() {
        return Ok(());
    }
    step("tools", "verifiers: unpacking Debian's Apache, about 20 s");
    for part in ["lists/partial", "cache/archives/partial", "root"] {
        fs::create_dir_all(folder.join(part)).context(APACHE)?;
    }
    run_quietly(apt_get(project, &folder).arg("update"), "apt-get update").context(GET_APACHE)?;
    let mut download = apt_get(project, &folder);
    download.args([
        "--yes",
        "--no-install-recommends",
        "--download-only",
        "install",
    ]);
    run_quietly(download.args(DEBIAN_PACKAGES), "apt-get").context(GET_APACHE)?;
    for package in fs::read_dir(folder.join("cache/archives")).context(APACHE)? {
        let package = package.context(APACHE)?.path();
        if package.extension().is_some_and(|it| it == "deb") {
            let mut unpack = project.command("dpkg-deb");
            unpack
                .arg("--extract")
                .arg(&package)
                .arg(folder.join("root"));
            run_quietly(&mut unpack, "dpkg-deb").context(GET_APACHE)?;
        }
    }
    stamp.write()
}

fn apt_get(project: &Project, folder: &Path) -> Command {
    let mut command = project.command("apt-get");
    command.arg("--quiet=2");
    for (option, part) in [("Dir::State::Lists", "lists"), ("Dir::Cache", "cache")] {
        command.arg(format!("--option={option}={}", folder.join(part).display()));
    }
    command.arg("--option=Debug::NoLocking=1");
    command
}
