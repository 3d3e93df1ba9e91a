//! `POST /auth/logout/all`: the end of every session of the user, this one too.

use crate::{
    account::{ask_guard::stamp, email::Email, log_in::EMAIL_CLAIM, port::HasAccounts},
    http::{error::Error, request::Request},
    session::{bearer, log_out::LoggedOut, rule::CutOff, store},
};

/// Ends all sessions that began until now. "Now" is the time of the account's guard, which has
/// stamped the start of each of them; for a session of another back end's login it is the time of
/// this place.
///
/// # Errors
/// 401 without a valid access token of a live session; 503 when the store failed.
pub async fn log_out_all<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedOut, Error> {
    let token = bearer::bearer_of_remedy(request).await?.token;
    let address = token.claims.text(EMAIL_CLAIM).filter(|_| token.has_account);
    let before = match address.map(Email::parse) {
        Some(Ok(email)) => stamp(request, &email).await?,
        _ => request.platform.now(),
    };
    let cut_off = CutOff { before, keep: None };
    let sessions = store::for_request(request)?;
    let realm = token.realm();
    sessions
        .end_all(realm, &token.session_ref.user, &cut_off)
        .await?;
    request.log_revocation(
        "logged_out_everywhere",
        "all",
        Some(&token.session_ref.session),
    );
    Ok(LoggedOut::DONE)
}
