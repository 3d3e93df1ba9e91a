//! What has to be on the machine before anything can be built or run.
//!
//! Rust is there, or this would not run. Some Node.js has to be installed by hand, to run npm.
//! The npm packages and Rust's WebAssembly target are installed here: the
//! packages at the versions of `package-lock.json`, into `node_modules`. Among them is the Node.js
//! that everything else runs on, so that it is the same one on every computer.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::{
    process::{answer_of, run, run_quietly, step},
    project::Project,
    stamp::Stamp,
};

/// The binding by which the worker knows its database.
pub const DATABASE: &str = "DB";

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The oldest Node.js whose npm is known to install the packages.
const OLDEST_FOR_NPM: u32 = 20;

/// The oldest npm that installs `npm/`, which is a workspace.
const OLDEST_NPM: u32 = 7;

/// The oldest that wrangler runs on, up to patches.
const OLDEST_FOR_WRANGLER: u32 = 22;

const GET_NODE: &str = "install the current LTS version from https://nodejs.org, open a new terminal and run the same command again";

/// Proof that everything is installed, and the way to call it.
pub struct Tools<'a> {
    project: &'a Project,
}

/// Looks for every tool and installs what is missing.
pub fn ensure(project: &Project) -> Result<Tools<'_>> {
    let installed_packages = install_npm_packages(project)?;
    let node = check_node(&mut project.command("node"), OLDEST_FOR_WRANGLER)?;
    let installed_target = install_wasm_target(project)?;
    if !installed_packages && !installed_target {
        step(
            "tools",
            &format!("all in place (Node.js {node}, npm packages, WebAssembly target)"),
        );
    }
    Ok(Tools { project })
}

impl Tools<'_> {
    /// wrangler: runs the worker locally and deploys it.
    pub fn wrangler(&self) -> Command {
        self.wrangler_in(self.project.command("node"))
    }

    /// wrangler, with the SQL that it is to execute on its standard input.
    pub fn wrangler_with_sql(&self) -> Command {
        let mut node = self.project.command("node");
        node.arg("--require");
        node.arg(self.project.path("xtask/src/sql_from_stdin.cjs"));
        self.wrangler_in(node)
    }

    fn wrangler_in(&self, mut command: Command) -> Command {
        // bin/wrangler.js does no more than start this with this flag; as a
        // process in between it would keep some signals to itself.
        command.arg("--no-warnings");
        command.arg(
            self.project
                .path("node_modules/wrangler/wrangler-dist/cli.js"),
        );
        command.env("WRANGLER_SEND_METRICS", "false");
        // The version is pinned; wrangler need not look for a newer one.
        command.env("WRANGLER_HIDE_BANNER", "true");
        // Without this wrangler writes its log files to the home folder.
        command.env("WRANGLER_LOG_PATH", self.project.path(".wrangler/logs"));
        command
    }

    /// Applies the migrations that the database on this computer has not seen.
    pub fn migrate_local_database(&self) -> Result<()> {
        step(
            "database",
            "making its tables on this computer, by the files in migrations/ (wrangler d1 migrations apply --local)",
        );
        let mut wrangler = self.wrangler();
        wrangler.args(["d1", "migrations", "apply", DATABASE, "--local"]);
        // Or it would ask for a yes.
        wrangler.env("CI", "1");
        run_quietly(&mut wrangler, "wrangler d1 migrations apply")
    }

    /// wasm-opt: makes WebAssembly smaller and faster.
    pub fn wasm_opt(&self) -> Command {
        self.script("node_modules/binaryen/bin/wasm-opt")
    }

    /// esbuild: joins the JavaScript files into one. Its launcher is a script
    /// or a native program, depending on how npm installed it; npm's own link
    /// starts either.
    pub fn esbuild(&self) -> Command {
        let link = if cfg!(windows) {
            "node_modules/.bin/esbuild.cmd"
        } else {
            "node_modules/.bin/esbuild"
        };
        Command::new(self.project.path(link))
    }

    /// A program written in JavaScript. Started through `node`, because only
    /// Unix starts a script by its first line.
    fn script(&self, path: &str) -> Command {
        let mut command = self.project.command("node");
        command.arg(self.project.path(path));
        command
    }
}

fn check_node(node: &mut Command, oldest: u32) -> Result<String> {
    let version = answer_of(node.arg("--version"))?
        .ok_or_else(|| anyhow!("Node.js is not installed: {GET_NODE}"))?;
    let version = version.trim_start_matches('v').to_owned();
    match major(&version) {
        Some(major) if major >= oldest => Ok(version),
        _ => bail!("Node.js {oldest} or newer is needed, this is {version}: {GET_NODE}"),
    }
}

fn check_npm(version: Option<String>) -> Result<()> {
    let version = version
        .ok_or_else(|| anyhow!("npm, which comes with Node.js, is not installed: {GET_NODE}"))?;
    ensure!(
        major(&version).is_some_and(|major| major >= OLDEST_NPM),
        "npm {OLDEST_NPM} or newer is needed, this is {version}: type `npm install --global npm` and run the same command again"
    );
    Ok(())
}

/// npm is a batch file on Windows, and found there only by its whole name. It runs on the
/// computer's own Node.js, because it may be about to replace the one in `node_modules`.
pub fn npm(project: &Project) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(&project.root);
    command
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Returns whether anything had to be installed.
fn install_npm_packages(project: &Project) -> Result<bool> {
    let lock_file = project.path("package-lock.json");
    let lock =
        fs::read(&lock_file).with_context(|| format!("cannot read {}", lock_file.display()))?;
    let stamp = Stamp::of(&[&lock], project.path("node_modules/.tokenkeep-stamp"));
    if stamp.is_current() {
        return Ok(false);
    }
    check_node(&mut Command::new("node"), OLDEST_FOR_NPM)?;
    check_npm(answer_of(npm(project).arg("--version"))?)?;
    step(
        "tools",
        "npm packages (Node.js, wrangler, esbuild, wasm-opt): installing into node_modules, about 30 s",
    );
    let mut npm = npm(project);
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_quietly(&mut npm, "npm ci").context(
        "the npm packages could not be installed; check that npm (it comes with Node.js) is there \
         and that the network is up, then run the same command again",
    )?;
    stamp.write()?;
    Ok(true)
}

/// Returns whether the target had to be installed.
pub fn install_wasm_target(project: &Project) -> Result<bool> {
    let query = ["--print", "target-libdir", "--target", WASM_TARGET];
    let library = answer_of(project.command("rustc").args(query))?;
    if library.is_some_and(|folder| Path::new(&folder).is_dir()) {
        return Ok(false);
    }
    if answer_of(project.command("rustup").arg("--version"))?.is_none() {
        bail!(
            "Rust's standard library for WebAssembly is missing, and there is no rustup to install it: \
             install Rust from https://rustup.rs, or the package of your system that holds the target {WASM_TARGET}"
        );
    }
    step(
        "tools",
        &format!("Rust's WebAssembly target ({WASM_TARGET}): installing, a few seconds"),
    );
    run_quietly(
        project
            .command("rustup")
            .args(["target", "add", WASM_TARGET]),
        "rustup target add",
    )?;
    Ok(true)
}

/// A tool written in Rust, such as `cargo-deny@0.20.2`. It is compiled on first use into
/// `target/tools`: there is no other way to have one version on every system.
pub fn cargo_tool(project: &Project, tool: &str, options: &[&str]) -> Result<Command> {
    let (name, version) = tool.split_once('@').context("a tool has a version")?;
    let folder = project.path("target/tools");
    let program = folder
        .join("bin")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let installed = answer_of(project.command(&program).arg("--version"))?;
    if installed != Some(format!("{name} {version}")) {
        step(
            "tools",
            &format!("{tool}: compiling it into target/tools, about two minutes, only once"),
        );
        let mut cargo = project.cargo();
        // What counts is how soon it is there, not how fast it runs.
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "false");
        cargo.args(["install", "--quiet", "--locked", "--force", "--debug"]);
        cargo.args(options).arg("--root").arg(&folder).arg(tool);
        run(&mut cargo, "cargo install")
            .with_context(|| format!("{tool} needs crates.io and a C compiler"))?;
    }
    Ok(project.command(program))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(major("20.20.2"), Some(20));
        assert_eq!(major("24.0.0-nightly"), Some(24));
        assert_eq!(major(""), None);
    }

    #[test]
    fn an_old_or_missing_npm_is_reported() {
        assert!(check_npm(Some("7.0.0".into())).is_ok());
        let old = check_npm(Some("6.14.18".into())).unwrap_err().to_string();
        assert!(
            old.contains("this is 6.14.18") && old.contains("npm install"),
            "{old}"
        );
        assert!(
            check_npm(None)
                .unwrap_err()
                .to_string()
                .contains("not installed")
        );
    }
}
