//! `cargo xtask`: every command of the project, from a fresh clone to a running
//! worker, for people who need not know Rust or its tools.
//!
//! Needed beforehand are Rust and Node.js. Everything else is looked for, and
//! installed into the project's own folders where it is missing.

mod build;
mod bundle;
mod fuzz;
mod lint;
mod maker;
mod measure;
mod paths;
mod process;
mod project;
mod python;
mod release;
mod reproduce;
mod stamp;
mod test;
mod tools;
mod users;
mod verifiers;

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
    Dev(maker::Dev),
    /// Put the worker on your Cloudflare account
    Deploy(maker::Deploy),
    /// Store a secret of the deployed worker, or make one
    Secret(maker::Secret),
    /// Import users from another system
    Users(users::Arguments),
    /// Run all tests, including those in Cloudflare's runtime and in a browser
    Test(test::Arguments),
    /// Check formatting, lints, licences and dependencies
    Lint,
    /// Look up known vulnerabilities of the dependencies (needs the network)
    Advisories,
    /// Build the worker into the folder `build`
    Build,
    /// Pack the npm package `tokenkeep` into the folder `dist`
    Release,
    /// Build worker and npm package twice, in two folders, and compare the results
    Reproduce,
    /// Simulate sessions, and look for false logouts and missed thieves
    Simulate(measure::PassedOn),
    /// Compare the worker's speed and cost with other ways to refresh a session
    Bench(measure::PassedOn),
    /// Send traffic to a worker that is killed now and then, and look for lost data
    Soak(measure::Soak),
    /// Search for input that breaks the worker, with libFuzzer (takes long)
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let project = Project::locate();
    let outcome = match arguments.command {
        Command::Dev(arguments) => maker::dev(&project, &arguments),
        Command::Deploy(arguments) => maker::deploy(&project, &arguments),
        Command::Secret(arguments) => maker::secret(&project, &arguments),
        Command::Users(arguments) => users::run(&project, &arguments),
        Command::Test(arguments) => test::run(&project, &arguments),
        Command::Lint => lint::run(&project),
        Command::Advisories => lint::advisories(&project),
        Command::Build => build::run(&project),
        Command::Release => release::run(&project),
        Command::Reproduce => reproduce::run(&project),
        Command::Simulate(arguments) => measure::simulate(&project, &arguments),
        Command::Bench(arguments) => measure::bench(&project, &arguments),
        Command::Soak(arguments) => measure::soak(&project, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&project, &arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
