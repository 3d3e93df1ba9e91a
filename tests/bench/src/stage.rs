//! workerd with the contenders on it, each on its own port, all on one KV. Each is asked once, and
//! has to answer rightly, before anything is measured.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokenkeep_workerd_tests::{
    kv::{Kv, Tally},
    workerd::{Settings, Workerd},
};

use crate::{
    bundle::Bundles,
    contender::Contender,
    driver::{Call, ask},
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
    /// What it asks of KV for the first use of its refresh tokens, and for every further use of
    /// them, which is what is driven.
    pub costs: Costs,
    /// What workerd starts it with.
    pub settings: Settings,
}

/// What is asked of KV when tokens are used for the first time, and again.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// A token that was not used before.
    pub first_use: Cost,
    /// A token that was.
    pub again: Cost,
}

/// What requests asked of KV.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Requests.
    pub requests: u64,
    /// What they asked, together.
    pub tally: Tally,
    /// What each of them asked of objects.
    pub objects: Objects,
}

/// What a request asks of Durable Objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Objects {
    /// Requests to them.
    pub requests: u32,
    /// Rows that they read.
    pub rows_read: u32,
    /// Rows that they write.
    pub rows_written: u32,
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
    /// The files of the others.
    pub bundles: Bundles,
}

impl Stage {
    /// Joins the files of these, starts them, and checks what they answer.
    ///
    /// # Errors
    /// npm or esbuild failed. One of them does not answer, or wrongly, or asks something else of KV than it should.
    pub fn start(contenders: &[Contender]) -> Result<Self> {
        let sources = contenders.iter().filter_map(|it| it.source());
        let bundles = Bundles::make(&sources.collect::<Vec<_>>())?;
        let common = Settings::fresh();
        let settings: Vec<Settings> = contenders
            .iter()
            .map(|contender| contender.settings(&common, &bundles))
            .collect();
        let kv = Kv::counting();
        let workerd = Workerd::start_on(kv.clone(), &settings, &[]);
        let process = Process::of(workerd.process_id());
        let players = contenders
            .iter()
            .zip(settings)
            .zip(&workerd.clients)
            .map(|((contender, settings), client)| {
                player(*contender, client.port, &kv, settings)
                    .with_context(|| format!("{} is not fit to be measured", contender.title()))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            players,
            process,
            kv,
            workerd,
            bundles,
        })
    }
}

fn player(contender: Contender, port: u16, kv: &Kv, settings: Settings) -> Result<Player> {
    let secret = &settings.refresh_secret;
    let calls = contender.calls(port, kv, &settings)?;
    let requests = calls.len() as u64;
    let ask_all = |objects, expected: Option<Tally>| {
        let before = kv.tally();
        for call in &calls {
            contender.check(&ask(port, call)?, secret)?;
        }
        let expected = expected.map(|each| each.times(requests));
        let tally = settled(|| kv.tally().since(before), expected);
        ensure!(
            expected.is_none_or(|it| it == tally),
            "{requests} requests asked {tally:?} of KV, not {expected:?}"
        );
        Ok(Cost {
            requests,
            tally,
            objects,
        })
    };
    let [first_use, again] = contender.objects();
    let [expected_first, expected_again] =
        contender.expected().map_or([None; 2], |it| it.map(Some));
    let costs = Costs {
        first_use: ask_all(first_use, expected_first)?,
        again: ask_all(again, expected_again)?,
    };
    Ok(Player {
        contender,
        port,
        calls,
        costs,
        settings,
    })
}

/// What was asked, once it is what was expected: some is written after the answer.
fn settled(tally: impl Fn() -> Tally, expected: Option<Tally>) -> Tally {
    for _ in 0..100 {
        if expected.is_none_or(|it| it == tally()) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    tally()
}

impl Cost {
    /// So many of these for one request.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn each(self, count: impl FnOnce(Tally) -> u64) -> f64 {
        count(self.tally) as f64 / self.requests as f64
    }
}
