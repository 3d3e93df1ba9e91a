//! The sessions of all users, as a store of operations: open, refresh, look up, end, list, erase. One
//! request of a client is one of them, or two.
//!
//! There are two stores, and the operator chooses one ([`SessionStore`]). [`kv`] keeps sessions under
//! keys of Workers KV; [`objects`] asks the object of the user ([`crate::session::object`]). The
//! handlers, the rule and the tokens are the same.

pub(super) mod keys;
pub mod kv;
mod list;
pub mod objects;
mod trim;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, SessionStore},
    http::request::Request,
    port::{Deadline, Fault},
    session::{
        port::HasSessions,
        rule::{CutOff, IdleWindow, SessionRecord, Snapshot, Verdict},
    },
    token::{
        id::{Realm, SessionRef, UserId},
        refresh::RefreshToken,
        time::{UnixMillis, UnixSeconds},
    },
};

pub use kv::KvSessions;
pub use list::{ListItem, ListQuery, Listing};
pub use objects::ObjectSessions;
pub use trim::{MANY_SESSIONS, SESSIONS_PER_SHARD, TRIM_ONE_LOGIN_IN, TRIM_PAGES};

/// How long a read of the store may take.
pub const READ_TIMEOUT_MS: u64 = 2_500;

/// How long a write that the response waits for may take, second try included; and each try of one
/// that no response waits for.
pub const WRITE_TIMEOUT_MS: u64 = 5_000;

/// The pause before a refused write is tried once more: KV takes one write a second for a key.
pub const RETRY_PAUSE_MS: u64 = 1_100;

/// How long the object of a user may take: one request of the worker is one of the object, or two. An
/// object may have to start, and to ask KV.
pub const OBJECT_TIMEOUT_MS: u64 = 4_000;

/// How many sessions are erased in one go: a request on the free plan may make 50 calls.
pub const ERASED_PER_PAGE: u32 = 25;

/// How long each of those may take.
pub const ERASE_TIMEOUT_MS: u64 = 3_000;

/// Maximum number of sessions on a page of a list: each takes two of the 100 keys that one read may
/// have.
pub const SESSIONS_PER_PAGE: u32 = 50;

/// How long work after the response may take. Nobody waits for it, but the runtime silently ends it
/// after 30 s.
pub const AFTER_RESPONSE_TIMEOUT_MS: u64 = 20_000;

/// The sessions of all users.
pub enum Sessions<'a, P: HasSessions> {
    /// Under keys of Workers KV.
    Kv(KvSessions<'a, P>),
    /// In an object for each user.
    Objects(ObjectSessions<'a, P>),
}

/// The sessions, for a request.
///
/// # Errors
/// The store is not bound.
pub fn for_request<'a, P: HasSessions>(request: &Request<'a, P>) -> Result<Sessions<'a, P>, Fault> {
    let store = request.config.session_store;
    Sessions::new(request.platform, request.deadline, store)
}

/// The same operation of whichever store it is.
macro_rules! either {
    ($self:ident.$operation:ident($($argument:expr),*)) => {
        match $self {
            Self::Kv(sessions) => sessions.$operation($($argument),*).await,
            Self::Objects(sessions) => sessions.$operation($($argument),*).await,
        }
    };
}

/// Each fails if the store failed, did not answer in time, or holds something unreadable.
impl<'a, P: HasSessions> Sessions<'a, P> {
    /// The sessions, until a deadline.
    ///
    /// # Errors
    /// The store is not bound.
    pub fn new(platform: &'a P, deadline: Deadline, store: SessionStore) -> Result<Self, Fault> {
        Ok(match store {
            SessionStore::Kv => Self::Kv(KvSessions::new(platform, deadline)?),
            SessionStore::DurableObjects => Self::Objects(ObjectSessions::new(platform, deadline)?),
        })
    }

    /// Opens a session. An account that has too many then loses those that were seen longest ago.
    pub async fn create(
        &self,
        session: &SessionRef,
        record: &SessionRecord,
        limits: Limits,
    ) -> Result<(), Fault> {
        either!(self.create(session, record, limits))
    }

    /// Opens a session that another copy of the request may have opened before, and that may have been
    /// ended since: false then.
    pub async fn create_again(
        &self,
        session: &SessionRef,
        record: &SessionRecord,
    ) -> Result<bool, Fault> {
        either!(self.create_again(session, record))
    }

    /// Decides a refresh, and does what follows: an adopted token is noted, a session whose token was
    /// reused is ended.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        window: IdleWindow,
        now: UnixMillis,
    ) -> Result<Verdict, Fault> {
        either!(self.refresh(token, window, now))
    }

    /// What an access token is checked against: the session and the user's cut-off.
    pub async fn look_up(&self, session: &SessionRef) -> Result<Snapshot, Fault> {
        either!(self.look_up(session))
    }

    /// Ends a session that the store knows, if it is of such a user. One that was ended before stays
    /// so, without a write.
    pub async fn end_if_known(
        &self,
        session: &SessionRef,
        of_account: Option<bool>,
    ) -> Result<Ending, Fault> {
        either!(self.end_if_known(session, of_account))
    }

    /// Ends a session whether it is known or not: it may be on its way. Its last token expires then.
    pub async fn end(&self, session: &SessionRef, end: UnixSeconds) -> Result<(), Fault> {
        either!(self.end(session, end))
    }

    /// Ends every session of a user that started at this time or earlier, except one. Where a later
    /// cut-off has ended them before, that stays, without a write.
    pub async fn end_all(
        &self,
        realm: Realm,
        user: &UserId,
        cut_off: &CutOff,
    ) -> Result<Ending, Fault> {
        either!(self.end_all(realm, user, cut_off))
    }

    /// Erases what is stored of the sessions of an account, and ends them.
    pub async fn erase_all(&self, user: &UserId, cut_off: &CutOff) -> Result<(), Fault> {
        either!(self.erase_all(user, cut_off))
    }

    /// One page of a user's live sessions.
    pub async fn list(&self, query: &ListQuery<'_>) -> Result<Listing, Fault> {
        either!(self.list(query))
    }

    /// Whether the store answers.
    pub async fn check(&self) -> Result<(), Fault> {
        either!(self.check())
    }
}

/// What the operator has configured of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a session lives without being used.
    pub window: IdleWindow,
    /// How many an account may have.
    pub per_user: usize,
}

impl Limits {
    /// The configured limits.
    #[must_use]
    pub fn configured(config: &Config) -> Self {
        Self {
            window: IdleWindow::configured(config),
            per_user: config.sessions_per_user,
        }
    }
}

/// What came of the end of a session that may be known, or of all sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It is over now.
    Ended,
    /// It was ended before.
    WasEnded,
    /// The store has no such session, or one of another kind of user.
    Unknown,
}

/// Of two cut-offs that both hold, the one that ends more.
#[must_use]
pub fn later(one: Option<CutOff>, other: Option<CutOff>) -> Option<CutOff> {
    [one, other]
        .into_iter()
        .flatten()
        .max_by_key(|it| it.before)
}
