//! A client: what it holds, and whether what it does is honest.
//!
//! Guarantee G1 is given to honest clients: a client keeps the last token it used or a newer one,
//! and a copy of a request arrives at most a minute after the next token was first used. A copy
//! that the guarantee does not cover gets lost on its way instead, and an answer that an honest
//! client could not keep is not kept. What is left must never be logged out. None of this looks at
//! the rule: a broken one must meet the same guarantee.

use tokenkeep_world::client::{Stamp, Tokens};

use crate::schedule::Habit;

/// How late a copy may be, and how far apart two requests are that grow one branch.
pub const A_MINUTE_MS: u64 = 60_000;

/// The owner's app, or a thief's.
#[derive(Debug)]
pub struct Client {
    habit: Habit,
    held: (Tokens, Stamp),
    /// Tokens in use lately, and when each first arrived.
    used: Vec<(Stamp, u64)>,
}

impl Client {
    /// A client with what the login gave it.
    #[must_use]
    pub fn new(habit: Habit, tokens: Tokens) -> Self {
        let stamp = tokens.stamp();
        Self {
            habit,
            held: (tokens, stamp),
            used: Vec::new(),
        }
    }

    /// What it would send now.
    #[must_use]
    pub fn held(&self) -> &(Tokens, Stamp) {
        &self.held
    }

    /// A request with this token is about to arrive. Whether the guarantee covers it.
    pub fn uses(&mut self, stamp: Stamp, now: u64) -> bool {
        let covered = self
            .used
            .iter()
            .all(|(other, first)| *other <= stamp || now.saturating_sub(*first) <= A_MINUTE_MS);
        if covered && !self.used.iter().any(|(known, _)| *known == stamp) {
            if self.used.len() == 8 {
                self.used.remove(0);
            }
            self.used.push((stamp, now));
        }
        covered
    }

    /// An answer to a request that arrived at `asked` has come.
    pub fn is_given(&mut self, tokens: Tokens, asked: u64) {
        let stamp = tokens.stamp();
        let honest = self.used.iter().all(|(used, first)| {
            stamp.r#gen > used.r#gen
                || stamp == *used
                // Another branch of the token in use: as good only if both grew at the time when
                // this one was taken up.
                || (stamp.r#gen == used.r#gen && asked.abs_diff(*first) <= A_MINUTE_MS)
        });
        let keeps = match self.habit {
            Habit::Bravo => false,
            Habit::Careful => stamp > self.held.1,
            Habit::Blind => true,
        };
        if stamp == self.held.1 || (honest && keeps) {
            self.held = (tokens, stamp);
        } else {
            // The access token is good in any case.
            self.held.0.access = tokens.access;
        }
    }
}
