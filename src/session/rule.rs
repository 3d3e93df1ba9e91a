//! The rule of sessions: is this refresh token still valid, and what does the client get?
//!
//! A session is a chain of generations. A client that keeps sending one token never advances it; a
//! client that adopts the successor it was given advances the chain. What is stored may be up to a
//! minute old, or not here yet, and the same request may arrive several times, late and out of
//! order: none of that may log anyone out. A copy of a token that is used after the chain has
//! advanced, however, ends the session.
//!
//! Two successors of one token are *siblings* if their `iat` differ by more than a minute: always if
//! made over two minutes apart, never within one. Whichever is adopted first wins; the other one,
//! when used, reveals a theft.

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::token::{
    claims::CustomClaims,
    id::SessionId,
    refresh::Position,
    time::{UnixMillis, UnixSeconds},
};

/// How far the clocks of two data centres, or of a data centre and a guard, may differ. Cloudflare
/// guarantees nothing; a second or two has been seen.
pub(crate) const CLOCKS_MS: u64 = 5_000;

/// How far a copy of a request may lag behind its original and still be answered: the phone and the
/// servers in between repeat requests for some seconds, and KV lags for about a minute. A full minute
/// is guaranteed, so there is room for two clocks.
pub const LATE_DUPLICATE_MS: u64 = 60_000 + CLOCKS_MS;

/// What `iat` is rounded down to.
const MINUTE_MS: u64 = 60_000;

/// How far apart two `iat` may be and still belong to one branch: they are whole minutes, so
/// neighbours are one minute apart.
const SAME_BRANCH_SECONDS: u64 = 60;

/// How old a token must be to get a successor. It is more than [`LATE_DUPLICATE_MS`], so that no two
/// successors are issued within the time in which duplicates arrive.
const SUCCESSOR_AGE_MS: u64 = 120_000;

/// How long a login may take to reach the data centre of a refresh. Absence is cached like anything
/// else, for "60 seconds or more": a data centre that asked too early may miss the session for
/// minutes. If this is too long, the only loss is a wait. Counted from the end of the minute that the
/// token's `iat` was rounded down to.
pub(crate) const ARRIVAL_MS: u64 = MINUTE_MS + 300_000;

/// Whether a token is old enough for this later one to have grown from it: each generation is two
/// minutes older than the next.
fn may_be_two_before(earlier: Position, later: Position) -> bool {
    let apart_ms = later
        .issued_at
        .millis()
        .since_ms(earlier.issued_at.millis());
    apart_ms >= 2 * SUCCESSOR_AGE_MS
}

/// What a client that presents this token gets back: the token itself while it is young, then a
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// When the user logged in.
    pub created_at: UnixMillis,
    /// The absolute end.
    pub expires_at: UnixMillis,
    /// What the client called itself.
    pub device: Option<String>,
    /// What every access token of the session says.
    pub claims: CustomClaims,
    /// Whether it belongs to an account, and not to another back end's login.
    pub has_account: bool,
}

/// What stands under the session's own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredSession {
    /// As the login left it.
    Open(SessionRecord),
    /// A tombstone: the session was ended at this time and cannot come back.
    Revoked(UnixMillis),
}

/// How far the client has advanced, and when it was last seen (to the precision of throttled writes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The current token: the newest that was adopted.
    pub current: Position,
    /// When it was adopted.
    pub adopted_at: UnixMillis,
    /// When the generation before it was adopted, if that was so recent that copies of requests from
    /// before *that* may still arrive: an app that wakes up advances twice at once.
    pub previous_adopted_at: Option<UnixMillis>,
    /// When the client was last seen, at the latest write.
    pub seen_at: UnixMillis,
}

impl Activity {
    /// The state until the first refresh that is worth a write.
    fn of_login(created_at: UnixMillis) -> Self {
        Self {
            current: Position::first(created_at),
            adopted_at: created_at,
            previous_adopted_at: None,
            seen_at: created_at,
        }
    }

    /// The state once a successor was adopted. If this data centre missed the adoption in between, the
    /// `iat` of the adopted token dates it.
    fn advanced(self, adopted: Position, now: UnixMillis) -> Self {
        let previous_adopted_at = if adopted.generation - self.current.generation == 1 {
            self.adopted_at
        } else {
            adopted.issued_at.millis().plus_ms(MINUTE_MS).min(now)
        };
        Self {
            current: adopted,
            adopted_at: now,
            previous_adopted_at: may_still_come(previous_adopted_at, now)
                .then_some(previous_adopted_at),
            seen_at: now,
        }
    }
}

/// Whether a copy of a request may still arrive whose original came before this time.
fn may_still_come(instant: UnixMillis, now: UnixMillis) -> bool {
    now.since_ms(instant) <= LATE_DUPLICATE_MS
}

/// For how long after the deletion of an account no session of it can start. Longer than a login
/// may be under way, so that a token of an erased session is known to be over and not early.
pub const DELETION_MS: u64 = 10 * 60_000;

const _: () = assert!(ARRIVAL_MS < DELETION_MS);

/// "Every session of this user that started until then is over", except one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOff {
    /// Sessions created at this time or earlier are over.
    pub before: UnixMillis,
    /// The exception: the session that changed the password.
    pub keep: Option<Kept>,
}

/// A session that a cut-off does not end, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Which one.
    pub session: SessionId,
    /// When it ends all the same. None in a cut-off of an earlier version, which kept it for good.
    pub until: Option<UnixMillis>,
}

impl CutOff {
    /// The cut-off of a password change: the session that asked for it has a grace, in which its
    /// client may repeat the request, or refresh. `at` is the start of the new session, which lives.
    #[must_use]
    pub fn of_password_change(at: UnixMillis, session: SessionId) -> Self {
        Self {
            keep: Some(Kept {
                session,
                until: Some(at.plus_ms(LATE_DUPLICATE_MS)),
            }),
            ..Self::before(at)
        }
    }

    /// The cut-off that ends every session that started before this time.
    #[must_use]
    pub fn before(at: UnixMillis) -> Self {
        Self {
            before: UnixMillis(at.0.saturating_sub(1)),
            keep: None,
        }
    }

    /// The cut-off of the deletion of an account, at this time.
    #[must_use]
    pub fn of_deletion(at: UnixMillis) -> Self {
        Self {
            before: at.plus_ms(DELETION_MS),
            keep: None,
        }
    }

    pub(super) fn ends(
        &self,
        session: &SessionId,
        created_at: UnixMillis,
        now: UnixMillis,
    ) -> bool {
        let keeps =
            |kept: &Kept| kept.session == *session && kept.until.is_none_or(|until| now < until);
        created_at <= self.before && !self.keep.as_ref().is_some_and(keeps)
    }
}

/// Everything stored about one session, as one data centre sees it; `None` is a key that is absent.
/// In JSON each field is there, as `null`: without that, any object would do for nothing stored, and
/// an access token be valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Written by the login and by revocation.
    #[serde(deserialize_with = "Option::deserialize")]
    pub session: Option<StoredSession>,
    /// Written by refreshes.
    #[serde(deserialize_with = "Option::deserialize")]
    pub activity: Option<Activity>,
    /// Written when all of the user's sessions are ended.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cut_off: Option<CutOff>,
}

impl Snapshot {
    /// Whether the bearer of an access token of this session is turned away.
    ///
    /// A missing `session` key alone is no reason: then the token's own `iat` is compared with the
    /// cut-off. `iat` is a whole second of some clock, and a token from the seconds of the cut-off
    /// itself passes: it may belong to a login just after it.
    #[must_use]
    pub fn refuses_bearer(
        &self,
        session: &SessionId,
        issued_at: UnixSeconds,
        now: UnixMillis,
    ) -> bool {
        let as_if_started_with_token = issued_at.millis().plus_ms(999 + CLOCKS_MS);
        self.is_ended(session, as_if_started_with_token, now)
    }

    /// Whether the session was ended, by a tombstone or a cut-off. `if_absent` stands for its start
    /// where its own key is missing.
    fn is_ended(&self, session: &SessionId, if_absent: UnixMillis, now: UnixMillis) -> bool {
        let created_at = match &self.session {
            Some(StoredSession::Revoked(_)) => return true,
            Some(StoredSession::Open(record)) => record.created_at,
            None => if_absent,
        };
        let cut_off = self.cut_off.as_ref();
        cut_off.is_some_and(|cut_off| cut_off.ends(session, created_at, now))
    }
}

/// How long a session lives without being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleWindow {
    /// `SESSION_IDLE_SECONDS` in milliseconds.
    pub idle_ms: u64,
}

impl IdleWindow {
    /// The configured window.
    #[must_use]
    pub fn configured(config: &Config) -> Self {
        Self {
            idle_ms: config.idle_ms,
        }
    }

    /// How often a client that is seen but adopts nothing is recorded: a third of the idle window, so
    /// that a steady client costs almost no writes.
    #[must_use]
    pub fn renewal_ms(self) -> u64 {
        self.idle_ms / 3
    }

    /// How long an [`Activity`] counts: the client may have been seen up to one renewal later than it
    /// says.
    #[must_use]
    pub fn activity_ms(self) -> u64 {
        self.idle_ms + self.renewal_ms()
    }
}

/// The outcome of a refresh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The session lives.
    Live {
        /// The session as the login left it.
        record: SessionRecord,
        /// The position of the refresh token to answer with.
        answer: Position,
        /// What to record after the response, if anything.
        note: Option<Activity>,
    },
    /// The login has not reached this data centre yet: the client has to try again.
    NotHereYet,
    /// The session is over: it was idle for too long, or has reached its absolute end.
    Expired,
    /// The session's key is gone before its token has expired. Keys live as long as their tokens, so
    /// the store may have lost it: how old the store is decides what the client gets.
    Lost,
    /// The session was ended.
    Revoked,
    /// A token from before the chain advanced: someone has a copy. The session must be ended.
    Reused,
}

/// How a refresh is decided: [`judge`], or a rule that is compared with it.
pub type Rule = fn(&SessionId, Position, Snapshot, IdleWindow, UnixMillis) -> Verdict;

/// Decides a refresh: a client of `session` presents the token at this position, and this is what is
/// stored.
#[must_use]
pub fn judge(
    session: &SessionId,
    presented: Position,
    stored: Snapshot,
    window: IdleWindow,
    now: UnixMillis,
) -> Verdict {
    // An absent session is ended even if it started only now: the account was deleted, and its
    // sessions with it. A very recent cut-off says nothing: the login may have come after it, by a
    // clock ahead of ours.
    let as_if_started_now = now.plus_ms(CLOCKS_MS);
    if stored.is_ended(session, as_if_started_now, now) {
        return Verdict::Revoked;
    }
    // Or ended after its token was made: then it was erased. (`iat` is rounded down; a session that
    // started in the minute of the cut-off may be the one that started after it.)
    let as_if_started_with_token = presented.issued_at.millis().plus_ms(MINUTE_MS);
    let was_erased = stored.is_ended(session, as_if_started_with_token, now);
    let Some(StoredSession::Open(record)) = stored.session else {
        if may_be_under_way(presented, now) {
            return Verdict::NotHereYet;
        }
        return if was_erased {
            Verdict::Revoked
        } else {
            Verdict::Lost
        };
    };
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
        Placement::Adopted => (
            offered(presented, now),
            Some(activity.advanced(presented, now)),
        ),
        Placement::Current => (offered(presented, now), seen),
        Placement::LateDuplicate => (activity.current, seen),
        Placement::Reuse => return Verdict::Reused,
    };
    Verdict::Live {
        record,
        answer,
        note,
    }
}

/// Whether a missing `session` key may belong to a login that is still spreading. The signature
/// proves that the key existed when the token was made, whatever its generation.
fn may_be_under_way(presented: Position, now: UnixMillis) -> bool {
    now.since_ms(presented.issued_at.millis()) < ARRIVAL_MS
}

/// Whether the session was unused for too long. It was used when that was last recorded, and also
/// when the presented token was made: a record may be lost, or not have been due.
fn is_idle(presented: Position, activity: Activity, window: IdleWindow, now: UnixMillis) -> bool {
    let used_at = activity.seen_at.max(presented.issued_at.millis());
    now.since_ms(used_at) > window.activity_ms()
}

/// How a token relates to the current one.
enum Placement {
    /// A successor that the client has adopted: its signature proves it, however stale our copy.
    Adopted,
    /// The current token, or a branch of it that cannot be distinguished from it.
    Current,
    /// A copy of a request from just before the current token was adopted.
    LateDuplicate,
    /// None of these: a copy of an old token.
    Reuse,
}

fn placement(presented: Position, activity: Activity, now: UnixMillis) -> Placement {
    let current = activity.current;
    if presented.generation > current.generation {
        return Placement::Adopted;
    }
    let same_generation = presented.generation == current.generation;
    let same_branch = presented.issued_at.distance(current.issued_at) <= SAME_BRANCH_SECONDS;
    if same_generation && (same_branch || is_born_at(activity.adopted_at, presented)) {
        return Placement::Current;
    }
    // When the token after the presented one was first used. (0: a sibling, of the same generation.)
    let left_behind_at = match current.generation - presented.generation {
        0 | 1 => Some(activity.adopted_at),
        2 if may_be_two_before(presented, current) => activity.previous_adopted_at,
        _ => None,
    };
    match left_behind_at {
        Some(instant) if may_still_come(instant, now) => Placement::LateDuplicate,
        _ => Placement::Reuse,
    }
}

/// Whether a token may have been made at this time, give or take how late a copy may be. `iat` is the
/// start of the minute in which it was made. (Comparing minute starts is not enough: with skewed
/// clocks, a one-minute delay can cross two minute boundaries.)
fn is_born_at(instant: UnixMillis, token: Position) -> bool {
    let minute = token.issued_at.millis();
    minute <= instant.plus_ms(LATE_DUPLICATE_MS)
        && instant <= minute.plus_ms(MINUTE_MS + LATE_DUPLICATE_MS)
}

/// What a listing of keys says of a session, without reading any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// As the login left it.
    Open {
        /// When the user logged in.
        created_at: UnixMillis,
        /// What the client called itself.
        device: Option<String>,
        /// Whether it is known to belong to an account.
        has_account: bool,
    },
    /// A tombstone.
    Revoked,
}

/// Whether a session that was opened then may be over for want of use: only its activity shows. One
/// that was opened within the idle window lives.
#[must_use]
pub fn may_be_idle(created_at: UnixMillis, window: IdleWindow, now: UnixMillis) -> bool {
    let login = Activity::of_login(created_at);
    is_idle(login.current, login, window, now)
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

/// What a list shows of a session; nothing if it is over.
#[must_use]
pub fn listed(
    session: &SessionId,
    stored: Snapshot,
    window: IdleWindow,
    now: UnixMillis,
) -> Option<Listed> {
    if stored.is_ended(session, now, now) {
        return None;
    }
    let Some(StoredSession::Open(record)) = stored.session else {
        return None;
    };
    let activity = stored
        .activity
        .unwrap_or_else(|| Activity::of_login(record.created_at));
    let is_dead = now >= record.expires_at || is_idle(activity.current, activity, window, now);
    (!is_dead).then_some(Listed {
        device: record.device,
        created_at: record.created_at,
        seen_at: activity.seen_at,
    })
}

#[cfg(test)]
mod tests;
