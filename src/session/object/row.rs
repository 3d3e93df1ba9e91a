//! What an object stores: a row for each session, and one for the user.
//!
//! | Key | Value | Until |
//! |---|---|---|
//! | `session:{sid}` | `session` and `activity` as in KV, `adopted_at` | the session's absolute end |
//! | `ended:{sid}` | `session`: a tombstone | the same |
//! | `user` | `cut_off`, `until` | the longest lifetime of a session |
//!
//! A session has one key of the first two. If a crash leaves both, it is over. They are apart so that
//! the list of open sessions is as short as it looks.

use crate::{
    session::rule::{Activity, CutOff, SessionRecord, Snapshot, StoredSession},
    token::{id::SessionId, time::UnixMillis},
};

/// What the keys of open sessions start with.
pub(super) const OPEN: &str = "session:";

/// What the keys of tombstones start with.
pub(super) const ENDED: &str = "ended:";

/// The key of the user's row.
pub(super) const USER: &str = "user";

pub(super) fn open_key(session: &SessionId) -> String {
    OPEN.to_owned() + session.as_str()
}

pub(super) fn ended_key(session: &SessionId) -> String {
    ENDED.to_owned() + session.as_str()
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As in KV.
    pub session: StoredSession,
    /// When its last token expires.
    pub expires_at: UnixMillis,
    /// How far the client has advanced.
    pub activity: Option<Activity>,
    /// When it was taken over from KV, if that was so recent that KV may not have shown all of it.
    pub adopted_at: Option<UnixMillis>,
}

impl Row {
    pub(in crate::session) fn opened(record: SessionRecord) -> Self {
        Self {
            expires_at: record.expires_at,
            session: StoredSession::Open(record),
            activity: None,
            adopted_at: None,
        }
    }

    pub(in crate::session) fn ended(at: UnixMillis, expires_at: UnixMillis) -> Self {
        Self {
            session: StoredSession::Revoked(at),
            expires_at,
            activity: None,
            adopted_at: None,
        }
    }
}

/// What is stored of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// What ended sessions.
    pub cut_off: CutOff,
    /// For how long that has to be known.
    pub until: UnixMillis,
}

/// What an object knows of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) row: Option<Row>,
    pub(super) cut_off: Option<CutOff>,
}

impl Found {
    pub(super) fn snapshot(&self) -> Snapshot {
        let row = self.row.as_ref();
        Snapshot {
            session: row.map(|row| row.session.clone()),
            activity: row.and_then(|row| row.activity),
            cut_off: self.cut_off.clone(),
        }
    }
}
