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
        store::{Sessions, later},
    },
    token::{
        id::{Realm, SessionId},
        time::UnixMillis,
    },
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
    let place = Place::parse(bearer.token.has_account, cursor.as_deref());
    let whose = (place.realm, bearer.token.has_account);
    let mut cut_off = bearer.cut_off;
    if place.realm != session_ref.realm {
        let other = sessions.cut_off(place.realm, &session_ref.user).await?;
        cut_off = later(cut_off, other);
    }
    let (found, next) = sessions
        .page(whose, &session_ref.user, "", place.cursor, cut_off.as_ref())
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
        next_cursor: place.next(next),
    })
}

/// How the cursor of the second part of a list starts. KV's own contain no colon.
const EARLIER: &str = "earlier:";

/// Where a page starts. A user of the owner's back end has two lists, one after the other: the second
/// is of sessions that an earlier version has opened, under the keys of accounts.
struct Place<'a> {
    realm: Realm,
    is_earlier: bool,
    cursor: Option<&'a str>,
}

impl<'a> Place<'a> {
    fn parse(has_account: bool, cursor: Option<&'a str>) -> Self {
        let earlier = cursor
            .filter(|_| !has_account)
            .and_then(|cursor| cursor.strip_prefix(EARLIER));
        let is_earlier = earlier.is_some();
        Self {
            realm: if has_account || is_earlier {
                Realm::Account
            } else {
                Realm::Service
            },
            is_earlier,
            cursor: earlier.or(cursor).filter(|cursor| !cursor.is_empty()),
        }
    }

    fn next(&self, next: Option<String>) -> Option<String> {
        match self.realm {
            Realm::Account if self.is_earlier => next.map(|next| EARLIER.to_owned() + &next),
            Realm::Account => next,
            Realm::Service => next.or_else(|| Some(EARLIER.to_owned())),
        }
    }
}
