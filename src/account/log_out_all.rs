//! `POST /auth/logout/all`: the end of every session of the user, this one too.

use crate::{
    account::{
        ask_guard::{stamp_at, stamp_for},
        email::Email,
        log_in::EMAIL_CLAIM,
        port::HasAccounts,
        table::AccountTable,
    },
    http::{error::Error, request::Request},
    session::{bearer, log_out::LoggedOut, rule::CutOff, store},
    token::{access::AccessToken, time::UnixMillis},
};

/// Ends all sessions that began until now. "Now" is the time of the account's guard, which has
/// stamped the start of each of them; for a session of another back end's login it is the time of
/// this place.
///
/// # Errors
/// 401 without a valid access token of a live session; 503 when the store failed.
pub async fn log_out_all<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedOut, Error> {
    let token = bearer::bearer_of_remedy(request).await?.token;
    let before = now_of_guard(request, &token).await?;
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

/// The address may have changed since the session began, so the row says whose guard to ask. This must
/// not fail because the row cannot be read: nobody can log in without it either, so the guard of the
/// address that the session began with will do.
async fn now_of_guard<P: HasAccounts>(
    request: &Request<'_, P>,
    token: &AccessToken,
) -> Result<UnixMillis, Error> {
    if !token.has_account {
        return Ok(request.platform.now());
    }
    let table = AccountTable::for_request(request)?;
    if let Ok(Some(account)) = table.by_id(&token.session_ref.user).await {
        return stamp_for(request, &account).await;
    }
    match token.claims.text(EMAIL_CLAIM).map(Email::parse) {
        Some(Ok(email)) => stamp_at(request, &email).await,
        _ => Ok(request.platform.now()),
    }
}
