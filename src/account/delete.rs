//! `DELETE /auth/me`: the end of an account, and of all that is known of it.

use crate::{
    account::{
        current::{current_account, end_sessions},
        message::Purpose,
        password_check::check_password,
    },
    http::{answers::Deleted, error::Error, fields::Fields, scope::Scope},
    port::Platform,
    session::bearer,
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
    let bearer = bearer::bearer(scope, authorization).await?;
    let password = Fields::parse(body)?.password("password")?;
    let account = current_account(scope, &bearer).await?;

    let purpose = Purpose::Delete {
        id: account.id.as_str().to_owned(),
    };
    let wrong = Error::WrongPassword;
    let (account, at) = check_password(scope, &account.email, &password, purpose, wrong).await?;
    end_sessions(scope, &account.id, at).await?;
    Ok(Deleted { deleted: true })
}
