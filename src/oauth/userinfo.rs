//! `GET` and `POST /oauth/userinfo`: who the bearer of an access token is, in the words of `OpenID`
//! Connect (Core 1.0, section 5.3).

use serde_json::{Map, Value, json};

use crate::{
    account::{bearer_account::find_account, port::HasAccounts},
    http::{error::Error, request::Request},
    session::bearer,
};

/// The claims that are told of a user, where they are known.
const CLAIMS: [&str; 3] = ["email", "email_verified", "name"];

/// Who the bearer is: by the account, or, for a user of another back end's login, by what that has
/// said in the claims of the session.
///
/// # Errors
/// 401 without a valid access token of a live session, or when its account is gone; 503 when
/// something failed.
pub async fn userinfo<P: HasAccounts>(
    request: &Request<'_, P>,
) -> Result<Map<String, Value>, Error> {
    let bearer = bearer::bearer(request).await?;
    let known = if bearer.token.has_account {
        let account = find_account(request, &bearer).await?;
        json!({"email": account.email, "email_verified": account.email_verified, "name": account.name})
    } else {
        json!(bearer.token.claims)
    };
    let is_known = |name: &&str| !known[*name].is_null();
    let claims = CLAIMS.into_iter().filter(is_known);
    let sub = ("sub".to_owned(), json!(bearer.token.session_ref.user));
    let told = claims.map(|name| (name.to_owned(), known[name].clone()));
    Ok(std::iter::once(sub).chain(told).collect())
}
