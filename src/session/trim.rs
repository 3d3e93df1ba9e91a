//! Too many sessions of one account: [`surplus`] says which end.
//!
//! Session ids are random, so the sessions of a user fall evenly into 64 drawers: those whose ids
//! begin with the same character. A login looks after its own drawer, and ends what is too much
//! there. So nothing has to be counted over all.
//!
//! A drawer holds more than what is alive: what was ended stands there until its tokens die. So a
//! look goes on from page to page, but over no more than [`PAGES_A_LOOK`], and ends what is too
//! much of the pages so far before it turns to the next.
//!
//! It happens after the answer, and only for one login in [`LOGINS_A_LOOK`]: a listing costs as
//! much as the write of the login itself. A drawer may hold a few more for a while.

use crate::{
    log::Line,
    port::{Deadline, Fault},
    session::{
        port::HasSessions,
        rule::{IdleWindow, listed},
        store::{AFTER_ANSWER_MS, Sessions},
    },
    token::{
        id::{SessionId, SessionRef},
        time::UnixMillis,
    },
};

/// Most sessions of an account whose ids begin with the same of 64 characters: 1,024 in all. It is
/// far above what people have devices, because some apps log in at every start. With ten logins a
/// day, five in a month fall into the drawer of a device that is seen but noted only once in a third
/// of the idle window; that sixteen do, which would end its session, is a chance of 1 in 30,000.
pub const SESSIONS_A_DRAWER: usize = 16;

/// One login in so many looks whether there are too many sessions: each page of a listing costs as
/// much as the login's own write.
pub const LOGINS_A_LOOK: u8 = 8;

/// Most pages of a drawer that one login looks through: five hundred keys, of which most are of
/// sessions that were ended. A drawer that is fuller takes logins by the tens of thousands.
pub const PAGES_A_LOOK: usize = 10;

impl<P: HasSessions> Sessions<'_, P> {
    /// Ends, after the answer, what is too much in the drawer of this new session. A tombstone
    /// stands until `end`. What fails is done by a later login.
    pub fn trim_after_response(&self, of: &SessionRef, window: IdleWindow, end: UnixMillis) {
        if !is_one_that_looks(&of.session) {
            return;
        }
        let (platform, of) = (self.platform.clone(), of.clone());
        self.platform.after_response(async move {
            let deadline = Deadline::after_ms(AFTER_ANSWER_MS, &platform);
            if let Ok(sessions) = Sessions::new(&platform, deadline) {
                let _ = sessions.trim(&of, window, end).await;
            }
        });
    }

    async fn trim(
        &self,
        of: &SessionRef,
        window: IdleWindow,
        end: UnixMillis,
    ) -> Result<(), Fault> {
        let drawer = &of.session.as_str()[..1];
        let cut_off = self.cut_off(&of.user).await?;
        let now = self.platform.now();
        let mut alive = Vec::new();
        let mut next = None;
        for _ in 0..PAGES_A_LOOK {
            let (found, rest) = self.page(&of.user, drawer, next.as_deref()).await?;
            alive.extend(found.into_iter().filter_map(|(session, stored)| {
                let listed = listed(&session, stored, cut_off.as_ref(), window, now)?;
                Some((listed.seen_at, session))
            }));
            for session in surplus(&mut alive, SESSIONS_A_DRAWER) {
                let user = of.user.clone();
                let surplus = SessionRef { user, session };
                self.end(&surplus, end.seconds()).await?;
                let line = Line::of_revocation("too_many_sessions", "one");
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

/// By the second character: of the 64 of base64url, every eighth has a code that is a multiple of
/// eight.
fn is_one_that_looks(session: &SessionId) -> bool {
    session.as_str().as_bytes()[1].is_multiple_of(LOGINS_A_LOOK)
}

/// Takes away which of these sessions are to end, so that no more than so many stay: those that
/// were seen longest ago.
///
/// Not the oldest. An app that logs in at every start makes hundreds of sessions that are used
/// once; the oldest session among them may be a tablet that is used every day.
fn surplus<T>(alive: &mut Vec<(UnixMillis, T)>, most: usize) -> Vec<T> {
    let mut ending = Vec::new();
    while alive.len() > most {
        let longest_ago = (0..alive.len()).min_by_key(|index| alive[*index].0);
        ending.push(alive.swap_remove(longest_ago.unwrap_or_default()).1);
    }
    ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_in_eight_looks() {
        let sessions = (0..=255).map(|byte| SessionId::from_random([byte; 16]));
        let looking = sessions.filter(is_one_that_looks).count();
        assert_eq!(looking, 256 / usize::from(LOGINS_A_LOOK));
    }

    #[test]
    fn those_that_were_seen_longest_ago_go_and_only_as_many_as_have_to() {
        let alive = [(3, 'c'), (1, 'a'), (4, 'd'), (2, 'b')];
        let mut alive: Vec<_> = alive.map(|(at, name)| (UnixMillis(at), name)).into();
        assert!(surplus(&mut alive, 4).is_empty());
        assert_eq!(surplus(&mut alive, 2), ['a', 'b']);
        alive.sort();
        assert_eq!(alive, [(UnixMillis(3), 'c'), (UnixMillis(4), 'd')]);
        assert_eq!(surplus(&mut alive, 0), ['c', 'd']);
    }
}
