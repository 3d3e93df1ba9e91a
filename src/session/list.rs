//! `GET /auth/sessions`: where the user is logged in.

use crate::{
    http::{
        answers::{SessionItem, SessionPage},
        error::{BadInput, Error},
        scope::Scope,
    },
    port::Platform,
    session::{bearer, rule::listed},
};

/// Most bytes of a listing's cursor: those of KV have about 100.
pub const CURSOR_BYTES: usize = 1024;

/// One page of the user's sessions that are alive. A page of one listing and one read, so that
/// thousands of sessions are many pages and no failure; dead ones are left out, so that a page may
/// be short and have a next one.
///
/// # Errors
/// 401 without a good access token of a live session; 400 for a cursor that is none; 503 when the
/// store failed.
pub async fn list_sessions<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    cursor: Option<&str>,
) -> Result<SessionPage, Error> {
    let bearer = bearer::bearer(scope, authorization).await?;
    if cursor.is_some_and(|cursor| cursor.len() > CURSOR_BYTES) {
        return Err(BadInput::field("cursor", "must be a nextCursor as an answer gave it").into());
    }
    let of = &bearer.token.of;
    let (found, next_cursor) = scope.sessions()?.page(&of.user, "", cursor).await?;
    let now = scope.platform.now();
    let sessions = found.into_iter().filter_map(|(id, stored)| {
        let window = scope.config.idle_window;
        let session = listed(&id, stored, bearer.cut_off.as_ref(), window, now)?;
        Some(SessionItem {
            current: id == of.session,
            id: id.as_str().to_owned(),
            device: session.device,
            created_at: session.created_at.0,
            last_seen_at: session.seen_at.0,
        })
    });
    Ok(SessionPage {
        sessions: sessions.collect(),
        next_cursor,
    })
}
