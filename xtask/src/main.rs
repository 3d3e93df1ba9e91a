//! `cargo xtask`: every command of the project, from a fresh clone to a running
//! worker, for people who need not know Rust or its tools.
//!
//! Needed beforehand are Rust and Node.js. Everything else is looked for, and
//! installed into the project's own folders where it is missing.

mod advisories;
mod bench;
mod browser;
mod build;
mod bundle;
mod deny;
mod deploy;
mod dev;
mod dev_vars;
mod fuzz;
mod lint;
mod migrations;
mod page;
mod paths;
mod process;
mod project;
mod python;
mod reproduce;
mod simulate;
mod soak;
mod stamp;
mod test;
mod tools;
mod users;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use project::Project;

/// The commands of Tokenkeep. Start with `cargo xtask dev`.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the worker on this computer; installs and builds what is missing
    Dev(dev::Arguments),
    /// Run all tests, those in the real runtime included
    Test(test::Arguments),
    /// Try to break the promises of sessions in a simulated world, and report
    Simulate(simulate::Arguments),
    /// Hold the worker against others in workerd, and write docs/performance.md
    Bench(bench::Arguments),
    /// Let libFuzzer look for input that breaks a promise (takes long)
    Fuzz(fuzz::Arguments),
    /// Traffic on a worker that is killed now and then, and an account of what was lost
    Soak(soak::Arguments),
    /// Check formatting, lints, licences and dependencies
    Lint,
    /// Build the worker into the folder `build`
    Build,
    /// Build the worker a second time in another folder, and compare
    Reproduce,
    /// Put the worker on your Cloudflare account
    Deploy(deploy::Arguments),
    /// Bring users along from another system
    Users(users::Arguments),
    /// Look up known vulnerabilities of the dependencies (needs the network)
    Advisories,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let project = Project::locate();
    let outcome = match arguments.command {
        Command::Dev(arguments) => dev::run(&project, &arguments),
        Command::Test(arguments) => test::run(&project, &arguments),
        Command::Simulate(arguments) => simulate::run(&project, &arguments),
        Command::Bench(arguments) => bench::run(&project, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&project, &arguments),
        Command::Soak(arguments) => soak::run(&project, &arguments),
        Command::Lint => lint::run(&project),
        Command::Build => build::run(&project),
        Command::Reproduce => reproduce::run(&project),
        Command::Deploy(arguments) => deploy::run(&project, &arguments),
        Command::Users(arguments) => users::run(&project, &arguments),
        Command::Advisories => advisories::run(&project),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
