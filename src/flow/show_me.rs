//! `GET /auth/me`: who the bearer of an access token is.

use super::{Scope, accounts, authenticate, enter::EMAIL_CLAIM};
use crate::{
    error::Error,
    port::Platform,
    wire::{Me, Profile},
};

/// The user's id, the account where there is one, and the session's claims.
///
/// # Errors
/// 401 without a good access token of a live session; 503 when the store failed.
pub async fn show_me<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
) -> Result<Me, Error> {
    let token = authenticate::bearer(scope, authorization).await?.token;
    let account = if token.claims.has(EMAIL_CLAIM) {
        accounts::by_id_if_any(scope, &token.of.user).await?
    } else {
        None
    };
    Ok(Me {
        id: token.of.user.as_str().to_owned(),
        account: account.as_ref().map(Profile::from),
        claims: token.claims,
    })
}
