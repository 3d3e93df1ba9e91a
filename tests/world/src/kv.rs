//! A store like Workers KV: a central copy, and a cache in every place.
//!
//! What Cloudflare says of KV, and how it is played here:
//!
//! * "Changes … may take up to 60 seconds or more to be visible in other locations": a read keeps
//!   what it saw, absence included, for up to [`Conditions::lag_ms`](crate::Conditions::lag_ms).
//! * A write is accepted first and reaches the central copy up to
//!   [`Conditions::landing_ms`](crate::Conditions::landing_ms) later.
//! * "Last write wins": by the time of acceptance ([`LandingOrder::Accepted`]). The harsher reading,
//!   in which a write that lands late covers a newer one, can be played too
//!   ([`LandingOrder::Landed`]).
//! * One write a second for a key, else 429.
//!
//! Where nothing lags, this is one consistent store.

use std::{collections::BTreeMap, rc::Rc};

use crate::{
    Cloud,
    conditions::{LandingOrder, PLACES},
};

/// What was written under a key.
#[derive(Clone)]
pub struct Entry {
    /// The value.
    pub value: Rc<str>,
    /// What listings give back.
    pub metadata: Option<Rc<str>>,
    /// When the store forgets it, in milliseconds since 1970.
    pub expires_at: u64,
}

/// A write, or a delete, on its way to the central copy.
#[derive(Clone)]
struct Landing {
    at: u64,
    accepted: u64,
    entry: Option<Entry>,
}

#[derive(Clone)]
struct Cached {
    until: u64,
    entry: Option<Entry>,
}

#[derive(Clone, Default)]
struct Key {
    landings: Vec<Landing>,
    written_at: Option<u64>,
    caches: [Option<Cached>; PLACES],
}

/// The store. Reads and writes happen at an instant; who calls adds the time they take.
#[derive(Clone)]
pub struct Kv {
    order: LandingOrder,
    keys: BTreeMap<String, Key>,
}

impl Kv {
    /// An empty store.
    #[must_use]
    pub fn new(order: LandingOrder) -> Self {
        Self {
            order,
            keys: BTreeMap::new(),
        }
    }

    /// What a place sees under a key now. `age` says how long it will go on seeing that.
    pub fn read(&mut self, place: usize, name: &str, now: u64, age: u64) -> Option<String> {
        let order = self.order;
        let key = self.key(name);
        let fresh = matches!(&key.caches[place], Some(cached) if cached.until > now);
        if !fresh {
            key.caches[place] = Some(Cached {
                until: now + age,
                entry: key.central(now, order),
            });
        }
        let entry = key.caches[place].as_ref()?.entry.as_ref()?;
        (entry.expires_at > now).then(|| entry.value.to_string())
    }

    /// Whether a key takes a write so long after the last one.
    #[must_use]
    pub fn is_free(&self, name: &str, now: u64, between_ms: u64) -> bool {
        let written_at = self.keys.get(name).and_then(|key| key.written_at);
        written_at.is_none_or(|written_at| now >= written_at + between_ms)
    }

    /// Takes a write, or a delete, that lands at an instant. `own_age` is for how long the place
    /// that wrote sees its own write for sure.
    pub fn accept(
        &mut self,
        place: usize,
        name: &str,
        entry: Option<Entry>,
        now: u64,
        lands_at: u64,
        own_age: Option<u64>,
    ) {
        let key = self.key(name);
        key.written_at = Some(now);
        if let Some(age) = own_age {
            key.caches[place] = Some(Cached {
                until: now + age,
                entry: entry.clone(),
            });
        }
        key.landings.push(Landing {
            at: lands_at,
            accepted: now,
            entry,
        });
    }

    fn key(&mut self, name: &str) -> &mut Key {
        if !self.keys.contains_key(name) {
            self.keys.insert(name.to_owned(), Key::default());
        }
        self.keys.get_mut(name).expect("just put there")
    }
}

impl Key {
    /// What stands in the central copy. Writes that have landed and lost are forgotten.
    fn central(&mut self, now: u64, order: LandingOrder) -> Option<Entry> {
        let rank = |landing: &Landing| match order {
            LandingOrder::Accepted => (landing.accepted, landing.at),
            LandingOrder::Landed => (landing.at, landing.accepted),
        };
        let landed = self.landings.iter().filter(|landing| landing.at <= now);
        let best = landed.map(rank).max()?;
        self.landings
            .retain(|landing| landing.at > now || rank(landing) == best);
        // Of two in one millisecond, the later.
        let winner = self.landings.iter().rfind(|landing| rank(landing) == best);
        winner.and_then(|landing| landing.entry.clone())
    }
}

impl Cloud {
    /// What stands in the central copy under a key, whether it has expired or not.
    pub fn entry(&self, key: &str) -> Option<Entry> {
        let mut kv = self.kv.borrow_mut();
        let order = kv.order;
        kv.keys.get_mut(key)?.central(self.now(), order)
    }

    /// Puts a value under a key, for every place at once and for good.
    pub fn put(&self, key: &str, value: &str) {
        self.forget(key);
        let entry = Some(Entry {
            value: value.into(),
            metadata: None,
            expires_at: u64::MAX,
        });
        self.kv.borrow_mut().accept(0, key, entry, 0, 0, None);
    }

    /// Takes away what stands under a key, for every place at once.
    pub fn forget(&self, key: &str) {
        self.kv.borrow_mut().keys.remove(key);
    }

    /// The store is empty from now on, and the worker new: what was in it.
    #[must_use]
    pub fn empty_store(&self) -> Kv {
        self.has_birth_mark.set(false);
        self.kv.replace(Kv::new(self.conditions.order))
    }

    /// What was in the store is back, for every place at once, as when the namespace is bound again.
    /// What was written meanwhile stays.
    pub fn restore_store(&self, lost: &Kv) {
        let mut kv = self.kv.borrow_mut();
        for (name, lost) in &lost.keys {
            let key = kv.key(name);
            if key.landings.is_empty() {
                key.clone_from(lost);
            }
        }
    }

    /// The keys of the central copy that start like this.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let mut kv = self.kv.borrow_mut();
        let order = kv.order;
        let keys = kv.keys.range_mut(prefix.to_owned()..);
        let keys = keys.take_while(|(name, _)| name.starts_with(prefix));
        keys.filter_map(|(name, key)| key.central(self.now(), order).map(|_| name.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(
        kv: &mut Kv,
        place: usize,
        value: &str,
        (now, lands_at): (u64, u64),
        age: Option<u64>,
    ) {
        let entry = Entry {
            expires_at: now + 60_000,
            value: value.into(),
            metadata: None,
        };
        kv.accept(place, "k", Some(entry), now, lands_at, age);
    }

    #[test]
    fn absence_is_remembered_too() {
        let mut kv = Kv::new(LandingOrder::Accepted);
        assert_eq!(kv.read(0, "k", 0, 60_000), None);
        write(&mut kv, 1, "v", (10, 20), Some(60_000));
        assert_eq!(kv.read(0, "k", 59_999, 60_000), None);
        assert_eq!(kv.read(1, "k", 30, 60_000).as_deref(), Some("v"));
        assert_eq!(kv.read(2, "k", 30, 60_000).as_deref(), Some("v"));
        assert_eq!(kv.read(2, "k", 60_010, 60_000), None, "its TTL");
    }

    #[test]
    fn what_was_lost_is_back_with_what_was_written_meanwhile() {
        let cloud = Cloud::new(1_000, crate::Conditions::default());
        let value = |key| cloud.entry(key).map(|entry| entry.value.to_string());
        cloud.put("old", "1");
        cloud.put("both", "1");
        let lost = cloud.empty_store();
        assert_eq!(value("old"), None);
        cloud.put("both", "2");
        cloud.restore_store(&lost);
        assert_eq!(value("old").as_deref(), Some("1"));
        assert_eq!(value("both").as_deref(), Some("2"));
    }

    #[test]
    fn a_late_write_covers_a_newer_one_only_in_the_harsh_reading() {
        for (order, left) in [
            (LandingOrder::Accepted, "new"),
            (LandingOrder::Landed, "old"),
        ] {
            let mut kv = Kv::new(order);
            write(&mut kv, 0, "old", (0, 5_000), None);
            assert!(!kv.is_free("k", 999, 1_000));
            write(&mut kv, 1, "new", (1_000, 1_100), None);
            assert_eq!(kv.read(2, "k", 6_000, 1).as_deref(), Some(left));
        }
    }
}
