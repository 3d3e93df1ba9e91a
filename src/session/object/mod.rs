//! The sessions of one user, in one object with a storage of its own.
//!
//! There is one object for each user, and it handles one request at a time. So everything is exact
//! that is a matter of a minute in KV: a revocation holds for the very next request, a reused token
//! meets the latest state of its chain, and a limit on sessions is one. The rule is the same
//! ([`judge`](crate::session::rule::judge)), and so is what is stored of a session.
//!
//! * **Nothing acknowledged is lost.** What a request changed is stored before its reply.
//! * **Writes are rare.** A refresh that changes nothing writes nothing; any other writes one row.
//! * **Switching on logs nobody out.** A session that the object has never heard of may be in KV:
//!   [`adopt`].
//! * **Unknown is not over.** A session is known until its last token has expired, alive or ended. One
//!   that neither this storage nor KV knows was lost, and that is a fault: the namespace of a worker
//!   with another name is empty, for example.
//! * **Nothing stays forever.** An alarm removes what no valid token can name any more: [`clean`].

mod adopt;
mod clean;
mod limit;
pub mod message;
pub mod port;
pub mod row;

use futures_util::lock::Mutex;
use serde::Serialize;

use self::{
    message::{Ask, Page},
    port::Rows,
    row::{ENDED, Found, OPEN, Row, USER, UserRow, ended_key, open_key},
};
use crate::{
    port::Fault,
    session::{
        port::HasSessions,
        record,
        rule::{CLOCKS_MS, CutOff, IdleWindow, SessionRecord, StoredSession, Verdict, listed},
        store::{Ending, ListItem, OBJECT_TIMEOUT_MS, SESSIONS_PER_PAGE, later},
    },
    token::{
        id::{SessionId, SessionRef},
        refresh::Position,
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

/// The sessions of one user.
pub struct UserSessions<P, S> {
    platform: P,
    storage: S,
    /// Held while a request is handled.
    turn: Mutex<()>,
}

impl<P: HasSessions, S: Rows> UserSessions<P, S> {
    /// An object that has just been started, on this storage.
    pub fn new(platform: P, storage: S) -> Self {
        Self {
            platform,
            storage,
            turn: Mutex::new(()),
        }
    }

    /// Handles a request; it and its reply are JSON.
    ///
    /// # Errors
    /// The request cannot be read, the storage failed or holds something unreadable, or KV did, which
    /// may have the session.
    pub async fn ask(&self, request: &str) -> Result<String, Fault> {
        let ask = serde_json::from_str(request).map_err(|_| Fault::Unreadable)?;
        let _turn = self.turn.lock().await;
        match ask {
            Ask::Create {
                session,
                record,
                per_user,
                window,
            } => {
                self.create(&session.session, record).await?;
                if let Some(per_user) = per_user {
                    self.end_surplus(&session.session, per_user, window).await?;
                }
                Ok(json(&()))
            }
            Ask::CreateAgain { session, record } => {
                Ok(json(&self.create_again(&session, record).await?))
            }
            Ask::Refresh {
                session,
                position,
                asked_at,
                window,
            } => Ok(json(
                &self.refresh(&session, position, asked_at, window).await?,
            )),
            Ask::LookUp { session } => {
                let mut found = self.load(&session).await?.snapshot();
                found.activity = None;
                Ok(json(&found))
            }
            Ask::EndIfKnown {
                session,
                of_account,
            } => Ok(json(&self.end_if_known(&session, of_account).await?)),
            Ask::End { session, end } => Ok(json(&self.end(&session.session, end.millis()).await?)),
            Ask::EndAll { cut_off } => Ok(json(&self.end_all(cut_off).await?)),
            Ask::EraseAll { cut_off } => {
                self.erase().await?;
                self.end_all(cut_off).await?;
                Ok(json(&()))
            }
            Ask::CutOff => Ok(json(&self.cut_off().await?)),
            Ask::List {
                after,
                of_account,
                window,
            } => Ok(json(&self.list(after, of_account, window).await?)),
            Ask::Unknown { sessions } => Ok(json(&self.unknown(sessions).await?)),
            Ask::Check => Ok(json(&self.storage.get_all(&[USER]).await.map(|_| ())?)),
        }
    }

    async fn create(&self, session: &SessionId, record: SessionRecord) -> Result<(), Fault> {
        self.put_open(session, &Row::opened(record)).await
    }

    async fn create_again(
        &self,
        session_ref: &SessionRef,
        record: SessionRecord,
    ) -> Result<bool, Fault> {
        match self.load(session_ref).await?.row {
            None => {
                self.create(&session_ref.session, record).await?;
                Ok(true)
            }
            Some(row) => Ok(matches!(row.session, StoredSession::Open(_))),
        }
    }

    /// A request may be under way for long, or wait for its turn. It is judged by the time at which it
    /// was sent: a copy that was in time then is no theft. Nobody waits for the reply any more when it
    /// is later than [`OBJECT_TIMEOUT_MS`].
    async fn refresh(
        &self,
        session_ref: &SessionRef,
        position: Position,
        asked_at: UnixMillis,
        window: IdleWindow,
    ) -> Result<Verdict, Fault> {
        if self.platform.now().since_ms(asked_at) > OBJECT_TIMEOUT_MS + CLOCKS_MS {
            return Err(Fault::TimedOut);
        }
        let found = self.load(session_ref).await?;
        let session = &session_ref.session;
        let now = self.platform.now().min(asked_at);
        let verdict = (self.platform.rule())(session, position, found.snapshot(), window, now);
        match (&verdict, found.row) {
            (
                Verdict::Live {
                    note: Some(note), ..
                },
                Some(row),
            ) => {
                let activity = Some(*note);
                self.put_known(session, &Row { activity, ..row }).await?;
            }
            (Verdict::Reused, Some(row)) => self.end(session, row.expires_at).await?,
            (Verdict::Lost, _) if self.is_given_up(position).await? => return Ok(Verdict::Expired),
            _ => {}
        }
        Ok(verdict)
    }

    async fn end_if_known(
        &self,
        session_ref: &SessionRef,
        of_account: Option<bool>,
    ) -> Result<Ending, Fault> {
        let Some(row) = self.load(session_ref).await?.row else {
            return Ok(Ending::Unknown);
        };
        match row.session {
            StoredSession::Revoked(_) => Ok(Ending::WasEnded),
            StoredSession::Open(record) if of_account.is_none_or(|it| it == record.has_account) => {
                self.end(&session_ref.session, row.expires_at).await?;
                Ok(Ending::Ended)
            }
            StoredSession::Open(_) => Ok(Ending::Unknown),
        }
    }

    /// The tombstone comes first: where both keys stand, the session is over.
    async fn end(&self, session: &SessionId, expires_at: UnixMillis) -> Result<(), Fault> {
        let row = Row::ended(self.platform.now(), expires_at);
        self.ring_by(expires_at).await?;
        let json = record::row(&row);
        self.storage.put(&ended_key(session), &json).await?;
        self.storage.delete(&[open_key(session)]).await
    }

    /// Cut-offs only ever move forward: the one that ends more stays.
    async fn end_all(&self, cut_off: CutOff) -> Result<Ending, Fault> {
        let known = self.cut_off().await?;
        let merged = later(known.clone(), Some(cut_off)).expect("there is one at least");
        if known.as_ref() == Some(&merged) {
            return Ok(Ending::WasEnded);
        }
        let until = merged.before.plus_ms(LONGEST_SESSION_SECONDS * 1000);
        self.ring_by(until).await?;
        let row = UserRow {
            cut_off: merged,
            until,
        };
        self.storage.put(USER, &record::user_row(&row)).await?;
        Ok(Ending::Ended)
    }

    async fn cut_off(&self) -> Result<Option<CutOff>, Fault> {
        let [user] = self.read([USER]).await?;
        Ok(record::read_user_row(user)?.map(|row| row.cut_off))
    }

    async fn list(
        &self,
        after: Option<SessionId>,
        of_account: bool,
        window: IdleWindow,
    ) -> Result<Page, Fault> {
        let (cut_off, now) = (self.cut_off().await?, self.platform.now());
        let after = after.map(|session| open_key(&session));
        let limit = SESSIONS_PER_PAGE as usize;
        let rows = self.storage.page(OPEN, after.as_deref(), limit).await?;
        let next = rows.last().filter(|_| rows.len() == limit);
        let next = next.map(|(key, _)| session_of(key)).transpose()?;
        let mut items = Vec::new();
        for (key, value) in rows {
            let id = session_of(&key)?;
            let row = record::read_row(Some(value))?;
            let is_asked_for = matches!(&row, Some(Row { session: StoredSession::Open(it), .. }) if it.has_account == of_account);
            let cut_off = cut_off.clone();
            let stored = Found { row, cut_off }.snapshot();
            if is_asked_for && let Some(session) = listed(&id, stored, window, now) {
                items.push(ListItem {
                    id,
                    device: session.device,
                    created_at: session.created_at,
                    seen_at: Some(session.seen_at),
                });
            }
        }
        Ok(Page { items, next })
    }

    async fn unknown(&self, sessions: Vec<SessionId>) -> Result<Vec<SessionId>, Fault> {
        let of = |session| [open_key(session), ended_key(session)];
        let keys: Vec<String> = sessions.iter().flat_map(of).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = self.storage.get_all(&keys).await?;
        let known = found.chunks(2).map(|pair| pair.iter().any(Option::is_some));
        let unknown = sessions.into_iter().zip(known);
        let unknown = unknown.filter(|(_, is_known)| !is_known);
        Ok(unknown.map(|(session, _)| session).collect())
    }

    /// What this storage has of a session.
    async fn stored(&self, session: &SessionId) -> Result<Found, Fault> {
        let (open, ended) = (open_key(session), ended_key(session));
        let [user, ended, open] = self.read([USER, &ended, &open]).await?;
        let row = record::read_row(ended.or(open))?;
        let cut_off = record::read_user_row(user)?.map(|row| row.cut_off);
        Ok(Found { row, cut_off })
    }

    /// The alarm comes first: nothing is ever stored without one.
    async fn put_open(&self, session: &SessionId, row: &Row) -> Result<(), Fault> {
        self.ring_by(row.expires_at).await?;
        self.put_known(session, row).await
    }

    /// A session that has its alarm.
    async fn put_known(&self, session: &SessionId, row: &Row) -> Result<(), Fault> {
        let json = record::row(row);
        self.storage.put(&open_key(session), &json).await
    }

    async fn read<const N: usize>(&self, keys: [&str; N]) -> Result<[Option<String>; N], Fault> {
        let found = self.storage.get_all(&keys).await?;
        found.try_into().map_err(|_| Fault::Unreadable)
    }
}

/// The session of a key.
fn session_of(key: &str) -> Result<SessionId, Fault> {
    let id = key.strip_prefix(OPEN).or(key.strip_prefix(ENDED));
    SessionId::parse(id.unwrap_or_default()).map_err(|_| Fault::Unreadable)
}

fn json(reply: &impl Serialize) -> String {
    serde_json::to_string(reply).expect("a reply is text and numbers")
}
