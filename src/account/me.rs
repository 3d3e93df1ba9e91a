//! `GET /auth/me`: who the bearer of an access token is.

use crate::{
    account::current::current_account,
    http::{
        answers::{Me, Profile},
        error::Error,
        scope::Scope,
    },
    port::Platform,
    session::bearer,
};

/// The user's id, the account where there is one, and the session's claims.
///
/// # Errors
/// 401 without a good access token of a live session, or when its account is gone; 503 when
/// something failed.
pub async fn show_me<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
) -> Result<Me, Error> {
    let bearer = bearer::bearer(scope, authorization).await?;
    let account = if bearer.token.has_account {
        Some(current_account(scope, &bearer).await?)
    } else {
        None
    };
    Ok(Me {
        id: bearer.token.of.user.as_str().to_owned(),
        account: account.as_ref().map(Profile::from),
        claims: bearer.token.claims,
    })
}
