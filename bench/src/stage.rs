//! workerd with the contenders on it, each on its own port, all on one KV. Each is asked once, and
//! has to answer rightly, before anything is measured.

use anyhow::{Context as _, Result, ensure};
use tokenkeep_workerd_tests::{
    kv::{Kv, Tally},
    workerd::{Settings, Workerd},
};

use crate::{
    bundle::Bundles,
    contender::Contender,
    driver::{Call, Load, ask, drive},
    process::Process,
};

/// A contender that answers.
#[derive(Debug)]
pub struct Player {
    /// Who it is.
    pub contender: Contender,
    /// The port that it listens on.
    pub port: u16,
    /// Requests that it answers with 200, one for each session.
    pub calls: Vec<Call>,
    /// What it asks of KV for so many requests.
    pub cost: Cost,
}

/// What requests asked of KV.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Requests.
    pub requests: u64,
    /// What they asked, together.
    pub tally: Tally,
}

/// A running workerd.
#[derive(Debug)]
pub struct Stage {
    /// Those on it, in their order.
    pub players: Vec<Player>,
    /// workerd's process.
    pub process: Process,
    /// The store of all.
    pub kv: Kv,
    /// What holds workerd.
    pub workerd: Workerd,
}

impl Stage {
    /// Starts these, and checks what they answer.
    ///
    /// # Errors
    /// One of them does not answer, or wrongly, or asks something else of KV than it should.
    pub fn start(contenders: &[Contender], bundles: &Bundles) -> Result<Self> {
        let common = Settings::fresh();
        let settings: Vec<Settings> = contenders
            .iter()
            .map(|contender| contender.settings(&common, bundles))
            .collect();
        let kv = Kv::counting();
        let workerd = Workerd::start_on(kv.clone(), &settings, &[]);
        let process = Process::of(workerd.process_id())?;
        let players = contenders
            .iter()
            .zip(&workerd.clients)
            .map(|(contender, client)| {
                player(*contender, client.port, &kv, &common.refresh_secret)
                    .with_context(|| format!("{} is not fit to be measured", contender.title()))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            players,
            process,
            kv,
            workerd,
        })
    }
}

fn player(contender: Contender, port: u16, kv: &Kv, secret: &str) -> Result<Player> {
    let calls = contender.calls(port, kv, secret)?;
    // Twice: a first use may write something down.
    for call in calls.iter().chain(&calls) {
        contender.check(&ask(port, call)?, secret)?;
    }
    let cost = cost(port, &calls, kv)?;
    if let Some(promised) = contender.promised() {
        let one = |count: u64| count * cost.requests;
        let promised = Tally {
            read_calls: one(promised.read_calls),
            keys_read: one(promised.keys_read),
            writes: one(promised.writes),
            deletes: one(promised.deletes),
            lists: one(promised.lists),
        };
        ensure!(
            cost.tally == promised,
            "{} requests asked {:?} of KV, not {promised:?}",
            cost.requests,
            cost.tally
        );
    }
    Ok(Player {
        contender,
        port,
        calls,
        cost,
    })
}

fn cost(port: u16, calls: &[Call], kv: &Kv) -> Result<Cost> {
    let before = kv.tally();
    let load = Load {
        requests: calls.len(),
        connections: 1,
    };
    drive(port, calls, load)?;
    Ok(Cost {
        requests: load.requests as u64,
        tally: kv.tally().since(before),
    })
}
