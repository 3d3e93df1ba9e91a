//! `DELETE /auth/sessions/{id}`: the end of one session of the user.

use crate::{
    http::{answers::Revoked, error::Error, scope::Scope},
    port::Platform,
    session::{bearer, rule::StoredSession},
    token::id::{SessionId, SessionRef},
};

/// Ends a session of the bearer's. One that was ended before stays so, without a write.
///
/// # Errors
/// 404 for a session that is not this user's; 401 without a good access token of a live session;
/// 503 when the store failed.
pub async fn end_session<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    id: &str,
) -> Result<Revoked, Error> {
    let bearer = bearer::bearer(scope, authorization).await?;
    let of = SessionRef {
        user: bearer.token.of.user,
        session: SessionId::parse(id).map_err(|_| Error::NotFound)?,
    };
    let sessions = scope.sessions()?;
    match sessions.load_without_activity(&of).await?.session {
        None => return Err(Error::NotFound),
        Some(StoredSession::Revoked(_)) => {}
        Some(StoredSession::Open(record)) => {
            sessions.end(&of, record.expires_at.seconds()).await?;
            scope.log_revocation("ended_by_user", "one", Some(&of.session));
        }
    }
    Ok(Revoked { revoked: true })
}
