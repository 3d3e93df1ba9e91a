//! What a refresh costs each contender: driven in turn, several times, with one connection and with
//! sixteen.

use std::time::Duration;

use anyhow::Result;

use crate::{
    contender::Contender,
    driver::{Load, drive},
    stage::{Costs, Player, Stage},
};

/// How often and how much.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; in each of them everyone has a turn.
    pub rounds: usize,
    /// Requests of a turn, for each number of connections.
    pub requests: usize,
    /// Requests before a turn that do not count: caches of the processor were another's.
    pub warm_up: usize,
}

/// Connections side by side, of the two series of a turn.
pub const CONNECTIONS: [usize; 2] = [1, 16];

/// One series of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// CPU time of workerd a request.
    pub cpu: Duration,
    /// Requests a second.
    pub rate: f64,
    /// Half of the answers came within.
    pub p50: Duration,
    /// 99 of a hundred answers came within.
    pub p99: Duration,
}

/// What was measured of one contender.
#[derive(Debug)]
pub struct Measured {
    /// Who.
    pub contender: Contender,
    /// What a refresh asks of KV.
    pub costs: Costs,
    /// For each number of connections, one series a round.
    pub series: [Vec<Series>; CONNECTIONS.len()],
}

/// Measures everyone on a stage. `progress` is told before each turn.
///
/// # Errors
/// An answer was missing or not 200.
pub fn measure(
    stage: &Stage,
    effort: Effort,
    mut progress: impl FnMut(usize, Contender),
) -> Result<Vec<Measured>> {
    let mut results: Vec<Measured> = stage
        .players
        .iter()
        .map(|player| Measured {
            contender: player.contender,
            costs: player.costs,
            series: [const { Vec::new() }; CONNECTIONS.len()],
        })
        .collect();
    let mut order: Vec<usize> = (0..results.len()).collect();
    let mut dice = fastrand::Rng::with_seed(1);
    // The first round lets V8 compile what is hot, and does not count.
    for round in 0..=effort.rounds {
        // Whoever had the turn before leaves garbage and cold caches: not always to the same one.
        dice.shuffle(&mut order);
        for &at in &order {
            let (player, result) = (&stage.players[at], &mut results[at]);
            progress(round, player.contender);
            turn(stage, player, effort, |place, series| {
                if round > 0 {
                    result.series[place].push(series);
                }
            })?;
        }
    }
    Ok(results)
}

fn turn(
    stage: &Stage,
    player: &Player,
    effort: Effort,
    mut keep: impl FnMut(usize, Series),
) -> Result<()> {
    for (place, connections) in CONNECTIONS.into_iter().enumerate() {
        let load = |requests| Load {
            requests,
            connections,
        };
        drive(player.port, &player.calls, load(effort.warm_up))?;
        keep(place, series(stage, player, load(effort.requests))?);
    }
    Ok(())
}

/// Drives one player, and sees what it costs.
///
/// # Errors
/// An answer was missing or not 200.
#[expect(clippy::cast_precision_loss, reason = "requests are fewer than 2^53")]
pub fn series(stage: &Stage, player: &Player, load: Load) -> Result<Series> {
    let before = stage.process.cpu()?;
    let outcome = drive(player.port, &player.calls, load)?;
    let cpu = stage.process.cpu()?.saturating_sub(before);
    let percentile = |of| Duration::from_nanos(outcome.latencies.value_at_quantile(of));
    Ok(Series {
        cpu: cpu.div_f64(load.requests as f64),
        rate: load.requests as f64 / outcome.elapsed.as_secs_f64(),
        p50: percentile(0.5),
        p99: percentile(0.99),
    })
}
