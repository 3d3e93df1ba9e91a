//! What a session has to be at each instant, whatever the worker says of it.

use tokenkeep_world::client::Tokens;

use crate::{client::Client, schedule::Habit};

/// For how long the client of the session that changed the password may repeat the request.
pub const GRACE_MS: u64 = 60_000;

/// For how long that session goes on, and how far clocks are apart.
pub const LONGEST_GRACE_MS: u64 = 65_000 + 5_000;

/// A request that ends several sessions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending {
    /// When it was sent.
    pub began_at: u64,
    /// When the answer came, or the last repeat is answered at the latest.
    pub done_at: u64,
    /// Whether the answer came.
    pub is_done: bool,
    /// How many sessions there were: these are over.
    pub sessions: usize,
}

/// A session, and what may and what must have become of it.
#[derive(Debug)]
pub struct Session {
    /// Who has it.
    pub client: Client,
    /// When the login was sent.
    pub began_at: u64,
    /// When a refresh was last answered.
    pub last_seen: u64,
    /// From when on no token of it may be accepted.
    pub must_end_at: u64,
    may_end_at: u64,
}

impl Session {
    /// A session that has just begun.
    #[must_use]
    pub fn new(habit: Habit, tokens: Tokens, began_at: u64) -> Self {
        Self {
            client: Client::new(habit, tokens),
            began_at,
            last_seen: began_at,
            may_end_at: u64::MAX,
            must_end_at: u64::MAX,
        }
    }

    /// A refresh that arrived then was answered.
    pub fn is_seen(&mut self, at: u64) {
        self.last_seen = self.last_seen.max(at);
    }

    /// A refusal is deserved from now on: something that ends it may have begun.
    pub fn may_end(&mut self, at: u64) {
        self.may_end_at = self.may_end_at.min(at);
    }

    /// No token of it may be accepted from now on, once the news has spread.
    pub fn must_end(&mut self, at: u64) {
        self.must_end_at = self.must_end_at.min(at);
    }

    /// Whether a refusal is deserved.
    #[must_use]
    pub fn may_be_over(&self, now: u64) -> bool {
        now >= self.may_end_at
    }

    /// Whether an acceptance is wrong.
    #[must_use]
    pub fn must_be_over(&self, now: u64, spread_ms: u64) -> bool {
        now > self.must_end_at.saturating_add(spread_ms)
    }
}
