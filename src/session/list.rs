//! `GET /auth/sessions`: where the user is logged in.

use serde::Serialize;

use crate::{
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::{
        bearer, cursor,
        port::HasSessions,
        rule::IdleWindow,
        store::{ListQuery, for_request},
    },
    token::{id::SessionId, time::UnixMillis},
};

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
    /// Only on request. It may have been seen up to a third of the idle window later.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<UnixMillis>,
    /// Whether it is the session of the request.
    current: bool,
}

/// One page of the user's live sessions. Dead ones are left out, so that a page may be short and have
/// a next one.
///
/// # Errors
/// 401 without a valid access token of a live session; 400 for an invalid cursor; 429 for too many
/// lists; 503 when the store failed.
pub async fn list_sessions<P: HasSessions>(request: &Request<'_, P>) -> Result<SessionPage, Error> {
    let bearer = bearer::bearer_of_list(request).await?;
    let user = &bearer.token.session_ref.user;
    let cursor = request
        .query("cursor")
        .map(|text| cursor::read(user, &text));
    let cursor = cursor
        .transpose()
        .map_err(|problem| BadInput::field("cursor", problem.0))?;
    let token = &bearer.token;
    let query = ListQuery {
        user,
        realm: token.session_ref.realm,
        has_account: token.has_account,
        cut_off: bearer.cut_off.as_ref(),
        cursor: cursor.as_deref(),
        with_last_seen: wants_last_seen(request)?,
        window: IdleWindow::configured(request.config),
        now: request.platform.now(),
    };
    let page = for_request(request)?.list(&query).await?;
    let current = &token.session_ref.session;
    let items = page.items.into_iter().map(|item| SessionItem {
        current: item.id == *current,
        id: item.id,
        device: item.device,
        created_at: item.created_at,
        last_seen_at: item.seen_at,
    });
    Ok(SessionPage {
        sessions: items.collect(),
        next_cursor: page.next.map(|next| cursor::write(user, &next)),
    })
}

fn wants_last_seen<P: HasSessions>(request: &Request<'_, P>) -> Result<bool, BadInput> {
    match request.query("lastSeen").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(BadInput::field("lastSeen", "must be true or false")),
    }
}
