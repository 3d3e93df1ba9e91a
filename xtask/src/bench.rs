//! `cargo xtask bench`: Tokenkeep beside other ways to refresh a session, and a table of what each
//! costs. What measures is compiled for speed, apart from everything else.

use anyhow::Result;

use crate::{
    build,
    process::{run as run_program, step},
    project::Project,
    tools,
};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Passed on: --quick, --part PART, --million, --profile, or --help for all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench_arguments: Vec<String>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let tools = tools::ensure(project)?;
    build::build(project, &tools)?;
    if arguments.bench_arguments.iter().any(|it| it == "--profile") {
        build::build_with_names(project, &tools)?;
    }
    step("bench", "compiling what measures, then running it");
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--profile", "simulation"]);
    cargo.args(["--package", "tokenkeep-bench", "--"]);
    run_program(cargo.args(&arguments.bench_arguments), "the benchmark")
}
