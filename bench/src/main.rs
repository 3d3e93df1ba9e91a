//! `cargo xtask bench`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tokenkeep_bench::{
    bundle::Bundles,
    contender::Contender,
    profile,
    refresh::{self, Effort},
    report,
    stage::Stage,
};

/// Tokenkeep beside other ways to refresh a session.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Rounds; in each of them every contender has a turn
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Requests of a turn, with one connection and with sixteen each
    #[arg(long, default_value_t = 3000)]
    requests: usize,
    /// Instead of all that: the functions of Tokenkeep that take the most CPU time
    #[arg(long)]
    profile: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.profile {
        return show_profile();
    }
    let sources: Vec<&str> = Contender::ALL
        .into_iter()
        .filter_map(Contender::source)
        .collect();
    let bundles = Bundles::make(&sources)?;
    let stage = Stage::start(&Contender::ALL, &bundles)?;
    let effort = Effort {
        rounds: arguments.rounds,
        requests: arguments.requests,
        warm_up: arguments.requests / 10,
    };
    let results = refresh::measure(&stage, effort, |round, contender| {
        eprintln!("round {round}: {}", contender.title());
    })?;
    print!("{}", report::refresh_table(&results));
    Ok(())
}

/// Requests of a profile: some seconds.
const PROFILED: usize = 20_000;

fn show_profile() -> Result<()> {
    eprintln!("  bench    profiling {PROFILED} refreshes, some seconds");
    let profile = profile::take(PROFILED)?;
    let path = profile.write()?;
    print!("\n{}", profile.table()?);
    println!(
        "\nThe whole profile, for Chrome's DevTools: {}",
        path.display()
    );
    Ok(())
}
