//! `POST /auth/token`: a new access token for a refresh token.

use crate::{
    http::{error::Error, request::Request},
    log::Line,
    session::{
        issue::{self, Tokens},
        port::HasSessions,
        rule::{IdleWindow, Verdict},
        store,
    },
    token::{access::AccessToken, jws::TokenProblem, refresh::RefreshToken},
};

/// Refreshes: the signature before the store, then the store, which asks the rule, then the response.
///
/// # Errors
/// 400 for bad input; 401 when the session is over; 503 when the store failed.
pub async fn refresh<P: HasSessions>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    let text = request.fields()?.refresh_token()?;
    let now = request.platform.now();
    let token = RefreshToken::verify(&text, &request.config.refresh_keys, now)
        .map_err(|problem| why_refused(request, &text, problem))?;

    let sessions = store::for_request(request)?;
    let window = IdleWindow::configured(request.config);
    let verdict = sessions.refresh(&token, window, now).await?;
    let session_ref = &token.session_ref;
    let log = |line: Line<'_>| request.log(line.about(&session_ref.session));
    match verdict {
        Verdict::Live { record, answer, .. } => {
            Ok(issue::tokens(request, session_ref, &record, answer, now))
        }
        Verdict::NotHereYet => Err(Error::NotHereYet),
        Verdict::Expired => Err(Error::RefreshTokenExpired),
        Verdict::Lost => {
            log(Line::new("store_younger_than_token"));
            Err(Error::SessionLost)
        }
        Verdict::Revoked => Err(Error::SessionRevoked),
        Verdict::Reused => {
            log(Line::new("refresh_token_reused"));
            Err(Error::RefreshTokenReused)
        }
    }
}

/// What is wrong with a text that is no refresh token, or one that has expired.
fn why_refused<P>(request: &Request<'_, P>, text: &str, problem: TokenProblem) -> Error {
    let access_keys = &request.config.access_keys;
    if problem == TokenProblem::Invalid && AccessToken::even_if_expired(text, access_keys).is_some()
    {
        return Error::AccessTokenAsRefresh;
    }
    Error::of_refresh_token(problem)
}
