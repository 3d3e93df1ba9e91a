//! How often a password may be tried for one address.
//!
//! A caller (a [`Source`]) may fail ten times in fifteen minutes, all callers together fifty times.
//! Then every further attempt comes after a wait: one minute, two, four, eight, then fifteen each
//! time. While a wait lasts, the right password is refused too. Within any fifteen minutes that
//! makes 13 failures of one caller at most, and 53 of all.
//!
//! **Exact under parallel attempts.** An attempt is admitted before its password is checked, and
//! counts as a failure from then on; success gives it back. So fifty attempts at once are ten
//! checks. (What is not stored yet when the guard's place fails is forgotten: one attempt.)
//!
//! **Nobody locks another out from one place.** A caller that is refused is not counted, and one
//! that has used up its ten adds one failure a wait: alone it never comes near fifty. Only failures
//! within the window count for the address, with no memory beyond it, so that one caller cannot
//! keep up a wait that many have begun. Against many, a caller that has had the right password
//! while strangers were failing is trusted: its failures do not count for the address, and the
//! address's wait does not hold for it.
//!
//! **What is kept.** Nothing before an attempt fails. The window slides: a fixed one would let
//! twenty failures meet at its edge. A caller's waits and its trust are kept for a day after its
//! last attempt, else a pause of a quarter of an hour would buy ten new attempts. There is room for
//! 128 callers, some 10 KB; the one that has been quiet for longest is forgotten first, a trusted
//! one last. Strangers cannot use that: fewer than 128 can fail within the fifteen minutes that
//! count.

mod source;
mod tally;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use self::tally::{Tally, wait_ms};
use crate::token::time::UnixMillis;

pub use self::source::Source;

/// Failures of all callers within the window, from which on there is a wait for all. At least four
/// must take part: one makes 13 at most.
const ADDRESS_FAILURES: usize = 50;

/// For how long a caller is remembered after its last attempt.
const MEMORY_MS: u64 = 24 * 60 * 60_000;

/// How many callers are remembered: more than twice as many as can fail within the window.
const SOURCES: usize = 128;

/// An attempt that was admitted. Until it is settled, it counts as a failure.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an attempt that is not settled has failed"]
pub struct Ticket {
    source: Source,
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

/// The attempt is refused: too many have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// When to come again, in whole seconds from now, 1 to 900: `Retry-After`.
    pub seconds: u64,
}

/// The attempts at one address. Its JSON is what the address's guard stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    #[serde(deserialize_with = "version_1")]
    v: u8,
    sources: Vec<Tally>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            v: 1,
            sources: Vec::new(),
        }
    }
}

impl Attempts {
    /// Lets an attempt through, or says how long to wait. A refusal changes nothing.
    ///
    /// # Errors
    /// Too many attempts of this caller have failed, or of all.
    pub fn admit(&mut self, source: &Source, now: UnixMillis) -> Result<Ticket, Wait> {
        self.forget(now);
        let known = self.find(source);
        let own = known.map_or(UnixMillis(0), Tally::wait_ends);
        let trusted = known.is_some_and(|tally| tally.trusted);
        let wait_ends = if trusted {
            own
        } else {
            own.max(self.wait_ends())
        };
        if wait_ends > now {
            return Err(Wait {
                seconds: wait_ends.since_ms(now).div_ceil(1000),
            });
        }
        self.find_or_add(source, now).reserve(now);
        Ok(Ticket {
            source: source.clone(),
            at: now,
        })
    }

    /// Notes how an admitted attempt ended. Success clears the failures of its caller, but not
    /// those of its attempts that are still under way.
    pub fn settle(&mut self, ticket: Ticket, outcome: Outcome, now: UnixMillis) {
        let Ticket { source, at } = ticket;
        self.forget(now);
        let tally = self.sources.iter_mut().find(|tally| tally.source == source);
        match (tally, outcome) {
            (Some(tally), Outcome::Success) => tally.succeed(at, now),
            (Some(tally), Outcome::Failure) => tally.fail(at, now),
            (Some(tally), Outcome::Withdrawn) => tally.withdraw(at, now),
            (None, _) => {}
        }
        self.clear_if_calm();
    }

    /// Forgets what is too old to count. A clock that was ahead and goes back does no harm: what
    /// seems to lie in the future is taken for just now.
    pub fn forget(&mut self, now: UnixMillis) {
        for tally in &mut self.sources {
            tally.forget(now);
        }
        self.sources
            .retain(|tally| now.since_ms(tally.last) < MEMORY_MS);
        self.clear_if_calm();
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// When there will be nothing to store any more, if no further attempt fails; `None` if that
    /// is so now. The guard's alarm is set to it and, when it rings, set again if need be.
    #[must_use]
    pub fn next_cleanup(&self, now: UnixMillis) -> Option<UnixMillis> {
        let last = self.sources.iter().map(|tally| tally.last.min(now)).max()?;
        Some(last.plus_ms(MEMORY_MS))
    }

    /// The end of the wait that holds for every caller without trust. Its length comes from the
    /// failures within the window alone.
    fn wait_ends(&self) -> UnixMillis {
        let strangers = || self.sources.iter().filter(|tally| !tally.trusted);
        let failures: usize = strangers().map(Tally::failures).sum();
        match failures.checked_sub(ADDRESS_FAILURES) {
            Some(further) => strangers()
                .filter_map(Tally::latest)
                .max()
                .map_or(UnixMillis(0), |latest| latest.plus_ms(wait_ms(further))),
            None => UnixMillis(0),
        }
    }

    /// Trust is there to protect its caller from strangers; without any, it is not stored.
    fn clear_if_calm(&mut self) {
        if self.sources.iter().all(Tally::is_calm) {
            self.sources.clear();
        }
    }

    fn find(&self, source: &Source) -> Option<&Tally> {
        self.sources.iter().find(|tally| tally.source == *source)
    }

    fn find_or_add(&mut self, source: &Source, now: UnixMillis) -> &mut Tally {
        let index = self
            .sources
            .iter()
            .position(|tally| tally.source == *source)
            .unwrap_or_else(|| self.add(source, now));
        &mut self.sources[index]
    }

    /// Adds a caller, in place of the one that can be missed best when there is no room.
    fn add(&mut self, source: &Source, now: UnixMillis) -> usize {
        let tally = Tally::new(source.clone(), now);
        if self.sources.len() < SOURCES {
            self.sources.push(tally);
            return self.sources.len() - 1;
        }
        let index = (0..self.sources.len())
            .min_by_key(|index| (self.sources[*index].trusted, self.sources[*index].last))
            .unwrap_or_default();
        self.sources[index] = tally;
        index
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
