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
        rule::{CutOff, IdleWindow, Metadata, Snapshot, listed, may_be_idle},
        store::{Sessions, later},
    },
    token::{
        id::{Realm, SessionId},
        time::UnixMillis,
    },
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
    let place = Place::parse(bearer.token.has_account, cursor.as_deref());
    let with_last_seen = wants_last_seen(request)?;
    let sessions = Sessions::for_request(request)?;
    let lister = Lister {
        with_last_seen,
        window: IdleWindow::configured(request.config),
        now: request.platform.now(),
        realm: place.realm,
        cut_off: cut_off(&sessions, &bearer, place.realm).await?,
        current: &bearer.token.session_ref.session,
    };
    let (mut found, next) = sessions
        .listing(place.realm, user, "", place.cursor)
        .await?;
    let whose = (place.realm, bearer.token.has_account);
    found.retain(|(_, data)| !is_of_another(whose.1, data.as_ref()));
    let unknown = found
        .iter()
        .filter(|(_, data)| lister.has_to_read(data.as_ref()));
    let unknown: Vec<SessionId> = unknown.map(|(session, _)| session.clone()).collect();
    let mut read = sessions
        .snapshots(whose, user, &unknown, lister.cut_off.as_ref())
        .await?
        .into_iter();
    let items = found.into_iter().filter_map(|(session, data)| match data {
        data if lister.has_to_read(data.as_ref()) => lister.read(session, read.next()?),
        Some(Metadata::Open {
            created_at, device, ..
        }) => lister.known(session, created_at, device),
        _ => None,
    });
    Ok(SessionPage {
        sessions: items.collect(),
        next_cursor: place.next(next).map(|next| cursor::write(user, &next)),
    })
}

/// Whether a session is known to be of the account, and the list of a user of the owner's back end.
fn is_of_another(has_account: bool, data: Option<&Metadata>) -> bool {
    let is_of_account = matches!(
        data,
        Some(Metadata::Open {
            has_account: true,
            ..
        })
    );
    is_of_account && !has_account
}

/// What ended sessions of this part of the list.
async fn cut_off<P: HasSessions>(
    sessions: &Sessions<'_, P>,
    bearer: &Bearer,
    realm: Realm,
) -> Result<Option<CutOff>, Error> {
    let session_ref = &bearer.token.session_ref;
    let own = bearer.cut_off.clone();
    if realm == session_ref.realm {
        return Ok(own);
    }
    let other = sessions.cut_off(realm, &session_ref.user).await?;
    Ok(later(own, other))
}

fn wants_last_seen<P: HasSessions>(request: &Request<'_, P>) -> Result<bool, BadInput> {
    match request.query("lastSeen").as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(BadInput::field("lastSeen", "must be true or false")),
    }
}

/// What a session looks like in the list.
struct Lister<'a> {
    with_last_seen: bool,
    window: IdleWindow,
    now: UnixMillis,
    realm: Realm,
    cut_off: Option<CutOff>,
    /// The session of the request.
    current: &'a SessionId,
}

impl Lister<'_> {
    /// Under the keys of accounts, earlier versions have put sessions of the owner's back end, too;
    /// their metadata do not say which is which.
    fn has_to_read(&self, data: Option<&Metadata>) -> bool {
        match data {
            Some(Metadata::Revoked) => false,
            Some(Metadata::Open {
                created_at,
                has_account,
                ..
            }) => {
                self.with_last_seen
                    || (self.realm == Realm::Account && !has_account)
                    || may_be_idle(*created_at, self.window, self.now)
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
        let ends = |cut_off: &CutOff| cut_off.ends(&id, created_at, self.now);
        let is_over = self.cut_off.as_ref().is_some_and(ends);
        (!is_over).then(|| SessionItem {
            current: id == *self.current,
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
