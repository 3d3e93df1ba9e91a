//! What a cloud is like.

use tokenkeep::session::rule::{Rule, judge};

/// Places in a cloud.
pub const PLACES: usize = 3;

/// Which of two writes to one key stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandingOrder {
    /// The one that was accepted last.
    Accepted,
    /// The one that arrived last.
    Landed,
}

/// Who checks passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarding {
    /// The worker's own guards.
    Real,
    /// Stand-ins that accept any password for an address that has an account: hashing takes long,
    /// and only the stamps matter.
    AnyPassword,
    /// The same, but the stamps come from the clocks of the places.
    StampsOfThePlace,
}

/// What a worker that is broken on purpose does to its stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It ends a session by deleting its key.
    DeletesEndedSessions,
    /// A password change does not end the session that asks for it.
    OldSessionKept,
    /// A password change ends the session that asks for it at once.
    NoGrace,
    /// Every session is younger than the store.
    BirthMarkIgnored,
    /// An account whose row is missing was deleted.
    MissingRowIsDeletion,
    /// The guard of a new address does not know the stamps of the earlier one.
    MoveForgotten,
    /// The object of a user replies before it has stored anything.
    ObjectWritesLate,
    /// The object of a user forgets sessions that were ended, and asks KV again.
    ObjectForgetsEnded,
    /// The object of a user forgets everything a minute later.
    ObjectAlarmEarly,
}

/// How calls on a store go by chance.
#[derive(Debug, Clone)]
pub struct Odds {
    /// How long a call takes, in milliseconds: at least and at most.
    pub takes_ms: (u64, u64),
    /// How many of a thousand fail.
    pub fail: u64,
    /// How many of a thousand that fail were done all the same.
    pub done_all_the_same: u64,
    /// How many of a thousand errors come so late that nobody waits for them any more.
    pub late: u64,
    /// How late they are then.
    pub late_ms: (u64, u64),
}

impl Odds {
    /// At once, and always well.
    pub const CALM: Self = Self {
        takes_ms: (0, 0),
        fail: 0,
        done_all_the_same: 0,
        late: 0,
        late_ms: (0, 0),
    };
}

/// What a cloud is like.
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
    /// How much time there must be between two writes to one key.
    pub between_writes_ms: u64,
    /// How reads of the store go.
    pub reads: Odds,
    /// How writes and deletes go.
    pub writes: Odds,
    /// How calls on the objects of users go.
    pub objects: Odds,
    /// How their storages do.
    pub rows: Odds,
    /// In how many of a thousand requests the object is restarted.
    pub restarts: u64,
    /// Whether alarms of those objects ring by themselves.
    pub alarms_ring: bool,
    /// How a refresh is decided.
    pub rule: Rule,
    /// Who checks passwords.
    pub guarding: Guarding,
    /// What is wrong with the worker.
    pub flaw: Option<Flaw>,
}

impl Default for Conditions {
    /// A calm cloud: nothing takes time, lags or fails.
    fn default() -> Self {
        Self {
            clocks_ms: [0; PLACES],
            lag_ms: 0,
            landing_ms: 0,
            order: LandingOrder::Accepted,
            own_writes_at_once: true,
            between_writes_ms: 0,
            reads: Odds::CALM,
            writes: Odds::CALM,
            objects: Odds::CALM,
            rows: Odds::CALM,
            restarts: 0,
            alarms_ring: false,
            rule: judge,
            guarding: Guarding::Real,
            flaw: None,
        }
    }
}
