//! `cargo xtask simulate`, `bench` and `soak`: programs of their own, compiled when asked for.

use anyhow::Result;

use crate::{
    build::{build, build_with_names},
    process::{run, step},
    project::Project,
    tools,
};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct PassedOn {
    /// Passed on to the program; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
pub struct Soak {
    /// How long there is traffic
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
}

pub fn simulate(project: &Project, passed_on: &PassedOn) -> Result<()> {
    compile_and_run(project, "tokenkeep-simulator", FAST, &passed_on.arguments)
}

pub fn bench(project: &Project, passed_on: &PassedOn) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    if passed_on.arguments.iter().any(|it| it == "--profile") {
        build_with_names(project, &tools)?;
    }
    compile_and_run(project, "tokenkeep-bench", FAST, &passed_on.arguments)
}

pub fn soak(project: &Project, soak: &Soak) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    // As the tests compile it.
    let profile = "dev";
    let seconds = soak.seconds.to_string();
    compile_and_run(project, "tokenkeep-workerd-tests", profile, &[seconds])
}

/// For what computes for minutes.
const FAST: &str = "simulation";

fn compile_and_run(
    project: &Project,
    package: &str,
    profile: &str,
    arguments: &[String],
) -> Result<()> {
    step("run", &format!("compiling {package}, then running it"));
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--profile", profile]);
    cargo.args(["--package", package, "--"]).args(arguments);
    run(&mut cargo, package)
}
