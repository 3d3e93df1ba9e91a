//! The rule of the house: is this refresh token still good, and what does the client get?
//!
//! A session is a chain of generations. A client that keeps sending one token is never pushed
//! along it; a client that takes up the successor it was given moves the chain on. What is stored
//! may be up to a minute old, or not here yet, and the same request may arrive several times, late
//! and out of order: none of that may log anyone out. A copy of a token that is used after the
//! chain has moved on, however, ends the session.
//!
//! Two successors grown from one token more than two minutes apart differ in their `iat`
//! (*siblings*). Whichever is taken up first wins; the other one, when used, is a theft found out.

use crate::token::{
    claims::CustomClaims,
    id::SessionId,
    refresh::Position,
    time::{UnixMillis, UnixSeconds},
};

/// How far the clocks of two places, or of a place and a guard, may be apart. Cloudflare promises
/// nothing; a second or two is seen.
const CLOCKS_MS: u64 = 5_000;

/// For how long a copy of a request may lag behind its original and still be answered: the phone
/// and the servers in between repeat requests for some seconds, KV places lag for about a minute.
/// A full minute is promised, so it is measured with room for two clocks.
const LATE_DUPLICATE_MS: u64 = 60_000 + CLOCKS_MS;

/// What `iat` is rounded down to.
const MINUTE_MS: u64 = 60_000;

/// How far apart two `iat` may be and still belong to one branch: stamps are whole minutes, so
/// neighbours are one minute apart.
const SAME_BRANCH_SECONDS: u64 = 60;

/// How old a token must be to get a successor. It is more than [`LATE_DUPLICATE_MS`], so that no
/// two successors are given out within the time in which duplicates arrive.
const SUCCESSOR_AGE_MS: u64 = 120_000;

/// For how long a login may not have reached the place of a refresh. Absence is cached like
/// anything else, for "60 seconds or more": a place that asked too early may go on missing the
/// session for minutes. Nothing but a wait is lost when this is too long. Counted from the end of
/// the minute that the token's `iat` was rounded down to; less than
/// `account::table::DELETION_MS`.
const ARRIVAL_MS: u64 = MINUTE_MS + 300_000;

/// Whether a token is old enough for this later one to have grown from it: each generation is two
/// minutes older than the next.
fn may_be_two_before(earlier: Position, later: Position) -> bool {
    let apart_ms = later
        .issued_at
        .millis()
        .since_ms(earlier.issued_at.millis());
    apart_ms >= 2 * SUCCESSOR_AGE_MS
}

/// What a client that shows this token gets back: the token itself while it is young, then a
/// successor of this minute.
#[must_use]
pub fn offered(presented: Position, now: UnixMillis) -> Position {
    if now.since_ms(presented.issued_at.millis()) < SUCCESSOR_AGE_MS {
        return presented;
    }
    Position {
        generation: presented.generation.saturating_add(1),
        issued_at: now.minute(),
    }
}

/// What a login stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// When the user logged in.
    pub created_at: UnixMillis,
    /// The absolute end.
    pub expires_at: UnixMillis,
    /// What the client called itself.
    pub device: Option<String>,
    /// What every access token of the session says.
    pub claims: CustomClaims,
    /// Whether it is of an account, and not of another back end's login.
    pub has_account: bool,
}

/// What stands under the session's own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredSession {
    /// As the login left it.
    Open(SessionRecord),
    /// A tombstone: the session was ended at this time and cannot come back.
    Revoked(UnixMillis),
}

/// How far the client has come, and when it was last seen (to the precision of throttled writes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// The token in force: the newest that was taken up.
    pub in_force: Position,
    /// When it was taken up.
    pub taken_up_at: UnixMillis,
    /// When the generation before it was taken up, where that was so shortly before that copies of
    /// requests from before *that* may still come: an app that wakes up moves on twice at once.
    pub overtaken_at: Option<UnixMillis>,
    /// When the client was last seen, at the latest write.
    pub seen_at: UnixMillis,
}

impl Activity {
    /// What holds until the first refresh that is worth a write.
    fn of_login(created_at: UnixMillis) -> Self {
        Self {
            in_force: Position::first(created_at),
            taken_up_at: created_at,
            overtaken_at: None,
            seen_at: created_at,
        }
    }

    /// What holds once a successor was taken up. Where the one before it was taken up without this
    /// place having heard of it, its time is known from its successor: it was in use in the minute
    /// in which that was made.
    fn moved_on(self, taken_up: Position, now: UnixMillis) -> Self {
        let overtaken_at = if taken_up.generation - self.in_force.generation == 1 {
            self.taken_up_at
        } else {
            taken_up.issued_at.millis().plus_ms(MINUTE_MS).min(now)
        };
        Self {
            in_force: taken_up,
            taken_up_at: now,
            overtaken_at: may_still_come(overtaken_at, now).then_some(overtaken_at),
            seen_at: now,
        }
    }
}

/// Whether a copy of a request may still come whose original came before this time.
fn may_still_come(instant: UnixMillis, now: UnixMillis) -> bool {
    now.since_ms(instant) <= LATE_DUPLICATE_MS
}

/// "Every session of this user that began until then is over", but for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// Sessions created at this time or earlier are over.
    pub before: UnixMillis,
    /// The session that lives on: the one that changed the password.
    pub keep: Option<SessionId>,
}

impl CutOff {
    fn ends(&self, session: &SessionId, created_at: UnixMillis) -> bool {
        created_at <= self.before && self.keep.as_ref() != Some(session)
    }
}

/// Everything stored about one session, as one place sees it; `None` is a key that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Written by the login and by revocation.
    pub session: Option<StoredSession>,
    /// Written by refreshes.
    pub activity: Option<Activity>,
    /// Written when all of the user's sessions are ended.
    pub cut_off: Option<CutOff>,
}

/// For how long a session lives without being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleWindow {
    /// `SESSION_IDLE_SECONDS` in milliseconds.
    pub idle_ms: u64,
}

impl IdleWindow {
    /// How often a client that is seen but takes nothing up is written down: a third of the idle
    /// window, so that a steady client costs next to no writes.
    #[must_use]
    pub fn renewal_ms(self) -> u64 {
        self.idle_ms / 3
    }

    /// For how long an [`Activity`] counts: the last sighting may be one renewal younger than it
    /// says.
    #[must_use]
    pub fn activity_ms(self) -> u64 {
        self.idle_ms + self.renewal_ms()
    }
}

/// What becomes of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The session lives.
    Live {
        /// The session as the login left it.
        record: SessionRecord,
        /// The place of the refresh token to answer with.
        answer: Position,
        /// What to write down after the answer, if anything.
        note: Option<Activity>,
    },
    /// The login has not reached this place yet: the client is to try again.
    NotYetHere,
    /// The session is over by its idle window or its absolute end.
    Expired,
    /// The session was ended.
    Revoked,
    /// A token from before the chain moved on: someone has a copy. The session must be ended.
    Reused,
}

/// Decides about a refresh: `session` shows the token at `presented`, and this is what is stored.
#[must_use]
pub fn judge(
    session: &SessionId,
    presented: Position,
    stored: Snapshot,
    window: IdleWindow,
    now: UnixMillis,
) -> Verdict {
    let ended = |began| {
        let cut_off = stored.cut_off.as_ref();
        cut_off.is_some_and(|cut_off| cut_off.ends(session, began))
    };
    let record = match stored.session {
        Some(StoredSession::Open(record)) => record,
        Some(StoredSession::Revoked(_)) => return Verdict::Revoked,
        // Even if it began only now: the account was deleted, and its sessions with it. A cut-off
        // of just now says nothing: the login may have come after it, by a clock ahead of ours.
        None if ended(now.plus_ms(CLOCKS_MS)) => return Verdict::Revoked,
        None if may_be_under_way(presented, now) => return Verdict::NotYetHere,
        None => return Verdict::Expired,
    };
    if ended(record.created_at) {
        return Verdict::Revoked;
    }
    let activity = stored
        .activity
        .unwrap_or_else(|| Activity::of_login(record.created_at));
    if now >= record.expires_at || is_idle(presented, activity, window, now) {
        return Verdict::Expired;
    }
    let is_due = now.since_ms(activity.seen_at) > window.renewal_ms();
    let seen = is_due.then_some(Activity {
        seen_at: now,
        ..activity
    });
    let (answer, note) = match placement(presented, activity, now) {
        Placement::TakesUp => (
            offered(presented, now),
            Some(activity.moved_on(presented, now)),
        ),
        Placement::InForce => (offered(presented, now), seen),
        Placement::LateDuplicate => (activity.in_force, seen),
        Placement::Reuse => return Verdict::Reused,
    };
    Verdict::Live {
        record,
        answer,
        note,
    }
}

/// Whether a missing `session` key may belong to a login that is still spreading. The signature
/// proves that there was one when the token was made, whatever its generation.
fn may_be_under_way(presented: Position, now: UnixMillis) -> bool {
    now.since_ms(presented.issued_at.millis()) < ARRIVAL_MS
}

/// Whether the session was not used for too long. It was used when it was last noted, and also
/// when the token that is shown was made: a note may be lost, or not have been due.
fn is_idle(presented: Position, activity: Activity, window: IdleWindow, now: UnixMillis) -> bool {
    let used_at = activity.seen_at.max(presented.issued_at.millis());
    now.since_ms(used_at) > window.activity_ms()
}

/// Where a token stands against the token in force.
enum Placement {
    /// A successor that the client has taken up: its signature proves it, however stale our copy.
    TakesUp,
    /// The token in force, or a branch of it that cannot be told from it.
    InForce,
    /// A copy of a request from just before the token in force was taken up.
    LateDuplicate,
    /// None of these: a copy of an old token.
    Reuse,
}

fn placement(presented: Position, activity: Activity, now: UnixMillis) -> Placement {
    let in_force = activity.in_force;
    if presented.generation > in_force.generation {
        return Placement::TakesUp;
    }
    let same_generation = presented.generation == in_force.generation;
    let same_branch = presented.issued_at.distance(in_force.issued_at) <= SAME_BRANCH_SECONDS;
    if same_generation && (same_branch || is_born_at(activity.taken_up_at, presented)) {
        return Placement::InForce;
    }
    // When the token after the presented one was first used.
    let left_behind_at = match in_force.generation - presented.generation {
        0 | 1 => Some(activity.taken_up_at),
        2 if may_be_two_before(presented, in_force) => activity.overtaken_at,
        _ => None,
    };
    match left_behind_at {
        Some(instant) if may_still_come(instant, now) => Placement::LateDuplicate,
        _ => Placement::Reuse,
    }
}

/// Whether a token may have been made at this time, give or take how late a copy may be. It was
/// made in the minute that its `iat` is the begin of. (To compare that with the begin of the other
/// minute is not enough: with clocks apart, a minute of delay can span two begins of minutes.)
fn is_born_at(instant: UnixMillis, token: Position) -> bool {
    let minute = token.issued_at.millis();
    minute <= instant.plus_ms(LATE_DUPLICATE_MS)
        && instant <= minute.plus_ms(MINUTE_MS + LATE_DUPLICATE_MS)
}

/// A session as a list of sessions shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the client called itself.
    pub device: Option<String>,
    /// When the user logged in.
    pub created_at: UnixMillis,
    /// When the client was last seen, to the precision of the throttled write: it may have been
    /// seen up to a third of the idle window later.
    pub seen_at: UnixMillis,
}

/// What a list shows of a session; nothing if it is dead.
#[must_use]
pub fn listed(
    session: &SessionId,
    stored: Snapshot,
    cut_off: Option<&CutOff>,
    window: IdleWindow,
    now: UnixMillis,
) -> Option<Listed> {
    let Some(StoredSession::Open(record)) = stored.session else {
        return None;
    };
    let activity = stored
        .activity
        .unwrap_or_else(|| Activity::of_login(record.created_at));
    let is_dead = cut_off.is_some_and(|cut_off| cut_off.ends(session, record.created_at))
        || now >= record.expires_at
        || is_idle(activity.in_force, activity, window, now);
    (!is_dead).then_some(Listed {
        device: record.device,
        created_at: record.created_at,
        seen_at: activity.seen_at,
    })
}

/// Whether a bearer of an access token of this session is turned away.
///
/// A missing `session` key alone is no reason: the token's own `iat` is then held against the
/// cut-off. `iat` is a whole second of a place's clock, and a token of the cut-off's own seconds is
/// let pass: it may be of a login just after.
#[must_use]
pub fn is_ended(session: &SessionId, issued_at: UnixSeconds, stored: &Snapshot) -> bool {
    let began = match &stored.session {
        Some(StoredSession::Revoked(_)) => return true,
        Some(StoredSession::Open(record)) => record.created_at,
        None => issued_at.millis().plus_ms(999 + CLOCKS_MS),
    };
    stored
        .cut_off
        .as_ref()
        .is_some_and(|cut_off| cut_off.ends(session, began))
}

#[cfg(test)]
mod tests;
