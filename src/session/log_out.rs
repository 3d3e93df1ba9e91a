//! `POST /auth/logout`: ends the session of a refresh token.

use crate::{
    http::{answers::LoggedOut, error::Error, fields::Fields, scope::Scope},
    port::Platform,
    session::rule::StoredSession,
    token::refresh::RefreshToken,
};

/// Ends the session. A token that is dead, or never was ours, is as good as logged out; one whose
/// session was ended before costs no write.
///
/// # Errors
/// 400 for bad input; 503 when the store failed.
pub async fn log_out<P: Platform>(scope: &Scope<'_, P>, body: &[u8]) -> Result<LoggedOut, Error> {
    let text = Fields::parse(body)?.refresh_token()?;
    let done = LoggedOut { logged_out: true };
    let now = scope.platform.now();
    let Ok(token) = RefreshToken::verify(&text, &scope.config.refresh_keys, now) else {
        return Ok(done);
    };
    let sessions = scope.sessions()?;
    let stored = sessions.load_without_activity(&token.of).await?;
    if !matches!(stored.session, Some(StoredSession::Revoked(_))) {
        sessions.end(&token.of, token.session_end).await?;
        scope.log_revocation("logged_out", "one", Some(&token.of.session));
    }
    Ok(done)
}
