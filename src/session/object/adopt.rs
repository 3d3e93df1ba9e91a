//! Sessions from KV: those that were opened before the sessions of a user moved into an object.
//!
//! An object that has never heard of a session asks KV, and takes it over with its activity and with
//! what ended others. From then on it knows the session better than KV does: a tombstone of the object
//! stays until the last token of the session has expired, so KV is never asked again what it thinks of
//! a session that was ended here.
//!
//! KV may be a minute or more behind, and a version of the worker that still writes to it may run for
//! a while elsewhere. So a session that has just been adopted is looked up in KV at each request, and
//! once more after [`KV_SETTLES_MS`]: a tombstone, a cut-off or a later generation that shows up then
//! counts. Nothing that KV says brings a session back.

use crate::{
    port::{Deadline, Fault},
    session::{
        object::{
            UserSessions,
            port::Rows,
            row::{Found, Row},
        },
        port::HasSessions,
        rule::{Activity, CutOff, Snapshot, StoredSession},
        store::{KvSessions, READ_TIMEOUT_MS, later},
    },
    token::{
        id::{Realm, SessionId, SessionRef},
        refresh::Position,
        time::UnixMillis,
    },
};

/// For how long KV is asked about a session that was adopted: far longer than it takes a change in KV,
/// or a new version of the worker, to be everywhere.
pub const KV_SETTLES_MS: u64 = 10 * 60_000;

impl<P: HasSessions, S: Rows> UserSessions<P, S> {
    /// What is known of a session, here or in KV.
    pub(super) async fn load(&self, session_ref: &SessionRef) -> Result<Found, Fault> {
        let found = self.stored(&session_ref.session).await?;
        let is_settled = found.row.as_ref().map(|row| row.adopted_at.is_none());
        if is_settled == Some(true) {
            return Ok(found);
        }
        let in_kv = self.kv()?.load(session_ref).await?;
        self.adopt(session_ref, found, in_kv).await
    }

    /// Whether the operator has said that sessions from before this token are lost for good.
    pub(super) async fn is_given_up(&self, position: Position) -> Result<bool, Fault> {
        let given_up_at = self.kv()?.given_up_at().await?;
        Ok(given_up_at.is_some_and(|at| position.issued_at.millis() <= at))
    }

    fn kv(&self) -> Result<KvSessions<'_, P>, Fault> {
        let deadline = Deadline::after_ms(READ_TIMEOUT_MS, &self.platform);
        KvSessions::new(&self.platform, deadline)
    }

    /// Both together, and what follows from that is stored.
    async fn adopt(
        &self,
        session_ref: &SessionRef,
        here: Found,
        in_kv: Snapshot,
    ) -> Result<Found, Fault> {
        let (session, now) = (&session_ref.session, self.platform.now());
        let is_earlier = is_of_earlier_version(session_ref, &in_kv);
        let cut_off = later(in_kv.cut_off, here.cut_off.clone());
        let row = match (here.row.clone(), in_kv.session) {
            (None, None) => return Ok(Found { row: None, cut_off }),
            // KV keeps its own tombstone for as long as it matters.
            (None, Some(StoredSession::Revoked(at))) => {
                let row = Some(Row::ended(at, now));
                return Ok(Found { row, cut_off });
            }
            (None, Some(StoredSession::Open(record))) => Row {
                activity: in_kv.activity,
                adopted_at: Some(now),
                ..Row::opened(record)
            },
            (Some(row), Some(StoredSession::Revoked(at))) => Row::ended(at, row.expires_at),
            (Some(row), open) => settled(row, open.is_some(), in_kv.activity, now),
        };
        // The cut-off of a session of an earlier version may be that of another kind of user.
        if let Some(cut_off) = cut_off.clone().filter(|_| !is_earlier) {
            self.end_all(cut_off).await?;
        }
        if is_over(session, &row, cut_off.as_ref(), now) {
            self.end(session, row.expires_at).await?;
        } else if here.row.as_ref() != Some(&row) && now < row.expires_at {
            self.put_open(session, &row).await?;
        }
        let row = Some(row);
        Ok(Found { row, cut_off })
    }
}

fn is_over(session: &SessionId, row: &Row, cut_off: Option<&CutOff>, now: UnixMillis) -> bool {
    match &row.session {
        StoredSession::Revoked(_) => true,
        StoredSession::Open(record) => {
            cut_off.is_some_and(|cut_off| cut_off.ends(session, record.created_at, now))
        }
    }
}

/// A session that was adopted, with what KV has shown since. A KV that has lost the session says
/// nothing of how it ended.
fn settled(row: Row, is_in_kv: bool, in_kv: Option<Activity>, now: UnixMillis) -> Row {
    let both = [in_kv, row.activity].into_iter().flatten();
    let is_settled =
        |adopted_at: &UnixMillis| is_in_kv && now.since_ms(*adopted_at) >= KV_SETTLES_MS;
    Row {
        activity: both.max_by_key(|activity| activity.current.generation),
        adopted_at: row.adopted_at.filter(|at| !is_settled(at)),
        ..row
    }
}

/// Whether it is a session of the owner's own back end among those of accounts.
fn is_of_earlier_version(session_ref: &SessionRef, in_kv: &Snapshot) -> bool {
    let is_service = matches!(&in_kv.session, Some(StoredSession::Open(it)) if !it.has_account);
    is_service && session_ref.realm == Realm::Account
}
