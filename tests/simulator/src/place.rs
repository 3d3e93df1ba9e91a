//! A place as the worker sees it during one request: what it needs from outside, played.

use std::{cell::RefCell, future::Future, rc::Rc};

use fastrand::Rng as Dice;
use tokenkeep::{
    account::{
        Account, Name,
        email::Email,
        message::{AccountJson, Answer, Ask},
        password::PasswordHash,
    },
    port::{Accounts, Clock, Fault, Guard, KeyValue, Page, Platform, Rng, Write},
    token::{id::UserId, time::UnixMillis},
};

use crate::{kv::is_long_enough, rule::Variant, world::World};

struct Desk {
    world: Rc<World>,
    place: usize,
    dice: RefCell<Dice>,
}

impl Desk {
    fn roll(&self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.dice.borrow_mut().u64(range)
    }

    fn in_a_thousand(&self, times: u64) -> bool {
        self.roll(0..=999) < times
    }

    /// For how long a copy that is made now will be used.
    fn age(&self) -> u64 {
        let lag = self.world.conditions.lag_ms;
        if self.in_a_thousand(500) {
            lag
        } else {
            self.roll(0..=lag)
        }
    }

    async fn takes(&self, milliseconds: std::ops::RangeInclusive<u64>) {
        let milliseconds = self.roll(milliseconds);
        self.world.timeline.sleep_ms(milliseconds).await;
    }

    async fn change(&self, key: &str, change: Option<(&str, u64)>) -> Result<(), Fault> {
        self.takes(20..=300).await;
        let conditions = &self.world.conditions;
        let now = self.world.timeline.now();
        if change.is_some_and(|(_, ttl_seconds)| !is_long_enough(ttl_seconds)) {
            return Err(Fault::Failed);
        }
        if !self.world.kv.borrow_mut().is_free(key, now) {
            return Err(Fault::Throttled);
        }
        let fails = self.in_a_thousand(conditions.failing_writes);
        if !fails || self.in_a_thousand(500) {
            let lands_at = now + self.roll(0..=conditions.landing_ms);
            let own_age = conditions.own_writes_at_once.then(|| self.age());
            let mut kv = self.world.kv.borrow_mut();
            kv.accept(self.place, key, change, now, lands_at, own_age);
        }
        if fails {
            // Now and then so late that nobody waits for it any more.
            self.takes(if self.in_a_thousand(200) {
                3_100..=9_000
            } else {
                0..=500
            })
            .await;
            return Err(Fault::Failed);
        }
        Ok(())
    }
}

/// A place of the worker, during one request. Clones share it.
#[derive(Clone)]
pub struct Place(Rc<Desk>);

impl Place {
    /// The place of this number. `chance` decides all that is left to it.
    #[must_use]
    pub fn new(world: Rc<World>, place: usize, chance: u64) -> Self {
        Self(Rc::new(Desk {
            world,
            place,
            dice: RefCell::new(Dice::with_seed(chance)),
        }))
    }
}

impl Clock for Place {
    fn now(&self) -> UnixMillis {
        let world = &self.0.world;
        let offset = world.conditions.clocks_ms[self.0.place];
        UnixMillis(world.timeline.now().saturating_add_signed(offset))
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        self.0.world.timeline.sleep_ms(milliseconds).await;
    }
}

impl Rng for Place {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.dice.borrow_mut().fill(bytes);
    }
}

impl KeyValue for Place {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        let desk = &self.0;
        desk.world
            .count(|operations| operations.reads += keys.len() as u64);
        desk.takes(2..=80).await;
        if desk.in_a_thousand(desk.world.conditions.failing_reads) {
            desk.takes(if desk.in_a_thousand(300) {
                2_600..=9_000
            } else {
                0..=500
            })
            .await;
            return Err(Fault::Failed);
        }
        let now = desk.world.timeline.now();
        let order = desk.world.conditions.order;
        let mut kv = desk.world.kv.borrow_mut();
        let read = |key: &&str| kv.read(desk.place, key, now, order, desk.age());
        Ok(keys.iter().map(read).collect())
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        let is_tombstone =
            write.key.starts_with("session:") && write.value.contains("\"revoked_at\"");
        if is_tombstone && self.0.world.variant == Variant::TombstoneReplacedByDelete {
            return KeyValue::delete(self, &write.key).await;
        }
        self.0.world.count(|operations| operations.writes += 1);
        let change = Some((write.value.as_str(), write.ttl_seconds));
        self.0.change(&write.key, change).await
    }

    async fn list(&self, _: &str, _: Option<&str>, _: u32) -> Result<Page, Fault> {
        // Nothing that is simulated lists keys.
        Err(Fault::Failed)
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.0.world.count(|operations| operations.deletes += 1);
        self.0.change(key, None).await
    }
}

/// One account, that is always there.
impl Accounts for Place {
    async fn check(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn by_email(&self, _: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        Err(Fault::NotBound("DB"))
    }

    async fn by_id(&self, _: &UserId) -> Result<Option<Account>, Fault> {
        Ok(Some(ada()))
    }

    async fn insert(&self, _: &Account, _: &PasswordHash) -> Result<bool, Fault> {
        Err(Fault::NotBound("DB"))
    }

    async fn set_password(
        &self,
        _: &UserId,
        _: &PasswordHash,
        _: &PasswordHash,
    ) -> Result<bool, Fault> {
        Err(Fault::NotBound("DB"))
    }

    async fn set_name(&self, _: &UserId, _: Option<&Name>) -> Result<(), Fault> {
        Err(Fault::NotBound("DB"))
    }

    async fn delete(&self, _: &UserId) -> Result<(), Fault> {
        Err(Fault::NotBound("DB"))
    }
}

/// A guard that takes every password: what matters here are its stamps.
impl Guard for Place {
    async fn ask(&self, _: &Email, ask: &Ask) -> Result<Answer, Fault> {
        let world = &self.0.world;
        self.0.takes(20..=200).await;
        let at = if world.variant == Variant::StampsOfThePlace {
            self.now()
        } else {
            let stamp = world.timeline.now().max(world.guard_stamp.get() + 1);
            world.guard_stamp.set(stamp);
            UnixMillis(stamp)
        };
        self.0.takes(20..=200).await;
        Ok(match ask {
            Ask::Stamp => Answer::Stamped { at },
            Ask::Check(_) => Answer::Done {
                account: AccountJson::from(&ada()),
                at,
            },
        })
    }
}

fn ada() -> Account {
    Account {
        id: UserId::parse("ada").expect("a good id"),
        email: Email::parse("ada@example.com").expect("a good address"),
        name: None,
        created_at: UnixMillis(0),
    }
}

impl Platform for Place {
    type Sessions = Self;
    type Accounts = Self;
    type Guard = Self;

    fn sessions(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn accounts(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn guard(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }

    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        let timeline = &self.0.world.timeline;
        timeline.spawn_at(timeline.now(), work);
    }

    fn log(&self, line: &str) {
        let world = &self.0.world;
        if line.contains("activity_write_lost") {
            world.lost_notes.set(world.lost_notes.get() + 1);
        }
    }
}
