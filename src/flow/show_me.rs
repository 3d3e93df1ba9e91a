//! `GET /auth/me`: who the bearer of an access token is.

use super::{Scope, authenticate};
use crate::{error::Error, port::Platform, wire::Me};

/// The user's id and the session's claims.
///
/// # Errors
/// 401 without a good access token of a live session; 503 when the store failed.
pub async fn show_me<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
) -> Result<Me, Error> {
    let token = authenticate::bearer(scope, authorization).await?;
    Ok(Me {
        id: token.of.user.as_str().to_owned(),
        claims: token.claims,
    })
}
