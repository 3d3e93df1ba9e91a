//! `cargo xtask simulate`, `bench` and `soak`: programs of their own, compiled when asked for.

use anyhow::Result;
use clap::ValueEnum;

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
    /// Where the worker keeps sessions; by default one run for each
    #[arg(long, value_enum)]
    store: Option<Store>,
}

/// As `SESSION_STORE` has them.
#[derive(Clone, Copy, ValueEnum)]
enum Store {
    Kv,
    #[value(name = "durable_objects", alias = "objects")]
    DurableObjects,
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
    let mut arguments = vec![soak.seconds.to_string()];
    let store = soak.store.and_then(|store| store.to_possible_value());
    arguments.extend(store.map(|store| store.get_name().to_owned()));
    compile_and_run(project, "tokenkeep-workerd-tests", profile, &arguments)
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
