//! The account behind an access token, and the end of its sessions when it is gone.

use crate::{
    account::{Account, port::HasAccounts, table::AccountTable},
    http::{error::Error, request::Request},
    session::{bearer::Bearer, rule::CutOff, store::Sessions},
    token::{id::UserId, time::UnixMillis},
};

/// For how long after the deletion of an account no session of it can start. Longer than a login
/// may be under way, so that a token of an erased session is known to be over and not early.
pub const DELETION_MS: u64 = 10 * 60_000;

/// The account of a bearer, for what cannot be done without one.
///
/// An account that is gone takes its sessions along: if its deletion was cut short, it is completed
/// here.
///
/// # Errors
/// 404 for a session of another back end's login; 401 when the account is gone; 503 when something
/// failed.
pub async fn current_account<P: HasAccounts>(
    request: &Request<'_, P>,
    bearer: &Bearer,
) -> Result<Account, Error> {
    if !bearer.token.has_account {
        return Err(Error::NotFound);
    }
    let user = &bearer.token.session_ref.user;
    let table = AccountTable::for_request(request)?;
    if let Some(account) = table.by_id(user).await? {
        return Ok(account);
    }
    end_sessions(request, user, request.platform.now()).await?;
    Err(Error::BearerRevoked)
}

/// Ends the sessions of an account that is gone, and leaves nothing personal of them.
///
/// # Errors
/// The store failed.
pub async fn end_sessions<P: HasAccounts>(
    request: &Request<'_, P>,
    user: &UserId,
    at: UnixMillis,
) -> Result<(), Error> {
    let for_good = CutOff {
        before: at.plus_ms(DELETION_MS),
        keep: None,
    };
    let sessions = Sessions::for_request(request)?;
    sessions.erase_all(user).await?;
    sessions.end_all(user, &for_good).await?;
    request.log_revocation("account_deleted", "all", None);
    Ok(())
}
