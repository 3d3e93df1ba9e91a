//! `cargo xtask simulate`: tries to break the guarantees of sessions, and reports.

use std::{
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tokenkeep_simulator::{
    play::play,
    report::{Column, table},
    rule::Variant,
    run::{Plan, Totals, detections, honest_stories, story},
    schedule::{Climate, Stores, Thief},
    shrink::shrink,
    world::Owner,
};
use tokenkeep_world::conditions::LandingOrder;

/// For how many refresh intervals a thief is watched: 20 days.
const HORIZON_INTERVALS: u64 = 480;

/// Simulates sessions in a world that lags, refuses and fails, and reports what is guaranteed and
/// what was seen
#[derive(Parser)]
#[command(name = "cargo xtask simulate", bin_name = "cargo xtask simulate")]
struct Arguments {
    /// How many honest sessions
    #[arg(long, default_value_t = 100_000)]
    sessions: u64,
    /// The seed of everything; the same seed gives the same course of events
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// For how long a place may see an old copy of what is stored
    #[arg(long, default_value_t = 60)]
    lag_seconds: u64,
    /// Let a write that lands late cover a newer one, which KV rules out
    #[arg(long)]
    late_writes_win: bool,
    /// Where sessions are, for a replay: kv, objects or switched-on
    #[arg(long, value_enum)]
    stores: Option<Stores>,
    /// How many thefts of each kind; one for a hundred sessions where it is not given, 5,000 at most
    #[arg(long)]
    thefts: Option<u64>,
    /// Play one session again, SEED:INDEX, shortened to what matters
    #[arg(long, value_name = "SEED:INDEX")]
    replay: Option<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let plan = plan(&arguments);
    if let Some(story) = &arguments.replay {
        let (seed, index) = story.split_once(':').context("--replay takes SEED:INDEX")?;
        let plan = Plan {
            seed: seed.parse().context("the seed is not a number")?,
            ..plan
        };
        let index = index.parse().context("the index is not a number")?;
        return Ok(exit(explain(plan, index)));
    }
    let thefts = arguments
        .thefts
        .unwrap_or_else(|| (arguments.sessions / 100).clamp(100, 5_000));
    let product = column("the rule", plan, arguments.sessions, thefts)?;
    let identical = Plan {
        variant: Variant::IdenticalSuccessors,
        ..plan
    };
    // Its honest sessions are there for the cost: fewer show that as well.
    let sessions = arguments.sessions.min(20_000);
    let identical = column("identical successors", identical, sessions, thefts)?;
    let of = |stores| Plan {
        climate: Climate {
            stores,
            ..plan.climate
        },
        ..plan
    };
    let (in_objects, switched_on) = (of(Stores::Objects), of(Stores::SwitchedOn));
    let objects = column("in objects", in_objects, arguments.sessions, thefts)?;
    let switched = column("into objects halfway", switched_on, arguments.sessions, 0)?;
    let all = [
        (&product, plan),
        (&objects, in_objects),
        (&switched, switched_on),
    ];
    let is_clean = all.iter().all(|(column, _)| column.is_clean());
    let broken = all.map(|(column, plan)| (column.honest.broken.keys().next().copied(), plan));
    let columns = [product, identical, objects, switched];
    println!("{}", table(&columns, HORIZON_INTERVALS));
    for (index, plan) in broken {
        if let Some(index) = index {
            explain(plan, index);
        }
    }
    Ok(exit(is_clean))
}

fn plan(arguments: &Arguments) -> Plan {
    Plan {
        seed: arguments.seed,
        climate: Climate {
            stores: arguments.stores.unwrap_or_default(),
            lag_ms: arguments.lag_seconds * 1_000,
            order: if arguments.late_writes_win {
                LandingOrder::Landed
            } else {
                LandingOrder::Accepted
            },
        },
        variant: Variant::Product,
    }
}

fn exit(is_clean: bool) -> ExitCode {
    if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn column(name: &'static str, plan: Plan, sessions: u64, thefts: u64) -> Result<Column> {
    let begin = Instant::now();
    let honest: Totals = with_bar(sessions, name, |bar| {
        honest_stories(plan, sessions, &|done| bar.inc(done))
    })?;
    let took = begin.elapsed();
    let kinds = thefts * Thief::ALL.len() as u64;
    let thefts = with_bar(kinds, "thieves", |bar| {
        let found = |thief| {
            let found = detections(plan, thief, thefts, HORIZON_INTERVALS, &|done| {
                bar.inc(done);
            });
            (thief, found)
        };
        Thief::ALL.map(found).to_vec()
    })?;
    Ok(Column {
        name,
        honest,
        thefts,
        took,
    })
}

fn with_bar<T>(length: u64, name: &'static str, work: impl FnOnce(&ProgressBar) -> T) -> Result<T> {
    let style = "{msg:<22} {wide_bar} {human_pos}/{human_len} {elapsed}, {eta} left";
    let bar = ProgressBar::new(length)
        .with_style(ProgressStyle::with_template(style)?)
        .with_message(name);
    bar.enable_steady_tick(Duration::from_millis(200));
    let done = work(&bar);
    bar.finish_and_clear();
    Ok(done)
}

/// Plays a story again and prints what it needs to break a guarantee. Whether none was broken.
fn explain(plan: Plan, index: u64) -> bool {
    let owner = Rc::new(Owner::default());
    let Plan { seed, variant, .. } = plan;
    let schedule = story(plan, index);
    let Some(broken) = play(&schedule, variant, &owner).broken else {
        println!("{seed}:{index} keeps every guarantee.");
        return true;
    };
    println!("{seed}:{index}: {broken}. Play it again with --replay {seed}:{index}");
    let minimal = shrink(&schedule, variant, &owner);
    println!(
        "The shortest story that breaks a guarantee:\n{:?}, {:#?}",
        minimal.habit, minimal.conditions
    );
    println!("login at {}", minimal.start);
    for event in &minimal.events {
        println!("  {:>12} ms  {:?}", event.at_ms, event.what);
    }
    false
}
