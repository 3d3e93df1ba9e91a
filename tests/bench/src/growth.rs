//! What must not grow: the cost of a refresh with the number of a user's sessions, and time and
//! memory of an isolate with the number of requests it has served.

use std::time::Duration;

use anyhow::Result;
use tokenkeep_workerd_tests::{
    kv::Kv,
    workerd::{Settings, Workerd},
};

use crate::{
    contender::Contender,
    driver::{Call, Load, ask, drive},
    process::Process,
};

/// Sessions of the user with many.
pub const MANY_SESSIONS: usize = 3000;

/// Connections side by side.
const CONNECTIONS: usize = 16;

/// Parts that a long life is cut into.
const PARTS: usize = 10;

/// CPU time a refresh, for each round.
#[derive(Debug)]
pub struct BySessions {
    /// Of users with one session each.
    pub one: Vec<Duration>,
    /// Of a user with [`MANY_SESSIONS`].
    pub many: Vec<Duration>,
}

/// A part of an isolate's life.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Requests that it had served at the end of it.
    pub served: usize,
    /// CPU time a refresh in it.
    pub cpu: Duration,
    /// Memory of workerd at the end of it, in bytes.
    pub memory: u64,
}

/// Tokenkeep alone.
#[derive(Debug)]
pub struct Alone {
    kv: Kv,
    workerd: Workerd,
    process: Process,
    settings: Settings,
}

impl Alone {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        let settings = Settings::fresh();
        let kv = Kv::counting();
        let workerd = Workerd::start_on(kv.clone(), std::slice::from_ref(&settings), &[]);
        Self {
            process: Process::of(workerd.process_id()),
            kv,
            workerd,
            settings,
        }
    }

    fn port(&self) -> u16 {
        self.workerd.clients[0].port
    }

    fn cpu(&self, calls: &[Call], requests: usize) -> Result<Duration> {
        let before = self.process.cpu()?;
        let load = Load {
            requests,
            connections: CONNECTIONS,
        };
        drive(self.port(), calls, load)?;
        let cpu = self.process.cpu()?.saturating_sub(before);
        Ok(cpu / u32::try_from(requests)?)
    }

    /// One session beside many, in turn.
    ///
    /// # Errors
    /// An answer is not right.
    pub fn by_sessions(&self, rounds: usize, requests: usize) -> Result<BySessions> {
        let secret = &self.settings.refresh_secret;
        let one = Contender::Tokenkeep.calls(self.port(), &self.kv, &self.settings)?;
        let many = Contender::calls_of_one_user(&self.kv, secret, MANY_SESSIONS);
        for call in one.iter().chain(&many) {
            Contender::Tokenkeep.check(&ask(self.port(), call)?, secret)?;
        }
        self.cpu(&one, requests)?;
        let mut seen = BySessions {
            one: Vec::new(),
            many: Vec::new(),
        };
        for _ in 0..rounds {
            seen.one.push(self.cpu(&one, requests)?);
            seen.many.push(self.cpu(&many, requests)?);
        }
        Ok(seen)
    }

    /// So many requests, in ten parts.
    ///
    /// # Errors
    /// An answer is missing or not 200.
    pub fn long_life(&self, requests: usize, mut progress: impl FnMut(usize)) -> Result<Vec<Part>> {
        let calls = Contender::Tokenkeep.calls(self.port(), &self.kv, &self.settings)?;
        let mut parts = Vec::new();
        for part in 1..=PARTS {
            parts.push(Part {
                cpu: self.cpu(&calls, requests / PARTS)?,
                served: requests / PARTS * part,
                memory: self.process.memory()?,
            });
            progress(requests / PARTS * part);
        }
        Ok(parts)
    }
}
