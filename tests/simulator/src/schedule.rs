//! What happens in a world, as data: made from a seed by [`crate::story`], played by [`crate::play`], shortened by
//! [`crate::shrink`] when it breaks a guarantee.

use clap::ValueEnum;
use fastrand::Rng as Dice;

use tokenkeep_world::{
    Conditions,
    conditions::{LandingOrder, Odds},
};

const MINUTE_MS: u64 = 60_000;

/// What a client does with the refresh tokens that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Drops them: Bravo's screens bind the access token only.
    Bravo,
    /// Keeps one that is further than the one it has.
    Careful,
    /// Keeps whatever came last.
    Blind,
}

/// How a thief plays the token that he copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thief {
    /// Within a second, then about hourly.
    Early,
    /// After one interval at most, then about hourly.
    OwnSchedule,
    /// The same, from the other end of the world.
    Elsewhere,
    /// After some days, then about hourly.
    Late,
    /// Within a minute of every refresh of the owner.
    InStep,
    /// Every second once the owner, who cannot detect him, changes the password.
    Sharing,
}

impl Thief {
    /// Every kind, in the order of the report.
    pub const ALL: [Self; 6] = [
        Self::Early,
        Self::OwnSchedule,
        Self::Elsewhere,
        Self::Late,
        Self::InStep,
        Self::Sharing,
    ];
}

/// One request under way, and what becomes of its answer.
#[derive(Debug, Clone)]
pub struct Copy {
    /// How much later than the others it arrives.
    pub delay_ms: u64,
    /// Where it arrives.
    pub place: usize,
    /// How long the answer takes until the client has saved it; `None`: lost, or the app was gone
    /// before it was saved.
    pub answer_ms: Option<u64>,
}

/// What is lost.
#[derive(Debug, Clone, Copy)]
pub enum Lost {
    /// All sessions.
    Kv,
    /// All accounts.
    D1,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub enum What {
    /// The owner's app asks for a refresh with the token that it holds, in several copies.
    Refresh(Vec<Copy>),
    /// The app shows its access token.
    LookAtMe {
        /// Where.
        place: usize,
    },
    /// The app logs out.
    LogOut {
        /// Where.
        place: usize,
    },
    /// The user logs in on another phone, and goes on there.
    LogIn {
        /// Where.
        place: usize,
    },
    /// The app changes the password, in several copies of the request.
    ChangePassword(Vec<Copy>),
    /// The user resets the password, with the code of an e-mail, and goes on in a new session.
    Reset {
        /// Where.
        place: usize,
    },
    /// The app changes the e-mail address.
    ChangeEmail {
        /// To which of them.
        to: usize,
        /// Where.
        place: usize,
    },
    /// The app logs out everywhere.
    LogOutAll {
        /// Where.
        place: usize,
    },
    /// The app deletes the account.
    Delete {
        /// Where.
        place: usize,
    },
    /// What is stored is gone, and comes back after so many milliseconds.
    Lose(Lost, u64),
    /// Someone tries the tokens of a session, dead or alive.
    Probe {
        /// Where.
        place: usize,
    },
    /// A thief copies the token that the app holds.
    Steal,
    /// The thief refreshes with his copy.
    Play {
        /// Where.
        place: usize,
    },
}

/// Something that happens at an instant.
#[derive(Debug, Clone)]
pub struct Event {
    /// Milliseconds from the login.
    pub at_ms: u64,
    /// The seed of all that is left to chance in it.
    pub chance: u64,
    /// What happens.
    pub what: What,
}

/// A whole story.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// When the login begins, in milliseconds since 1970.
    pub start: u64,
    /// What the world is like.
    pub conditions: Conditions,
    /// From when on sessions are in objects, in milliseconds from the login, if ever.
    pub objects_from_ms: Option<u64>,
    /// Whether the session belongs to an account.
    pub has_account: bool,
    /// What the owner's app does with tokens.
    pub habit: Habit,
    /// In the order of their making, which need not be that of time.
    pub events: Vec<Event>,
}

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Stores {
    /// In KV.
    #[default]
    Kv,
    /// In the objects of their users.
    Objects,
    /// In KV first, and at some moment in objects.
    SwitchedOn,
}

impl Schedule {
    /// Sessions come into objects at some moment of a story that takes so long: often close to
    /// something that happens.
    pub fn switch_on(&mut self, climate: Climate, length_ms: u64, dice: &mut Dice) {
        if climate.stores != Stores::SwitchedOn {
            return;
        }
        let event = match self.events.len() {
            0 => 0,
            events => self.events[dice.usize(0..events)].at_ms,
        };
        let nearby = (event + dice.u64(0..4 * MINUTE_MS)).saturating_sub(2 * MINUTE_MS);
        let anywhere = dice.u64(0..=length_ms);
        self.objects_from_ms = Some(if dice.bool() { nearby } else { anywhere });
    }
}

/// What all schedules of a run share.
#[derive(Debug, Clone, Copy)]
pub struct Climate {
    /// Where sessions are kept.
    pub stores: Stores,
    /// For how long a place may go on with an old copy, in milliseconds.
    pub lag_ms: u64,
    /// Which of two writes stays.
    pub order: LandingOrder,
}

impl Default for Climate {
    fn default() -> Self {
        Self {
            stores: Stores::Kv,
            lag_ms: MINUTE_MS,
            order: LandingOrder::Accepted,
        }
    }
}

/// The dice of one story: neighbours in number or seed have nothing in common.
#[must_use]
pub fn dice(seed: u64, index: u64) -> Dice {
    let mut dice = Dice::with_seed(seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    dice.u64(..);
    dice
}

/// What the world of one story is like.
pub fn conditions(dice: &mut Dice, climate: Climate) -> Conditions {
    let rough = dice.u64(0..4) == 0;
    Conditions {
        clocks_ms: std::array::from_fn(|_| dice.i64(-2_000..=2_000)),
        lag_ms: climate.lag_ms,
        landing_ms: [0, 500, 5_000][dice.usize(0..3)],
        order: climate.order,
        own_writes_at_once: dice.u64(0..4) > 0,
        between_writes_ms: 1_000,
        reads: Odds {
            takes_ms: (2, 80),
            fail: if rough { 50 } else { 2 },
            done_all_the_same: 0,
            late: 300,
            late_ms: (2_600, 9_000),
        },
        writes: Odds {
            takes_ms: (20, 300),
            fail: if rough { 150 } else { 5 },
            done_all_the_same: 500,
            late: 200,
            late_ms: (3_100, 9_000),
        },
        objects: Odds {
            takes_ms: (2, 120),
            fail: if rough { 50 } else { 2 },
            done_all_the_same: 500,
            late: 200,
            late_ms: (0, 0),
        },
        rows: Odds {
            takes_ms: (0, 3),
            fail: if rough { 20 } else { 1 },
            done_all_the_same: 500,
            late: 0,
            late_ms: (0, 0),
        },
        restarts: if rough { 30 } else { 2 },
        alarms_ring: true,
        ..Conditions::default()
    }
}
