//! `cargo xtask bench`.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokenkeep_bench::{
    contender::Contender,
    driver::Load,
    growth::Alone,
    login, machine, profile,
    refresh::{self, Effort},
    report,
    stage::Stage,
    start,
};
use tokenkeep_workerd_tests::project::folder;

/// Tokenkeep beside other ways to refresh a session: CPU, latency, memory and cost.
///
/// A run of all parts takes some ten minutes and writes its tables to docs/performance.md.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// Only this part; can be given several times. Nothing is written to the docs then
    #[arg(long, value_enum)]
    part: Vec<Part>,
    /// See in less than a minute that everything works; the numbers mean little
    #[arg(long)]
    quick: bool,
    /// Let one isolate serve a million refreshes, not a hundred thousand
    #[arg(long, conflicts_with = "quick")]
    million: bool,
    /// Rounds; in each of them every contender has a turn
    #[arg(long, default_value_t = 15, value_parser = positive)]
    rounds: usize,
    /// Requests of a turn, with one connection and with sixteen each
    #[arg(long, default_value_t = 1000, value_parser = positive)]
    requests: usize,
    /// Only against hono + jose and other builds: a folder like build/. Can be given several
    /// times; shows a refresh and a start, and writes nothing
    #[arg(long, value_name = "FOLDER", conflicts_with = "part")]
    against: Vec<String>,
    /// Instead of all that: the functions of Tokenkeep by the CPU time that they take
    #[arg(long)]
    profile: bool,
}

/// A whole number that is not 0.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// CPU time, latency and price of a refresh
    Refresh,
    /// Size, first answer of a fresh isolate, memory
    Start,
    /// A user's sessions, and a long life
    Growth,
    /// With and without the hash
    Login,
}

/// How much is done.
struct Plan {
    effort: Effort,
    starts: usize,
    life: usize,
    logins: usize,
}

impl Plan {
    fn of(arguments: &Arguments) -> Self {
        if arguments.quick {
            return Self {
                effort: Effort {
                    rounds: 1,
                    requests: 200,
                    warm_up: 50,
                },
                starts: 1,
                life: 2_000,
                logins: 10,
            };
        }
        Self {
            effort: Effort {
                rounds: arguments.rounds,
                requests: arguments.requests,
                warm_up: arguments.requests / 10,
            },
            starts: arguments.rounds.div_ceil(2),
            life: if arguments.million {
                1_000_000
            } else {
                100_000
            },
            logins: 100,
        }
    }
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
    let plan = Plan::of(arguments);
    let (contenders, parts) = cast(arguments);
    let wanted = |part| parts.is_empty() || parts.contains(&part);
    let mut text = machine::description()?;
    let mut tell = |title: &str, tables: &str| {
        println!("\n{title}\n\n{tables}");
        text.extend(["\n### ", title, "\n\n", tables]);
    };
    if wanted(Part::Refresh) || wanted(Part::Start) {
        step("starting everyone in one workerd, and checking their answers");
        let stage = Stage::start(&contenders)?;
        if wanted(Part::Refresh) {
            step("refreshing, in turn");
            let turns = (plan.effort.rounds + 1) * stage.players.len();
            let bar = bar(turns);
            let all = refresh::measure(&stage, plan.effort, |round, contender| {
                // In a log there is no bar.
                if bar.is_hidden() && contender == contenders[0] {
                    step(&format!("round {round} of {}", plan.effort.rounds));
                }
                bar.set_message(format!("round {round}, {}", contender.title()));
                bar.inc(1);
            })?;
            bar.finish_and_clear();
            tell("A refresh", &report::refresh_table(&all));
            tell("What it costs", &report::price_table(&all));
        }
        if wanted(Part::Start) {
            step("starting everyone alone, several times");
            let bar = bar(plan.starts * stage.players.len());
            let load = Load {
                requests: plan.effort.requests * 10,
                connections: 16,
            };
            let all = start::measure(&stage, plan.starts, load, |contender| {
                bar.set_message(contender.title());
                bar.inc(1);
            })?;
            bar.finish_and_clear();
            tell(
                "A fresh isolate",
                &report::start_table(&all, &stage.bundles)?,
            );
        }
    }
    if wanted(Part::Growth) {
        step("a user with many sessions, and an isolate with many requests");
        let alone = Alone::start();
        let by_sessions = alone.by_sessions(plan.effort.rounds, plan.effort.requests)?;
        let bar = bar(plan.life);
        let life = alone.long_life(plan.life, |served| bar.set_position(served as u64))?;
        bar.finish_and_clear();
        tell("Growth", &report::growth_tables(&by_sessions, &life));
    }
    if wanted(Part::Login) {
        step("logging in, with the hash and without");
        let login = login::measure(plan.effort.rounds.min(3), plan.logins)?;
        tell("A login", &report::login_table(&login));
    }
    if parts.is_empty() && !arguments.quick {
        write(&text)?;
    }
    Ok(())
}

/// Who takes part, and in what; no parts are all of them.
fn cast(arguments: &Arguments) -> (Vec<Contender>, Vec<Part>) {
    if arguments.against.is_empty() {
        return (Contender::ALL.into(), arguments.part.clone());
    }
    let others = arguments.against.iter();
    // They live as long as the program.
    let others = others.map(|folder| Contender::Build(folder.clone().leak()));
    let mut contenders = vec![Contender::Tokenkeep, Contender::HonoJose];
    contenders.extend(others);
    (contenders, vec![Part::Refresh, Part::Start])
}

fn step(text: &str) {
    eprintln!("  bench    {text}");
}

fn bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("  {wide_bar} {pos}/{len} {msg}")
        .expect("this template is right");
    ProgressBar::new(steps as u64).with_style(style)
}

const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- begin: written by cargo xtask bench -->\n";
const END: &str = "<!-- end -->";

/// Puts the tables between the marks of the document.
fn write(tables: &str) -> Result<()> {
    let path = folder().join(DOCUMENT);
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let marked = old.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
    });
    let new = marked.with_context(|| format!("{DOCUMENT} has lost its marks: {BEGIN}and {END}"))?;
    fs::write(&path, new).with_context(|| format!("cannot write {DOCUMENT}"))?;
    step(&format!("written to {DOCUMENT}"));
    Ok(())
}

/// Requests of a profile: some seconds.
const PROFILED: usize = 20_000;

fn show_profile() -> Result<()> {
    step(&format!("profiling {PROFILED} refreshes, some seconds"));
    let profile = profile::take(PROFILED)?;
    let path = profile.write()?;
    print!("\n{}", profile.table()?);
    println!(
        "\nThe whole profile, for Chrome's DevTools: {}",
        path.display()
    );
    Ok(())
}
