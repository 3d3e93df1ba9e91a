//! The account behind an access token, and the end of its sessions when it is gone.

use crate::{
    account::{Account, port::HasAccounts, table::AccountTable},
    http::{error::Error, request::Request},
    log::Line,
    session::{bearer::Bearer, rule::CutOff, store},
    token::{id::UserId, time::UnixMillis},
};

/// The account of a bearer, for what cannot be done without one.
///
/// A deletion that was cut short is completed here.
///
/// # Errors
/// As [`find_account`].
pub async fn current_account<P: HasAccounts>(
    request: &Request<'_, P>,
    bearer: &Bearer,
) -> Result<Account, Error> {
    let found = find_account(request, bearer).await;
    if let Err(Error::BearerRevoked) = found {
        let user = &bearer.token.session_ref.user;
        end_sessions(request, user, request.platform.now()).await?;
    }
    found
}

/// The same for a `GET`, which writes nothing.
///
/// Only the mark of a deletion says that an account is gone. Without one, its row is missing because
/// of a fault, such as an empty or a wrong database, and nobody may be logged out by that.
///
/// # Errors
/// 404 for a session of another back end's login; 401 when the account was deleted; 503 when
/// something failed, or the row is missing.
pub async fn find_account<P: HasAccounts>(
    request: &Request<'_, P>,
    bearer: &Bearer,
) -> Result<Account, Error> {
    if !bearer.token.has_account {
        return Err(Error::NotFound);
    }
    let session_ref = &bearer.token.session_ref;
    let table = AccountTable::for_request(request)?;
    if let Some(account) = table.by_id(&session_ref.user).await? {
        return Ok(account);
    }
    if table.was_deleted(&session_ref.user).await? {
        return Err(Error::BearerRevoked);
    }
    request.log(Line::new("account_missing").about(&session_ref.session));
    Err(Error::AccountMissing)
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
    let for_good = CutOff::of_deletion(at);
    store::for_request(request)?
        .erase_all(user, &for_good)
        .await?;
    request.log_revocation("account_deleted", "all", None);
    Ok(())
}
