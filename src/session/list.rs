//! `GET /auth/sessions`: where the user is logged in.

use serde::Serialize;

use crate::{
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::{
        bearer,
        port::HasSessions,
        rule::{IdleWindow, listed},
        store::Sessions,
    },
    token::{id::SessionId, time::UnixMillis},
};

/// Maximum size of a listing's cursor, in bytes: those of KV have about 100.
pub const CURSOR_BYTES: usize = 1024;

/// The response of `GET /auth/sessions`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    sessions: Vec<SessionItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// One session of a page. Times are milliseconds since 1970.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionItem {
    id: SessionId,
    device: Option<String>,
    created_at: UnixMillis,
    /// It may have been seen up to a third of the idle window later.
    last_seen_at: UnixMillis,
    /// Whether it is the session of the request.
    current: bool,
}

/// One page of the user's live sessions, made of one listing and one read, so that thousands of
/// sessions are many pages and no failure. Dead ones are left out, so that a page may be short and
/// have a next one.
///
/// # Errors
/// 401 without a valid access token of a live session; 400 for an invalid cursor; 503 when the
/// store failed.
pub async fn list_sessions<P: HasSessions>(request: &Request<'_, P>) -> Result<SessionPage, Error> {
    let bearer = bearer::bearer(request).await?;
    let cursor = request.query("cursor");
    if cursor
        .as_ref()
        .is_some_and(|text| text.len() > CURSOR_BYTES)
    {
        return Err(BadInput::field("cursor", "must be a nextCursor as an answer gave it").into());
    }
    let session_ref = &bearer.token.session_ref;
    let sessions = Sessions::for_request(request)?;
    let (cursor, cut_off) = (cursor.as_deref(), bearer.cut_off.as_ref());
    let (found, next_cursor) = sessions
        .page(&session_ref.user, "", cursor, cut_off)
        .await?;
    let now = request.platform.now();
    let window = IdleWindow::configured(request.config);
    let sessions = found.into_iter().filter_map(|(id, stored)| {
        let session = listed(&id, stored, window, now)?;
        Some(SessionItem {
            current: id == session_ref.session,
            id,
            device: session.device,
            created_at: session.created_at,
            last_seen_at: session.seen_at,
        })
    });
    Ok(SessionPage {
        sessions: sessions.collect(),
        next_cursor,
    })
}
