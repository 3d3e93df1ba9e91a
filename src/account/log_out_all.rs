//! `POST /auth/logout/all`: the end of every session of the user, this one too.

use crate::{
    account::{email::Email, enter::EMAIL_CLAIM, password_check},
    http::{answers::LoggedOut, error::Error, scope::Scope},
    port::Platform,
    session::{bearer, rule::CutOff},
};

/// Ends all sessions that began until now. "Now" is the time of the account's guard, which has
/// stamped the begin of each of them; for a session of another back end's login it is the time of
/// this place.
///
/// # Errors
/// 401 without a good access token of a live session; 503 when the store failed.
pub async fn log_out_all<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
) -> Result<LoggedOut, Error> {
    let token = bearer::bearer(scope, authorization).await?.token;
    let address = token.claims.text(EMAIL_CLAIM).filter(|_| token.has_account);
    let before = match address.map(Email::parse) {
        Some(Ok(email)) => password_check::stamp(scope, &email).await?,
        _ => scope.platform.now(),
    };
    let cut_off = CutOff { before, keep: None };
    scope.sessions()?.end_all(&token.of.user, &cut_off).await?;
    scope.log_revocation("logged_out_everywhere", "all", Some(&token.of.session));
    Ok(LoggedOut { logged_out: true })
}
