//! `cargo xtask simulate`: sessions in a simulated world, and a report of what was promised and
//! what was seen. The simulator is compiled for speed, apart from everything else.

use anyhow::Result;

use crate::{
    process::{run as run_program, step},
    project::Project,
};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Passed on: --sessions N, --seed S, --lag-seconds L, --replay SEED:INDEX, or --help for all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    simulator_arguments: Vec<String>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    step("simulate", "compiling the simulator, then running it");
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--profile", "simulation"]);
    cargo.args(["--package", "tokenkeep-simulator", "--"]);
    run_program(cargo.args(&arguments.simulator_arguments), "the simulator")
}
