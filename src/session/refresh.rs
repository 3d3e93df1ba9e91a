//! A refresh: a new access token for a refresh token. Its route is in [`crate::oauth::token`].

use crate::{
    http::{error::Error, request::Request},
    log::Line,
    session::{
        access,
        issue::{self, Tokens},
        port::HasSessions,
        rule::{IdleWindow, Verdict},
        store,
    },
    token::{jws::TokenProblem, refresh::RefreshToken},
};

/// Refreshes: the signature before the store, then the store, which asks the rule, then the response.
///
/// # Errors
/// 400 for bad input; 401 when the session is over; 503 when the store failed.
pub async fn refresh<P: HasSessions>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    let text = request.fields()?.refresh_token()?;
    exchange(request, &text).await
}

/// Exchanges this refresh token.
///
/// # Errors
/// As [`refresh`], but for the input.
pub async fn exchange<P: HasSessions>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<Tokens, Error> {
    let now = request.platform.now();
    let token = match RefreshToken::verify(text, &request.config.refresh_keys, now) {
        Ok(token) => token,
        Err(problem) => return Err(why_refused(request, text, problem).await?),
    };

    let sessions = store::for_request(request)?;
    let window = IdleWindow::configured(request.config);
    let verdict = sessions.refresh(&token, window, now).await?;
    let session_ref = &token.session_ref;
    let log = |line: Line<'_>| request.log(line.about(&session_ref.session));
    match verdict {
        Verdict::Live { record, answer, .. } => {
            issue::tokens(request, session_ref, &record, answer, now).await
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
async fn why_refused<P: HasSessions>(
    request: &Request<'_, P>,
    text: &str,
    problem: TokenProblem,
) -> Result<Error, Error> {
    let is_access_token =
        problem == TokenProblem::Invalid && access::even_if_expired(request, text).await?.is_some();
    Ok(if is_access_token {
        Error::AccessTokenAsRefresh
    } else {
        Error::of_refresh_token(problem)
    })
}
