//! `POST /oauth/introspect`: whether an access token is valid, and what is in it (RFC 7662).
//!
//! For the owner's back ends, which prove with the service key who they are. A refresh token is not
//! active: a resource server that asks would take it for an access token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{
    http::{error::Error, oauth, request::Request},
    oauth::TOKEN_FORM,
    session::{bearer, port::HasSessions},
    token::json::object,
};

/// The claims of a live token, or no more than that it is none: nobody learns why (section 2.2).
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn introspect<P: HasSessions>(
    request: &Request<'_, P>,
) -> Result<Map<String, Value>, Error> {
    bearer::require_service_key_of_client(request)?;
    let text = oauth::parameters(request, TOKEN_FORM)?.token("token")?;
    let claims = match live_claims(request, &text).await {
        Err(Error::AccessTokenInvalid | Error::AccessTokenExpired | Error::BearerRevoked) => None,
        other => Some(other?),
    };
    Ok(report(claims))
}

async fn live_claims<P: HasSessions>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<Map<String, Value>, Error> {
    let token = bearer::access_token(request, text).await?;
    bearer::live(request, token).await?;
    claims_of(text).ok_or(Error::AccessTokenInvalid)
}

/// The claims of a token that was verified.
fn claims_of(text: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    object(&payload).ok()
}

/// A claim of the owner's cannot say that a token is active.
fn report(claims: Option<Map<String, Value>>) -> Map<String, Value> {
    let mut report = claims.unwrap_or_default();
    let is_active = !report.is_empty();
    report.insert("active".into(), is_active.into());
    if is_active {
        report.insert("token_type".into(), "Bearer".into());
        // Tokenkeep's own.
        report.remove("gen");
    }
    report
}
