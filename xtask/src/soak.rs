//! `cargo xtask soak`: mixed traffic on the built worker in workerd, which is killed now and then,
//! and an account of every session and account afterwards.

use anyhow::Result;

use crate::{
    build::build,
    process::{run as run_program, step},
    project::Project,
    tools,
};

#[derive(clap::Args)]
pub struct Arguments {
    /// For how long there is traffic
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    step(
        "soak",
        &format!("traffic for {} s, then an account", arguments.seconds),
    );
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--package", "tokenkeep-workerd-tests"]);
    cargo.args(["--bin", "soak", "--", &arguments.seconds.to_string()]);
    run_program(&mut cargo, "the soak")
}
