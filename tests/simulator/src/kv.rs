//! A store like Workers KV at its worst: a central copy, and a cache in every place.
//!
//! What Cloudflare says of KV, and how it is played here:
//!
//! * "Changes … may take up to 60 seconds or more to be visible in other locations": a read keeps
//!   what it saw, absence included, for up to [`Conditions::lag_ms`].
//! * A write is accepted first and reaches the central copy up to [`Conditions::landing_ms`] later.
//! * "Last write wins": by the time of acceptance ([`LandingOrder::Accepted`]). The harsher reading,
//!   in which a write that lands late covers a newer one, can be played too
//!   ([`LandingOrder::Landed`]).
//! * One write a second for a key, else 429; a TTL under 60 s is refused.
//! * A write that failed may have been made all the same.

use std::rc::Rc;

use tokenkeep::session::port::MIN_TTL_SECONDS;

/// Places in a world.
pub const PLACES: usize = 3;

/// Which of two writes to one key stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandingOrder {
    /// The one that was accepted last.
    Accepted,
    /// The one that arrived last.
    Landed,
}

/// What the world of one schedule is like.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// How far each place's clock is off, in milliseconds.
    pub clocks_ms: [i64; PLACES],
    /// For how long a place may go on with an old copy, at most.
    pub lag_ms: u64,
    /// How long a write may be under way to the central copy.
    pub landing_ms: u64,
    /// Which write stays.
    pub order: LandingOrder,
    /// Whether a place sees its own writes at once.
    pub own_writes_at_once: bool,
    /// How often a read fails, in a thousand.
    pub failing_reads: u64,
    /// How often a write fails, in a thousand.
    pub failing_writes: u64,
}

type Value = Rc<str>;

#[derive(Clone)]
struct Stored {
    value: Option<Value>,
    forgotten_at: u64,
}

struct Landing {
    at: u64,
    accepted: u64,
    stored: Stored,
}

struct Cached {
    until: u64,
    stored: Option<Stored>,
}

struct Key {
    name: String,
    landings: Vec<Landing>,
    written_at: Option<u64>,
    caches: [Option<Cached>; PLACES],
}

/// The store. Reads and writes happen at an instant; who calls adds the time they take.
#[derive(Default)]
pub struct Kv {
    keys: Vec<Key>,
}

impl Kv {
    /// What a place sees under a key now. `age` says how long it will go on seeing that.
    pub fn read(
        &mut self,
        place: usize,
        name: &str,
        now: u64,
        order: LandingOrder,
        age: u64,
    ) -> Option<String> {
        let key = self.key(name);
        let fresh = matches!(&key.caches[place], Some(cached) if cached.until > now);
        if !fresh {
            key.caches[place] = Some(Cached {
                until: now + age,
                stored: key.central(now, order),
            });
        }
        let stored = key.caches[place].as_ref()?.stored.as_ref()?;
        let value = stored.value.as_ref().filter(|_| stored.forgotten_at > now);
        value.map(ToString::to_string)
    }

    /// Whether a key takes a write now.
    pub fn is_free(&mut self, name: &str, now: u64) -> bool {
        let written_at = self.key(name).written_at;
        written_at.is_none_or(|written_at| now >= written_at + 1_000)
    }

    /// Takes a write, or a delete, that lands at an instant. `own_age` is for how long the place
    /// that wrote sees its own write for sure.
    pub fn accept(
        &mut self,
        place: usize,
        name: &str,
        change: Option<(&str, u64)>,
        now: u64,
        lands_at: u64,
        own_age: Option<u64>,
    ) {
        let stored = Stored {
            value: change.map(|(value, _)| value.into()),
            forgotten_at: change.map_or(u64::MAX, |(_, ttl_seconds)| now + ttl_seconds * 1_000),
        };
        let key = self.key(name);
        key.written_at = Some(now);
        if let Some(age) = own_age {
            key.caches[place] = Some(Cached {
                until: now + age,
                stored: Some(stored.clone()),
            });
        }
        key.landings.push(Landing {
            at: lands_at,
            accepted: now,
            stored,
        });
    }

    fn key(&mut self, name: &str) -> &mut Key {
        let index = self.keys.iter().position(|key| key.name == name);
        let index = index.unwrap_or_else(|| {
            self.keys.push(Key {
                name: name.to_owned(),
                landings: Vec::new(),
                written_at: None,
                caches: [const { None }; PLACES],
            });
            self.keys.len() - 1
        });
        &mut self.keys[index]
    }
}

/// Whether KV takes this lifetime.
#[must_use]
pub fn is_long_enough(ttl_seconds: u64) -> bool {
    ttl_seconds >= MIN_TTL_SECONDS
}

impl Key {
    /// What stands in the central copy. Writes that have landed and lost are forgotten.
    fn central(&mut self, now: u64, order: LandingOrder) -> Option<Stored> {
        let rank = |landing: &Landing| match order {
            LandingOrder::Accepted => (landing.accepted, landing.at),
            LandingOrder::Landed => (landing.at, landing.accepted),
        };
        let landed = self.landings.iter().filter(|landing| landing.at <= now);
        let best = landed.map(rank).max()?;
        self.landings
            .retain(|landing| landing.at > now || rank(landing) == best);
        let winner = self.landings.iter().find(|landing| rank(landing) == best);
        winner.map(|landing| landing.stored.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: LandingOrder = LandingOrder::Accepted;

    #[test]
    fn absence_is_remembered_too() {
        let mut kv = Kv::default();
        assert_eq!(kv.read(0, "k", 0, ORDER, 60_000), None);
        kv.accept(1, "k", Some(("v", 60)), 10, 20, Some(60_000));
        assert_eq!(kv.read(0, "k", 59_999, ORDER, 60_000), None);
        assert_eq!(kv.read(1, "k", 30, ORDER, 60_000).as_deref(), Some("v"));
        assert_eq!(kv.read(2, "k", 30, ORDER, 60_000).as_deref(), Some("v"));
        assert_eq!(kv.read(2, "k", 60_010, ORDER, 60_000), None, "its TTL");
    }

    #[test]
    fn a_late_write_covers_a_newer_one_only_in_the_harsh_reading() {
        for (order, left) in [(ORDER, "new"), (LandingOrder::Landed, "old")] {
            let mut kv = Kv::default();
            kv.accept(0, "k", Some(("old", 90)), 0, 5_000, None);
            assert!(!kv.is_free("k", 999));
            kv.accept(1, "k", Some(("new", 90)), 1_000, 1_100, None);
            assert_eq!(kv.read(2, "k", 6_000, order, 1).as_deref(), Some(left));
        }
    }
}
