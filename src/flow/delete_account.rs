//! `DELETE /auth/me`: the end of an account, and of all that is known of it.

use super::{Scope, accounts, authenticate};
use crate::{
    domain::{id::UserId, session::CutOff, time::UnixMillis},
    error::Error,
    guard::message::Purpose,
    limits::DELETION_MS,
    port::Platform,
    wire::{Deleted, Fields},
};

/// Deletes the account, erases what was stored of its sessions, and ends them.
///
/// The row goes first and the cut-off comes last: until then the bearer's own session lives, so
/// that a repeated request, or any other that needs the account, finds it gone and does the rest.
///
/// # Errors
/// 403 when the password is wrong; 401 without a good access token of a live session and account;
/// 429 after too many wrong passwords; 400 for bad input; 503 when something failed.
pub async fn delete_account<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Deleted, Error> {
    let bearer = authenticate::bearer(scope, authorization).await?;
    let password = Fields::parse(body)?.password("password")?;
    let account = authenticate::account(scope, &bearer).await?;

    let purpose = Purpose::Delete {
        id: account.id.as_str().to_owned(),
    };
    let wrong = Error::WrongPassword;
    let (account, at) =
        accounts::show_password(scope, &account.email, &password, purpose, wrong).await?;
    end_sessions(scope, &account.id, at).await?;
    Ok(Deleted { deleted: true })
}

/// Ends the sessions of an account that is gone, and leaves nothing personal of them.
pub(super) async fn end_sessions<P: Platform>(
    scope: &Scope<'_, P>,
    user: &UserId,
    at: UnixMillis,
) -> Result<(), Error> {
    let for_good = CutOff {
        before: at.plus_ms(DELETION_MS),
        keep: None,
    };
    let sessions = scope.sessions()?;
    sessions.erase_all(user).await?;
    sessions.end_all(user, &for_good).await?;
    scope.log_revocation("account_deleted", "all", None);
    Ok(())
}
