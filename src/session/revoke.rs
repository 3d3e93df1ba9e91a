//! `POST /auth/revoke`: the owner ends one or all sessions of a user.

use crate::{
    http::{answers::Revoked, error::Error, fields::Fields, scope::Scope},
    port::Platform,
    session::{
        bearer,
        rule::{CutOff, StoredSession},
    },
    token::id::SessionRef,
};

/// Ends one session, or all that began until now by the clock of this place. A session that cannot
/// be seen here is ended all the same: it may be on its way.
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn revoke<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Revoked, Error> {
    bearer::service(scope.config, authorization)?;
    let mut fields = Fields::parse(body)?;
    let user = fields.user_id()?;
    let sessions = scope.sessions()?;
    let now = scope.platform.now();
    let Some(session) = fields.session_id()? else {
        let cut_off = CutOff {
            before: now,
            keep: None,
        };
        sessions.end_all(&user, &cut_off).await?;
        scope.log_revocation("ended_by_owner", "all", None);
        return Ok(Revoked { revoked: true });
    };
    let of = SessionRef { user, session };
    let end = match sessions.load_without_activity(&of).await?.session {
        Some(StoredSession::Revoked(_)) => return Ok(Revoked { revoked: true }),
        Some(StoredSession::Open(record)) => record.expires_at,
        None => now.plus_ms(scope.config.session_ms),
    };
    sessions.end(&of, end.seconds()).await?;
    scope.log_revocation("ended_by_owner", "one", Some(&of.session));
    Ok(Revoked { revoked: true })
}
