//! `cargo xtask test`: every test, those that run the built worker in workerd
//! and those of the setup page in a browser included. They find the build and the npm packages in
//! the project's folder.

use anyhow::Result;

use crate::{
    browser,
    build::build,
    process::{run as run_program, step},
    project::Project,
    python, tools,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// Passed on to `cargo test`, as in `cargo xtask test -- refresh`; xtask's
    /// own tests are then left out
    #[arg(last = true)]
    cargo_test_arguments: Vec<String>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let tools = tools::ensure(project)?;
    python::ensure(project)?;
    let browser = browser::ensure(project)?;
    build(project, &tools)?;
    step("test", "compiling and running every test");
    let mut cargo = project.cargo();
    // xtask is tested apart from the rest: compiled together with it, its
    // dependencies would be configured anew and compiled a second time.
    cargo.args(["test", "--workspace", "--exclude", "xtask"]);
    cargo.args(&arguments.cargo_test_arguments);
    cargo.env("WRANGLER_SEND_METRICS", "false");
    cargo.env(browser::VARIABLE, browser);
    run_program(&mut cargo, "cargo test")?;
    if arguments.cargo_test_arguments.is_empty() {
        run_program(
            project.cargo().args(["test", "--package", "xtask"]),
            "cargo test",
        )?;
    }
    Ok(())
}
