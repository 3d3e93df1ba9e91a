//! What the worker asks the object of a user, and what that replies. They run the same code, except
//! while a new version spreads: what one of them cannot read then is a fault, and passes.

use serde::{Deserialize, Serialize};

use crate::{
    session::rule::{IdleWindow, SessionRecord},
    session::{rule::CutOff, store::ListItem},
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        refresh::Position,
        time::{UnixMillis, UnixSeconds},
    },
};

/// The name of the object of a user: accounts and users of the owner's back end are different people.
#[must_use]
pub fn object_name(realm: Realm, user: &UserId) -> String {
    let kind = match realm {
        Realm::Account => "account",
        Realm::Service => "service",
    };
    format!("{kind}:{}", user.as_str())
}

/// A request. Its reply is JSON of the type that is named with it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Opens a session: `()`.
    Create {
        /// Which one.
        session: SessionRef,
        /// Its data.
        record: SessionRecord,
        /// How many sessions may live after it, if that is limited.
        per_user: Option<usize>,
        /// How long a session lives without being used.
        window: IdleWindow,
    },
    /// Opens a session that may have been opened, and ended, before: whether it is open, a `bool`.
    CreateAgain {
        /// Which one.
        session: SessionRef,
        /// Its data.
        record: SessionRecord,
    },
    /// Decides a refresh: [`Verdict`](crate::session::rule::Verdict).
    Refresh {
        /// Of which session.
        session: SessionRef,
        /// The token that is shown.
        position: Position,
        /// When the worker asked.
        asked_at: UnixMillis,
        /// How long a session lives without being used.
        window: IdleWindow,
    },
    /// What an access token is checked against: [`Snapshot`](crate::session::rule::Snapshot).
    LookUp {
        /// Its session.
        session: SessionRef,
    },
    /// Ends a session that is known: [`Ending`](crate::session::store::Ending).
    EndIfKnown {
        /// Which one.
        session: SessionRef,
        /// Whether it has to be one of an account, or must not be.
        of_account: Option<bool>,
    },
    /// Ends a session, known or not: `()`.
    End {
        /// Which one.
        session: SessionRef,
        /// When its last token expires.
        end: UnixSeconds,
    },
    /// Ends all sessions that began until then: [`Ending`](crate::session::store::Ending).
    EndAll {
        /// Until when, and which one stays.
        cut_off: CutOff,
    },
    /// The same, and erases what is stored of them: `()`.
    EraseAll {
        /// Until when.
        cut_off: CutOff,
    },
    /// What ended sessions: an optional [`CutOff`].
    CutOff,
    /// A page of live sessions: [`Page`].
    List {
        /// The session after which it starts.
        after: Option<SessionId>,
        /// Whether they are those of an account.
        of_account: bool,
        /// How long a session lives without being used.
        window: IdleWindow,
    },
    /// Which of these sessions the object has never heard of: a list of ids.
    Unknown {
        /// At most [`SESSIONS_PER_PAGE`](crate::session::store::SESSIONS_PER_PAGE).
        sessions: Vec<SessionId>,
    },
    /// Whether the storage answers: `()`.
    Check,
}

/// A page of a list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// Live sessions.
    pub items: Vec<ListItem>,
    /// The session after which the next page starts, if there is one.
    pub next: Option<SessionId>,
}
