//! Too many sessions of one account: [`surplus`] says which end.
//!
//! Session ids are random, so the sessions of a user fall evenly into 64 drawers: those whose ids
//! begin with the same character. A login looks after its own drawer, and ends what is too much
//! there. So nothing has to be counted over all, and what is listed and read is a handful of keys
//! however many sessions there are.
//!
//! It happens after the answer, and only for one login in [`LOGINS_A_LOOK`]: a listing costs as
//! much as the write of the login itself. A drawer may hold a few more for a while.

use super::Sessions;
use crate::{
    domain::{
        id::{SessionId, SessionRef},
        session::{IdleWindow, listed},
        surplus::surplus,
        time::UnixMillis,
    },
    limits::{LOGINS_A_LOOK, SESSIONS_A_DRAWER, TRIM_MS},
    port::{Patience, Platform},
};

impl<P: Platform> Sessions<'_, P> {
    /// Ends, after the answer, what is too much in the drawer of this new session. A tombstone
    /// stands until `end`. What fails is done by a later login.
    pub fn trim_after_response(&self, of: &SessionRef, window: IdleWindow, end: UnixMillis) {
        if !is_one_that_looks(&of.session) {
            return;
        }
        let (platform, of) = (self.platform.clone(), of.clone());
        self.platform.after_response(async move {
            // Nobody waits, but the runtime ends it after 30 s.
            let patience = Patience::of_ms(TRIM_MS, &platform);
            let Ok(sessions) = Sessions::new(&platform, patience) else {
                return;
            };
            let drawer = &of.session.as_str()[..1];
            let Ok((found, _)) = sessions.page(&of.user, drawer, None).await else {
                return;
            };
            let now = platform.now();
            let alive = found.into_iter().filter_map(|(session, stored)| {
                let listed = listed(&session, stored, None, window, now)?;
                Some((listed.seen_at, session))
            });
            for session in surplus(alive.collect(), SESSIONS_A_DRAWER) {
                let user = of.user.clone();
                let surplus = SessionRef { user, session };
                if sessions.end(&surplus, end.seconds()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// By the second character: of the 64 of base64url, every eighth has a code that is a multiple of
/// eight.
fn is_one_that_looks(session: &SessionId) -> bool {
    session.as_str().as_bytes()[1].is_multiple_of(LOGINS_A_LOOK)
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
}
