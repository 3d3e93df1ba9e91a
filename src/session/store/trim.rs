//! Ends the surplus when an account has too many sessions; `surplus` says which.
//!
//! Session ids are random, so the sessions of a user fall evenly into 64 shards: those whose ids
//! start with the same character. A login checks its own shard only, so nothing has to be counted
//! over all of them.
//!
//! A shard also holds sessions that have ended: their tombstones stay until their tokens expire. So a
//! check goes from page to page, over at most [`TRIM_PAGES`], and ends the surplus of the pages so
//! far before it turns to the next.
//!
//! It runs after the response, and only for one login in [`TRIM_ONE_LOGIN_IN`]: a listing costs as
//! much as the write of the login itself. A shard may hold a few more for a while.

use crate::{
    config::DEFAULT_SESSIONS_PER_USER,
    log::Line,
    port::{Deadline, Fault},
    session::{
        port::HasSessions,
        rule::{Metadata, listed},
        store::{AFTER_RESPONSE_TIMEOUT_MS, KvSessions, Limits},
    },
    token::{
        id::{SessionId, SessionRef},
        time::UnixMillis,
    },
};

/// Ids start with one of so many characters.
const SHARDS: usize = 64;

/// Maximum number of sessions of an account in one of 64 shards, by default: 1,024 in all. That is far
/// more than people have devices, because some apps log in at every start. With ten logins a day, five
/// in a month fall into the shard of a device whose activity is recorded only once in a third of the
/// idle window; the chance of sixteen, which would end its session, is 1 in 30,000.
pub const SESSIONS_PER_SHARD: usize = DEFAULT_SESSIONS_PER_USER.div_ceil(SHARDS);

/// From how many sessions of an account on they are counted by shards. Where fewer are allowed, each
/// login looks at all of them: a shard would have so few that chance decides which end.
pub const MANY_SESSIONS: usize = 512;

/// Only one login in this many checks for too many sessions: each page of a listing costs as much as
/// the login's own write.
pub const TRIM_ONE_LOGIN_IN: u8 = 8;

/// Maximum number of pages of a shard that one login checks: five hundred keys, most of them of
/// sessions that have ended. A shard with more takes tens of thousands of logins.
pub const TRIM_PAGES: usize = 10;

impl<P: HasSessions> KvSessions<'_, P> {
    /// Ends, after the response, the surplus in the shard of this new session. A tombstone stays until
    /// `end`. What fails is done by a later login.
    pub(super) fn trim_after_response(
        &self,
        session_ref: &SessionRef,
        limits: Limits,
        end: UnixMillis,
    ) {
        if limits.per_user >= MANY_SESSIONS && !checks_the_shard(&session_ref.session) {
            return;
        }
        let (platform, session_ref) = (self.platform.clone(), session_ref.clone());
        self.platform.after_response(async move {
            let deadline = Deadline::after_ms(AFTER_RESPONSE_TIMEOUT_MS, &platform);
            if let Ok(sessions) = KvSessions::new(&platform, deadline) {
                let _ = sessions.trim(&session_ref, limits, end).await;
            }
        });
    }

    async fn trim(
        &self,
        session_ref: &SessionRef,
        Limits { window, per_user }: Limits,
        end: UnixMillis,
    ) -> Result<(), Fault> {
        let (shard, max) = if per_user < MANY_SESSIONS {
            ("", per_user)
        } else {
            (
                &session_ref.session.as_str()[..1],
                per_user.div_ceil(SHARDS),
            )
        };
        // The new session stays, whether the listing shows it already or not.
        let others = max.saturating_sub(1);
        let cut_off = self.cut_off(session_ref.realm, &session_ref.user).await?;
        let now = self.platform.now();
        let mut alive = Vec::new();
        let mut next = None;
        for _ in 0..TRIM_PAGES {
            let from = next.as_deref();
            let (realm, user) = (session_ref.realm, &session_ref.user);
            let (found, rest) = self.listing(realm, user, shard, from).await?;
            // A tombstone need not be read to be known.
            let open = found.into_iter().filter(|(session, data)| {
                *data != Some(Metadata::Revoked) && *session != session_ref.session
            });
            let open: Vec<SessionId> = open.map(|(session, _)| session).collect();
            let stored = self
                .snapshots((realm, true), user, &open, cut_off.as_ref())
                .await?;
            alive.extend(
                open.into_iter()
                    .zip(stored)
                    .filter_map(|(session, stored)| {
                        let listed = listed(&session, stored, window, now)?;
                        Some((listed.seen_at, session))
                    }),
            );
            for session in surplus(&mut alive, others) {
                let surplus = SessionRef {
                    session,
                    ..session_ref.clone()
                };
                self.end(&surplus, end.seconds()).await?;
                let line = Line::revocation("too_many_sessions", "one");
                self.platform.log(&line.about(&surplus.session).json());
            }
            next = rest;
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// Decided by the second character: every eighth of the 64 of base64url has a code that is a multiple
/// of eight.
fn checks_the_shard(session: &SessionId) -> bool {
    session.as_str().as_bytes()[1].is_multiple_of(TRIM_ONE_LOGIN_IN)
}

/// Removes and returns the sessions to end, so that at most this many stay: those that were seen
/// longest ago.
///
/// Not the oldest: an app that logs in at every start makes hundreds of sessions that are used once,
/// and the oldest session among them may be a tablet that is used every day.
fn surplus<T>(alive: &mut Vec<(UnixMillis, T)>, max: usize) -> Vec<T> {
    let mut ending = Vec::new();
    while alive.len() > max {
        let longest_ago = (0..alive.len()).min_by_key(|index| alive[*index].0);
        ending.push(alive.swap_remove(longest_ago.unwrap_or_default()).1);
    }
    ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_in_eight_checks_its_shard() {
        let sessions = (0..=255).map(|byte| SessionId::from_random([byte; 16]));
        let checking = sessions.filter(checks_the_shard).count();
        assert_eq!(checking, 256 / usize::from(TRIM_ONE_LOGIN_IN));
    }

    #[test]
    fn those_seen_longest_ago_end_and_only_as_many_as_necessary() {
        let alive = [(3, 'c'), (1, 'a'), (4, 'd'), (2, 'b')];
        let mut alive: Vec<_> = alive.map(|(at, name)| (UnixMillis(at), name)).into();
        assert!(surplus(&mut alive, 4).is_empty());
        assert_eq!(surplus(&mut alive, 2), ['a', 'b']);
        alive.sort();
        assert_eq!(alive, [(UnixMillis(3), 'c'), (UnixMillis(4), 'd')]);
        assert_eq!(surplus(&mut alive, 0), ['c', 'd']);
    }
}
