//! `POST /auth/logout`: ends the session of a token.

use serde::Serialize;

use crate::{
    http::{error::Error, request::Request},
    session::{
        access,
        port::HasSessions,
        store::{self, Ending},
    },
    token::{id::SessionRef, refresh::RefreshToken, time::UnixSeconds},
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

/// Ends the session of a token of ours: of a refresh token, or of an access token, which an app may
/// send in its place, even when it has expired. A token that is dead, or never was ours, is as good as
/// logged out; one whose session was ended before costs no write.
///
/// # Errors
/// 400 for bad input; 503 when the store failed.
pub async fn log_out<P: HasSessions>(request: &Request<'_, P>) -> Result<LoggedOut, Error> {
    let text = request.fields()?.refresh_token()?;
    end_session_of(request, &text).await?;
    Ok(LoggedOut::DONE)
}

/// Ends the session of this token, if there is one.
///
/// # Errors
/// The store failed.
pub async fn end_session_of<P: HasSessions>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<(), Error> {
    let Some((session_ref, latest_end)) = session_of(request, text).await? else {
        return Ok(());
    };
    let sessions = store::for_request(request)?;
    match sessions.end_if_known(&session_ref, None).await? {
        Ending::WasEnded => return Ok(()),
        Ending::Ended => {}
        Ending::Unknown => sessions.end(&session_ref, latest_end).await?,
    }
    request.log_revocation("logged_out", "one", Some(&session_ref.session));
    Ok(())
}

/// The session of a token of ours, and the latest time at which it ends.
async fn session_of<P: HasSessions>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<Option<(SessionRef, UnixSeconds)>, Error> {
    let (config, now) = (request.config, request.platform.now());
    if let Ok(token) = RefreshToken::verify(text, &config.refresh_keys, now) {
        return Ok(Some((token.session_ref, token.session_end)));
    }
    let token = access::even_if_expired(request, text).await?;
    let latest_end = now.plus_ms(config.session_ms).seconds();
    Ok(token.map(|token| (token.session_ref, latest_end)))
}
