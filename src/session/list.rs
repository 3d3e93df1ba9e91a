//! `GET /auth/sessions`: where the user is logged in.

use serde::Serialize;

use crate::{
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::{
        bearer::{self, Bearer},
        cursor,
        port::HasSessions,
        rule::{IdleWindow, Metadata, Snapshot, listed, may_be_idle},
        store::Sessions,
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
/// It is one listing, from metadata. Values are read only of sessions without metadata, of those
/// that may be idle, and with `?lastSeen=true` of all.
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
    let lister = Lister {
        with_last_seen: wants_last_seen(request)?,
        window: IdleWindow::configured(request.config),
        now: request.platform.now(),
        bearer: &bearer,
    };
    let sessions = Sessions::for_request(request)?;
    let (found, next) = sessions.listing(user, "", cursor.as_deref()).await?;
    let unknown = found
        .iter()
        .filter(|(_, data)| lister.has_to_read(data.as_ref()));
    let unknown: Vec<SessionId> = unknown.map(|(session, _)| session.clone()).collect();
    let mut read = sessions
        .snapshots(user, &unknown, bearer.cut_off.as_ref())
        .await?
        .into_iter();
    let items = found.into_iter().filter_map(|(session, data)| match data {
        data if lister.has_to_read(data.as_ref()) => lister.read(session, read.next()?),
        Some(Metadata::Open { created_at, device }) => lister.known(session, created_at, device),
        _ => None,
    });
    Ok(SessionPage {
        sessions: items.collect(),
        next_cursor: next.map(|next| cursor::write(user, &next)),
    })
}

fn wants_last_seen<P: HasSessions>(request: &Request<'_, P>) -> Result<bool, BadInput> {
    match request.query("lastSeen").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(BadInput::field("lastSeen", "must be true or false")),
    }
}

/// What a session of the bearer's looks like in the list.
struct Lister<'a> {
    with_last_seen: bool,
    window: IdleWindow,
    now: UnixMillis,
    bearer: &'a Bearer,
}

impl Lister<'_> {
    fn has_to_read(&self, data: Option<&Metadata>) -> bool {
        match data {
            Some(Metadata::Revoked) => false,
            Some(Metadata::Open { created_at, .. }) => {
                self.with_last_seen || may_be_idle(*created_at, self.window, self.now)
            }
            None => true,
        }
    }

    fn known(
        &self,
        id: SessionId,
        created_at: UnixMillis,
        device: Option<String>,
    ) -> Option<SessionItem> {
        let cut_off = self.bearer.cut_off.as_ref();
        let is_over = cut_off.is_some_and(|cut_off| cut_off.ends(&id, created_at));
        (!is_over).then(|| SessionItem {
            current: id == self.bearer.token.session_ref.session,
            id,
            device,
            created_at,
            last_seen_at: None,
        })
    }

    fn read(&self, id: SessionId, stored: Snapshot) -> Option<SessionItem> {
        let session = listed(&id, stored, self.window, self.now)?;
        Some(SessionItem {
            last_seen_at: self.with_last_seen.then_some(session.seen_at),
            ..self.known(id, session.created_at, session.device)?
        })
    }
}
