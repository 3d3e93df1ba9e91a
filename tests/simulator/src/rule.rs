//! Other rules to compare with the product's: broken ones, each with one part left out, and the
//! one in which a token has but one successor.
//!
//! They are written as the product's rule with switches. A property test shows that with every
//! switch in its place this is [`judge`](tokenkeep::session::rule::judge), so that a variant
//! differs in the named part and nothing else.

use tokenkeep::{
    session::rule::{Activity, IdleWindow, Rule, SessionRecord, Snapshot, Verdict, judge},
    token::{id::SessionId, refresh::Position, time::UnixMillis},
};
use tokenkeep_world::conditions::Flaw;

/// Which rule a world lives by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The product's own.
    Product,
    /// A token has one successor, whenever it is asked for.
    IdenticalSuccessors,
    /// Siblings are not told apart.
    SiblingCheckOff,
    /// A successor is given out at once.
    TwoMinuteRuleOff,
    /// A branch that was born while the other was taken up counts as any sibling.
    BranchAtTakeUpOff,
    /// A token two generations behind is a reuse, however quickly both steps were taken.
    SecondStepOff,
    /// A token ahead of what this place knows is a reuse.
    AheadRefused,
    /// A copy of a request from before the current token is a reuse, however late it is.
    LateDuplicatesRefused,
    /// Logins and cut-offs are stamped by the place instead of the account's guard.
    StampsOfThePlace,
    /// The worker has this flaw.
    Flawed(Flaw),
}

/// The rule with one part left out or changed.
macro_rules! rule_with {
    ($part:ident: $value:expr) => {
        |session, presented, stored, window, now| {
            let parts = Parts {
                $part: $value,
                ..WHOLE
            };
            decide(parts, session, presented, stored, window, now)
        }
    };
}

impl Variant {
    /// What is wrong with the worker's stores.
    #[must_use]
    pub fn flaw(self) -> Option<Flaw> {
        match self {
            Self::Flawed(flaw) => Some(flaw),
            _ => None,
        }
    }

    /// The rule that is in force.
    #[must_use]
    pub fn rule(self) -> Rule {
        match self {
            Self::Product | Self::StampsOfThePlace | Self::Flawed(_) => judge,
            Self::IdenticalSuccessors => rule_with!(successors_differ: false),
            Self::SiblingCheckOff => rule_with!(sibling_check: false),
            Self::TwoMinuteRuleOff => rule_with!(successor_age_ms: 0),
            Self::BranchAtTakeUpOff => rule_with!(branch_at_take_up: false),
            Self::SecondStepOff => rule_with!(second_step: false),
            Self::AheadRefused => rule_with!(ahead_is_live: false),
            Self::LateDuplicatesRefused => rule_with!(late_duplicates: false),
        }
    }
}

/// The parts of the rule that can be left out.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches, each set by itself"
)]
pub struct Parts {
    /// Another `iat` of the same generation is another token.
    pub sibling_check: bool,
    /// How old a token must be to get a successor.
    pub successor_age_ms: u64,
    /// A branch born while the other was taken up is as good.
    pub branch_at_take_up: bool,
    /// A later generation is taken up, however old the stored copy is.
    pub ahead_is_live: bool,
    /// A token two generations behind is a late duplicate where both steps were just taken.
    pub second_step: bool,
    /// A copy of a request from just before the current token was taken up is answered.
    pub late_duplicates: bool,
    /// Successors carry a stamp of their own.
    pub successors_differ: bool,
}

/// Nothing left out.
pub const WHOLE: Parts = Parts {
    sibling_check: true,
    successor_age_ms: 120_000,
    branch_at_take_up: true,
    ahead_is_live: true,
    second_step: true,
    late_duplicates: true,
    successors_differ: true,
};

/// The rule with its parts. Whether a session is over for other reasons than its tokens is asked
/// of the product's rule, with the shown token made the one in force.
#[must_use]
pub fn decide(
    parts: Parts,
    session: &SessionId,
    presented: Position,
    stored: Snapshot,
    window: IdleWindow,
    now: UnixMillis,
) -> Verdict {
    let activity = known(&stored);
    let in_order = Snapshot {
        activity: activity.map(|activity| Activity {
            current: presented,
            adopted_at: now,
            ..activity
        }),
        ..stored
    };
    match judge(session, presented, in_order, window, now) {
        Verdict::Live { record, .. } => {
            let activity = activity.expect("a live session is stored");
            place(parts, presented, activity, record, window, now)
        }
        over => over,
    }
}

/// What is known of the client's progress: at first, what the login says.
fn known(stored: &Snapshot) -> Option<Activity> {
    use tokenkeep::session::rule::StoredSession::Open;
    stored.activity.or(match &stored.session {
        Some(Open(record)) => Some(Activity {
            current: Position::first(record.created_at),
            adopted_at: record.created_at,
            previous_adopted_at: None,
            seen_at: record.created_at,
        }),
        _ => None,
    })
}

fn place(
    parts: Parts,
    presented: Position,
    activity: Activity,
    record: SessionRecord,
    window: IdleWindow,
    now: UnixMillis,
) -> Verdict {
    let current = activity.current;
    let minute = presented.issued_at.millis();
    let adopted_at = activity.adopted_at;
    let born_at_take_up = minute <= adopted_at.plus_ms(LATE_DUPLICATE_MS)
        && adopted_at <= minute.plus_ms(60_000 + LATE_DUPLICATE_MS);
    let is_same = presented.generation == current.generation;
    let same_branch = !parts.sibling_check
        || presented.issued_at.distance(current.issued_at) <= SAME_BRANCH_SECONDS
        || (parts.branch_at_take_up && born_at_take_up);
    let is_recent = |instant| now.since_ms(instant) <= LATE_DUPLICATE_MS;
    let left_behind_at = match current.generation.saturating_sub(presented.generation) {
        0 | 1 => Some(activity.adopted_at),
        2 if parts.second_step && current.issued_at.millis().since_ms(minute) >= 240_000 => {
            activity.previous_adopted_at
        }
        _ => None,
    };
    let (answer, adopted) = if presented.generation > current.generation {
        if !parts.ahead_is_live {
            return Verdict::Reused;
        }
        (offered(parts, presented, None, now), true)
    } else if is_same && same_branch {
        let adopted_at = Some(activity.adopted_at);
        (offered(parts, presented, adopted_at, now), false)
    } else if parts.late_duplicates && left_behind_at.is_some_and(is_recent) {
        (current, false)
    } else {
        return Verdict::Reused;
    };
    let note = if adopted {
        let previous_adopted_at = match presented.generation - current.generation {
            1 => adopted_at,
            _ => minute.plus_ms(60_000).min(now),
        };
        Some(Activity {
            current: presented,
            adopted_at: now,
            previous_adopted_at: is_recent(previous_adopted_at).then_some(previous_adopted_at),
            seen_at: now,
        })
    } else {
        let is_due = now.since_ms(activity.seen_at) > window.renewal_ms();
        is_due.then_some(Activity {
            seen_at: now,
            ..activity
        })
    };
    Verdict::Live {
        record,
        answer,
        note,
    }
}

fn offered(
    parts: Parts,
    presented: Position,
    adopted_at: Option<UnixMillis>,
    now: UnixMillis,
) -> Position {
    // Without a stamp of its own a successor does not tell its age: the time of its taking up
    // stands in for it.
    let born_at = if parts.successors_differ {
        Some(presented.issued_at.millis())
    } else {
        adopted_at
    };
    if born_at.is_some_and(|born_at| now.since_ms(born_at) < parts.successor_age_ms) {
        return presented;
    }
    Position {
        generation: presented.generation.saturating_add(1),
        issued_at: if parts.successors_differ {
            now.minute()
        } else {
            presented.issued_at
        },
    }
}

const LATE_DUPLICATE_MS: u64 = 65_000;
const SAME_BRANCH_SECONDS: u64 = 60;
