//! How often a password may be tried for one address.
//!
//! A caller may fail ten times in fifteen minutes, all strangers together fifty times. Then every
//! further attempt comes after a wait: one minute, two, four, eight, then fifteen each time. After a
//! hundred failures the wait is an hour each ([`Allowance`]). While a wait lasts, the right password
//! is refused too. Within any fifteen minutes that makes 13 failures of one caller at most, and 53
//! of all strangers.
//!
//! **Who counts.** A [`Caller`] is a network, or a device that shows a refresh token of this account,
//! whatever became of its session. A device, and a network that had the right password within 30
//! days, are known: their failures do not count for the address, and the waits of the address do not
//! hold for them. So strangers elsewhere cannot keep them out. Everybody else is a stranger.
//!
//! **Exact under parallel attempts.** An attempt is admitted before its password is checked, and
//! counts as a failure from then on; success gives it back, and nothing more: whoever shares the
//! owner's network gains no attempt by the owner's logins. So fifty attempts at once are ten checks.
//! (What is not stored yet when the guard's place fails is forgotten: one attempt.)
//!
//! **Successes** are counted too, thirty an hour: each costs a write to the store of sessions. Only
//! whoever knows the password can use them up, or sees that they are.
//!
//! **No stranger locks another out from one place.** A caller that is refused is not counted, and
//! one that has used up its ten adds one failure a wait: alone it does not come near fifty. Only the
//! window counts for the address, and the hundred; a stranger alone can use up that in a day. It is
//! the price of the rule of a hundred, and the known are exempt.
//!
//! **What is kept.** The window slides: a fixed one would let twenty failures meet at its edge. A
//! caller's waits are kept for a day after its last failure, else a pause of a quarter of an hour
//! would buy ten new attempts. There is room for 128 callers, some 14 KB, 32 of them with trust; the
//! one that has been quiet for longest is forgotten first, a trusted one last. Strangers cannot use
//! that: fewer than 96 can fail within the fifteen minutes that count.

mod allowance;
mod source;
mod tally;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use self::tally::{Tally, wait_ms};
use crate::token::time::UnixMillis;

pub(super) use self::allowance::Allowance;
pub use self::source::{Caller, Source};

/// Failures of all strangers within the window, from which on there is a wait for all. At least four
/// must take part: one makes 13 at most.
const ADDRESS_FAILURES: usize = 50;

/// For how long a caller's waits are remembered after its last failure.
const MEMORY_MS: u64 = 24 * 60 * 60_000;

/// How many callers are remembered: more than twice as many as can fail within the window.
const SOURCES: usize = 128;

/// How many of them have trust: a phone that logs in from everywhere must not push out strangers,
/// whose failures have to count.
const TRUSTED_SOURCES: usize = 32;

/// Right passwords within [`LOGINS_MS`], from which on there is a wait.
const LOGINS: usize = 30;

/// The time in which right passwords are counted.
const LOGINS_MS: u64 = 60 * 60_000;

/// An attempt that was admitted. Until it is settled, it counts as a failure.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an attempt that is not settled has failed"]
pub struct Ticket {
    caller: Caller,
    is_stranger: bool,
    at: UnixMillis,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The right password.
    Success,
    /// The wrong one.
    Failure,
    /// Neither: the password could not be checked, through no fault of the caller.
    Withdrawn,
}

/// The attempt is refused: there were too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When to come again, in whole seconds from now, 1 to 3600: `Retry-After`.
    pub seconds: u64,
}

/// The attempts at one address. Its JSON is what the address's guard stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    #[serde(deserialize_with = "version_1")]
    v: u8,
    sources: Vec<Tally>,
    /// What strangers may fail.
    #[serde(default, skip_serializing_if = "Allowance::is_untouched")]
    allowance: Allowance,
    /// When the right passwords of the last hour came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    logins: Vec<UnixMillis>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            v: 1,
            sources: Vec::new(),
            allowance: Allowance::default(),
            logins: Vec::new(),
        }
    }
}

impl Attempts {
    /// Lets an attempt through, or says how long to wait. A refusal changes nothing.
    ///
    /// # Errors
    /// Too many attempts of this caller have failed, or of all strangers.
    pub fn admit(&mut self, caller: &Caller, now: UnixMillis) -> Result<Ticket, Wait> {
        self.forget(now);
        let known = self.find(caller.counted());
        let own = known.map_or(UnixMillis(0), Tally::wait_ends);
        let is_stranger = caller.device.is_none() && !known.is_some_and(Tally::is_known);
        let wait_ends = if is_stranger {
            own.max(self.wait_ends())
        } else {
            own
        };
        if wait_ends > now {
            return Err(Wait::until(wait_ends, now));
        }
        let is_device = caller.device.is_some();
        self.find_or_add(caller.counted(), is_device).reserve(now);
        if is_stranger {
            self.allowance.take(now);
        }
        Ok(Ticket {
            caller: caller.clone(),
            is_stranger,
            at: now,
        })
    }

    /// How long whoever has the right password has to wait for the next login, if so.
    #[must_use]
    pub fn login_wait(&self, now: UnixMillis) -> Option<Wait> {
        let oldest = self.logins.len().checked_sub(LOGINS)?;
        let ends = self.logins[oldest].plus_ms(LOGINS_MS);
        (ends > now).then(|| Wait::until(ends, now))
    }

    /// Notes how an admitted attempt ended. Success takes back this attempt and no other, and lets
    /// its network be trusted.
    pub fn settle(&mut self, ticket: Ticket, outcome: Outcome, now: UnixMillis) {
        let Ticket {
            caller,
            is_stranger,
            at,
        } = ticket;
        let counted = caller.counted();
        self.forget(now);
        if let Some(tally) = self
            .sources
            .iter_mut()
            .find(|tally| tally.source == *counted)
        {
            if outcome == Outcome::Failure {
                tally.fail(at, now);
            } else if tally.withdraw(at, now) && is_stranger {
                self.allowance.give_back();
            }
        }
        if outcome == Outcome::Success {
            self.logins.push(now);
            self.trust(&caller.network, now);
        }
        self.forget(now);
    }

    /// Forgets what is too old to count. A clock that was ahead and goes back does no harm: what
    /// seems to lie in the future is taken for just now.
    pub fn forget(&mut self, now: UnixMillis) {
        for tally in &mut self.sources {
            tally.forget(now);
        }
        self.sources.retain(|tally| tally.counts_until() > now);
        self.allowance.forget(now);
        self.logins.retain_mut(|at| {
            *at = (*at).min(now);
            now.since_ms(*at) < LOGINS_MS
        });
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.logins.is_empty() && self.allowance.is_untouched()
    }

    /// When the first caller will be forgotten, if no further attempt is made, and what is not about
    /// callers after the last of them; `None` if there is nothing to store. The guard's alarm is set
    /// to it and, when it rings, set again if need be.
    #[must_use]
    pub fn next_cleanup(&self, now: UnixMillis) -> Option<UnixMillis> {
        let callers = self.sources.iter().map(Tally::counts_until).min();
        let logins = self.logins.iter().map(|at| at.plus_ms(LOGINS_MS)).max();
        let allowance = Some(self.allowance.whole_at()).filter(|at| *at > now);
        callers.or(logins.max(allowance))
    }

    /// The end of the wait that holds for every stranger. Its length comes from the failures within
    /// the window, or from the allowance.
    fn wait_ends(&self) -> UnixMillis {
        let strangers = || self.sources.iter().filter(|tally| !tally.is_known());
        let failures: usize = strangers().map(Tally::failures).sum();
        let window = match failures.checked_sub(ADDRESS_FAILURES) {
            Some(further) => strangers()
                .filter_map(Tally::latest)
                .max()
                .map_or(UnixMillis(0), |latest| latest.plus_ms(wait_ms(further))),
            None => UnixMillis(0),
        };
        window.max(self.allowance.wait_ends())
    }

    /// Trusts a network, in place of the one whose login is longest ago when there are too many.
    fn trust(&mut self, network: &Source, now: UnixMillis) {
        self.find_or_add(network, false).trusted_at = Some(now);
        let trusted = || self.sources.iter().filter_map(|tally| tally.trusted_at);
        if trusted().count() > TRUSTED_SOURCES {
            let oldest = trusted().min();
            let tally = self
                .sources
                .iter_mut()
                .find(|tally| tally.trusted_at == oldest);
            tally.expect("one of them is the oldest").trusted_at = None;
        }
    }

    fn find(&self, source: &Source) -> Option<&Tally> {
        self.sources.iter().find(|tally| tally.source == *source)
    }

    fn find_or_add(&mut self, source: &Source, is_device: bool) -> &mut Tally {
        let index = self
            .sources
            .iter()
            .position(|tally| tally.source == *source)
            .unwrap_or_else(|| self.add(Tally::new(source.clone(), is_device)));
        &mut self.sources[index]
    }

    /// Adds a caller, in place of the one that can be missed best when there is no room.
    fn add(&mut self, tally: Tally) -> usize {
        if self.sources.len() < SOURCES {
            self.sources.push(tally);
            return self.sources.len() - 1;
        }
        let index = (0..self.sources.len())
            .min_by_key(|index| (self.sources[*index].trusted_at, self.sources[*index].last))
            .unwrap_or_default();
        self.sources[index] = tally;
        index
    }
}

impl Wait {
    fn until(end: UnixMillis, now: UnixMillis) -> Self {
        Self {
            seconds: end.since_ms(now).div_ceil(1000),
        }
    }
}

fn version_1<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        1 => Ok(1),
        _ => Err(D::Error::custom(
            "a version that this release does not know",
        )),
    }
}

#[cfg(test)]
mod tests;
