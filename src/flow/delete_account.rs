//! `DELETE /auth/me`: the end of an account, and of all that is known of it.

use super::{Scope, accounts, authenticate};
use crate::{
    domain::session::CutOff,
    error::Error,
    guard::message::Purpose,
    limits::DELETION_MS,
    port::Platform,
    wire::{Deleted, Fields},
};

/// Deletes the account, ends its sessions, and erases what was stored of them.
///
/// If the sessions cannot be ended, the request may be repeated: it then finds the account gone,
/// ends them, and answers as every request after a deletion does.
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
    let user = &bearer.token.of.user;

    let deleted = match authenticate::account(scope, &bearer).await {
        Ok(account) => {
            let purpose = Purpose::Delete {
                id: user.as_str().to_owned(),
            };
            let wrong = Error::WrongPassword;
            accounts::show_password(scope, &account.email, &password, purpose, wrong)
                .await
                .map(|(_, at)| at)
        }
        Err(error) => Err(error),
    };
    let before = match &deleted {
        Ok(at) => *at,
        Err(Error::BearerRevoked) => scope.platform.now(),
        Err(error) => return Err(error.clone()),
    };
    let for_good = CutOff {
        before: before.plus_ms(DELETION_MS),
        keep: None,
    };
    let sessions = scope.sessions()?;
    sessions.end_all(user, &for_good).await?;
    sessions.erase_all(user).await?;
    deleted.map(|_| Deleted { deleted: true })
}
