//! `cargo xtask test`: every test, those of the built worker in workerd and those of the setup page
//! in a browser included.

use std::{env, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    build::build,
    process::{run as run_program, step},
    project::Project,
    python, release, tools, verifiers,
};

/// Names a browser for the tests.
const CHROME: &str = "CHROME";

const BROWSERS: [&str; 8] = [
    "chromium",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    "/snap/bin/chromium",
];

const GET_BROWSER: &str = "the setup page is tested in Chrome or Chromium, and there is none: \
    install Chrome from https://www.google.com/chrome, or on Debian type \
    `sudo apt-get install chromium`, or name the program of one that you have, as in \
    `CHROME=/path/to/chrome cargo xtask test`";

/// Python packages for the tests, and where the tests look for them.
const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";
const PYTHON_ENVIRONMENT: &str = "target/schemathesis";

#[derive(clap::Args)]
pub struct Arguments {
    /// Passed on to `cargo test`, as in `cargo xtask test -- refresh`; the tests of xtask itself
    /// and of the npm package are left out then
    #[arg(last = true)]
    cargo_test_arguments: Vec<String>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    // Asked first, because only a person can install it.
    let browser = browser()?;
    let tools = tools::ensure(project)?;
    python::install(project, "schemathesis", REQUIREMENTS, PYTHON_ENVIRONMENT)?;
    verifiers::install(project)?;
    build(project, &tools)?;
    release::pack(project)?;
    step("test", "compiling and running every test");
    let mut cargo = project.cargo();
    // xtask is tested apart from the rest: compiled together with it, its
    // dependencies would be configured anew and compiled a second time.
    cargo.args(["test", "--workspace", "--exclude", "xtask"]);
    cargo.args(&arguments.cargo_test_arguments);
    cargo.env(CHROME, browser);
    run_program(&mut cargo, "cargo test")?;
    if arguments.cargo_test_arguments.is_empty() {
        let mut cargo = project.cargo();
        run_program(cargo.args(["test", "--package", "xtask"]), "cargo test")?;
        let mut node = project.command("node");
        // Its files side by side: they wait for wrangler most of the time.
        node.args(["--test", "--test-concurrency=3", "npm/test/*.test.mjs"]);
        run_program(&mut node, "node --test")?;
    }
    Ok(())
}

fn browser() -> Result<PathBuf> {
    if let Some(named) = env::var_os(CHROME).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(named);
        if !path.is_file() {
            bail!("{CHROME} names {}, which is not there", path.display());
        }
        return Ok(path);
    }
    let mut found = BROWSERS.iter().filter_map(|name| which::which(name).ok());
    found.next().context(GET_BROWSER)
}
