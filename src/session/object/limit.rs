//! At most so many sessions of an account: a login ends those that were seen longest ago.

use crate::{
    log::Line,
    port::Fault,
    session::{
        object::{
            UserSessions,
            port::Rows,
            row::{Found, OPEN},
            session_of,
        },
        port::HasSessions,
        record,
        rule::{IdleWindow, StoredSession, listed},
    },
    token::{id::SessionId, time::UnixMillis},
};

/// How many rows are read at once.
const ROWS_PER_PAGE: usize = 500;

/// A session that may have to end.
struct Candidate {
    seen_at: UnixMillis,
    session: SessionId,
    expires_at: UnixMillis,
}

impl<P: HasSessions, S: Rows> UserSessions<P, S> {
    /// Ends the surplus of live sessions, but not the one that has just been opened.
    pub(super) async fn end_surplus(
        &self,
        new: &SessionId,
        per_user: usize,
        window: IdleWindow,
    ) -> Result<(), Fault> {
        let mut alive = self.candidates(new, window).await?;
        let others = per_user.saturating_sub(1);
        let surplus = alive.len().saturating_sub(others);
        alive.sort_by_key(|candidate| candidate.seen_at);
        for candidate in &alive[..surplus] {
            let session = &candidate.session;
            self.end(session, candidate.expires_at).await?;
            let line = Line::revocation("too_many_sessions", "one");
            self.platform.log(&line.about(session).json());
        }
        Ok(())
    }

    async fn candidates(
        &self,
        new: &SessionId,
        window: IdleWindow,
    ) -> Result<Vec<Candidate>, Fault> {
        let (cut_off, now) = (self.cut_off().await?, self.platform.now());
        let (mut alive, mut after) = (Vec::new(), None);
        loop {
            let rows = self
                .storage
                .page(OPEN, after.as_deref(), ROWS_PER_PAGE)
                .await?;
            let is_last = rows.len() < ROWS_PER_PAGE;
            after = rows.last().map(|(key, _)| key.clone());
            for (key, value) in rows {
                let session = session_of(&key)?;
                let Some(row) = record::read_row(Some(value))? else {
                    continue;
                };
                let of_account = matches!(&row.session, StoredSession::Open(it) if it.has_account);
                let expires_at = row.expires_at;
                let found = Found {
                    row: Some(row),
                    cut_off: cut_off.clone(),
                };
                if let Some(live) = listed(&session, found.snapshot(), window, now)
                    && of_account
                    && session != *new
                {
                    alive.push(Candidate {
                        seen_at: live.seen_at,
                        session,
                        expires_at,
                    });
                }
            }
            if is_last {
                return Ok(alive);
            }
        }
    }
}
