//! A fresh isolate and its memory: a workerd for each contender alone, started anew several times,
//! in turn.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokenkeep_workerd_tests::workerd::Workerd;

use crate::{
    contender::Contender,
    driver::{Load, ask, drive},
    process::Process,
    stage::{Player, Stage},
};

/// What was seen of one contender.
#[derive(Debug)]
pub struct Started {
    /// Who.
    pub contender: Contender,
    /// From the first request to its answer, for each start.
    pub first_answers: Vec<Duration>,
    /// CPU time of workerd from that request to its answer.
    pub first_answer_cpu: Vec<Duration>,
    /// CPU time of workerd from its start until then.
    pub cpu: Vec<Duration>,
    /// Maximum memory of workerd, in bytes, after so many refreshes as were asked for.
    pub peak_memory: u64,
}

/// Starts everyone of a stage so many times. The sessions are those of the stage: they are in its
/// KV. Those in objects are not, and the worker is that of Tokenkeep's row: it has none here.
///
/// # Errors
/// A first answer is not right.
pub fn measure(
    stage: &Stage,
    starts: usize,
    load: Load,
    mut progress: impl FnMut(Contender),
) -> Result<Vec<Started>> {
    let has_sessions = |player: &&Player| player.contender != Contender::InObjects;
    let players: Vec<&Player> = stage.players.iter().filter(has_sessions).collect();
    let mut all: Vec<Started> = players
        .iter()
        .map(|player| Started {
            contender: player.contender,
            first_answers: Vec::new(),
            first_answer_cpu: Vec::new(),
            cpu: Vec::new(),
            peak_memory: 0,
        })
        .collect();
    for round in 0..starts {
        for (player, started) in players.iter().zip(&mut all) {
            progress(player.contender);
            let settings = std::slice::from_ref(&player.settings);
            let workerd = Workerd::start_on(stage.kv.clone(), settings, &[]);
            let process = Process::of(workerd.process_id());
            let port = workerd.clients[0].port;
            let call = player.calls.first().context("a stage has sessions")?;
            let cpu_before = process.cpu()?;
            let asked = Instant::now();
            let answer = ask(port, call)?;
            started.first_answers.push(asked.elapsed());
            let cpu = process.cpu()?;
            started
                .first_answer_cpu
                .push(cpu.saturating_sub(cpu_before));
            started.cpu.push(cpu);
            player
                .contender
                .check(&answer, &player.settings.refresh_secret)?;
            if round + 1 == starts {
                drive(port, &player.calls, load)?;
                started.peak_memory = process.peak_memory()?;
            }
        }
    }
    Ok(all)
}
