//! `DELETE /auth/sessions/{id}`, by the user, and `POST /auth/revoke`, by the owner: the end of one
//! session or of all.

use futures_util::future::try_join;
use serde::Serialize;

use crate::{
    http::{error::Error, request::Request},
    session::{
        bearer,
        port::HasSessions,
        rule::CutOff,
        store::{self, Ending, Sessions},
    },
    token::id::{Realm, SessionId, SessionRef, UserId},
};

/// The response of both.
#[derive(Serialize)]
pub struct Revoked {
    revoked: bool,
}

const DONE: Revoked = Revoked { revoked: true };

/// Ends a session of the bearer's. One that was ended before stays so, without a write.
///
/// # Errors
/// 404 for a session that is not this user's; 401 without a valid access token of a live session;
/// 503 when the store failed.
pub async fn end_session<P: HasSessions>(request: &Request<'_, P>) -> Result<Revoked, Error> {
    let token = bearer::bearer_of_remedy(request).await?.token;
    let session = SessionId::parse(request.path_id()).map_err(|_| Error::NotFound)?;
    let sessions = store::for_request(request)?;
    for &realm in realms_of(token.has_account) {
        let session_ref = SessionRef {
            realm,
            user: token.session_ref.user.clone(),
            session: session.clone(),
        };
        let of_account = Some(token.has_account);
        match sessions.end_if_known(&session_ref, of_account).await? {
            Ending::WasEnded => return Ok(DONE),
            Ending::Ended => {
                request.log_revocation("ended_by_user", "one", Some(&session));
                return Ok(DONE);
            }
            Ending::Unknown => {}
        }
    }
    Err(Error::NotFound)
}

/// Where sessions of such a user may be. Those of the owner's back end that an earlier version has
/// opened are among those of accounts.
fn realms_of(has_account: bool) -> &'static [Realm] {
    if has_account {
        &[Realm::Account]
    } else {
        &[Realm::Service, Realm::Account]
    }
}

/// Ends one session, or all that began until now by the clock of this place: of the owner's back end,
/// and of the account if there is one of this id. A session that cannot be seen here is ended all the
/// same: it may be on its way.
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn revoke<P: HasSessions>(request: &Request<'_, P>) -> Result<Revoked, Error> {
    bearer::require_service_key(request)?;
    let mut fields = request.fields()?;
    let user: UserId = fields.required("userId")?;
    let sessions = store::for_request(request)?;
    if let Some(session) = fields.optional("sessionId")? {
        return revoke_one(request, &sessions, user, session).await;
    }
    let cut_off = CutOff {
        before: request.platform.now(),
        keep: None,
    };
    try_join(
        sessions.end_all(Realm::Service, &user, &cut_off),
        sessions.end_all(Realm::Account, &user, &cut_off),
    )
    .await?;
    request.log_revocation("ended_by_owner", "all", None);
    Ok(DONE)
}

async fn revoke_one<P: HasSessions>(
    request: &Request<'_, P>,
    sessions: &Sessions<'_, P>,
    user: UserId,
    session: SessionId,
) -> Result<Revoked, Error> {
    let of = |realm| SessionRef {
        realm,
        user: user.clone(),
        session: session.clone(),
    };
    let latest_end = request.platform.now().plus_ms(request.config.session_ms);
    let both = [Realm::Service, Realm::Account];
    let mut ending = Ending::Unknown;
    for realm in both {
        ending = sessions.end_if_known(&of(realm), None).await?;
        if ending != Ending::Unknown {
            break;
        }
    }
    match ending {
        Ending::WasEnded => return Ok(DONE),
        Ending::Ended => {}
        Ending::Unknown => {
            for realm in both {
                sessions.end(&of(realm), latest_end.seconds()).await?;
            }
        }
    }
    request.log_revocation("ended_by_owner", "one", Some(&session));
    Ok(DONE)
}
