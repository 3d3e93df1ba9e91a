//! `DELETE /auth/sessions/{id}`, by the user, and `POST /auth/revoke`, by the owner: the end of one
//! session or of all.

use serde::Serialize;

use crate::{
    http::{error::Error, request::Request},
    session::{
        bearer,
        port::HasSessions,
        rule::{CutOff, StoredSession},
        store::Sessions,
    },
    token::id::{SessionId, SessionRef, UserId},
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
    let bearer = bearer::bearer_of_remedy(request).await?;
    let session_ref = SessionRef {
        user: bearer.token.session_ref.user,
        session: SessionId::parse(request.path_id()).map_err(|_| Error::NotFound)?,
    };
    let sessions = Sessions::for_request(request)?;
    match sessions.load_without_activity(&session_ref).await?.session {
        None => return Err(Error::NotFound),
        Some(StoredSession::Revoked(_)) => {}
        Some(StoredSession::Open(record)) => {
            sessions
                .end(&session_ref, record.expires_at.seconds())
                .await?;
            request.log_revocation("ended_by_user", "one", Some(&session_ref.session));
        }
    }
    Ok(DONE)
}

/// Ends one session, or all that began until now by the clock of this place. A session that cannot
/// be seen here is ended all the same: it may be on its way.
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn revoke<P: HasSessions>(request: &Request<'_, P>) -> Result<Revoked, Error> {
    bearer::require_service_key(request)?;
    let mut fields = request.fields()?;
    let user: UserId = fields.required("userId")?;
    let sessions = Sessions::for_request(request)?;
    let now = request.platform.now();
    let Some(session) = fields.optional("sessionId")? else {
        let cut_off = CutOff {
            before: now,
            keep: None,
        };
        sessions.end_all(&user, &cut_off).await?;
        request.log_revocation("ended_by_owner", "all", None);
        return Ok(DONE);
    };
    let session_ref = SessionRef { user, session };
    let end = match sessions.load_without_activity(&session_ref).await?.session {
        Some(StoredSession::Revoked(_)) => return Ok(DONE),
        Some(StoredSession::Open(record)) => record.expires_at,
        None => now.plus_ms(request.config.session_ms),
    };
    sessions.end(&session_ref, end.seconds()).await?;
    request.log_revocation("ended_by_owner", "one", Some(&session_ref.session));
    Ok(DONE)
}
