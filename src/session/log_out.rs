//! `POST /auth/logout`: ends the session of a refresh token.

use serde::Serialize;

use crate::{
    http::{error::Error, request::Request},
    session::{port::HasSessions, rule::StoredSession, store::Sessions},
    token::refresh::RefreshToken,
};

/// The response of a logout.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedOut {
    logged_out: bool,
}

impl LoggedOut {
    /// Also for a token that was dead already.
    pub const DONE: Self = Self { logged_out: true };
}

/// Ends the session. A token that is dead, or never was ours, is as good as logged out; one whose
/// session was ended before costs no write.
///
/// # Errors
/// 400 for bad input; 503 when the store failed.
pub async fn log_out<P: HasSessions>(request: &Request<'_, P>) -> Result<LoggedOut, Error> {
    let text = request.fields()?.refresh_token()?;
    let now = request.platform.now();
    let Ok(token) = RefreshToken::verify(&text, &request.config.refresh_keys, now) else {
        return Ok(LoggedOut::DONE);
    };
    let sessions = Sessions::for_request(request)?;
    let stored = sessions.load_without_activity(&token.session_ref).await?;
    if !matches!(stored.session, Some(StoredSession::Revoked(_))) {
        sessions.end(&token.session_ref, token.session_end).await?;
        request.log_revocation("logged_out", "one", Some(&token.session_ref.session));
    }
    Ok(LoggedOut::DONE)
}
