//! What other servers ask before they verify a token: the public keys, and where everything is.

use serde_json::{Value, json};

use crate::{
    http::{error::Error, reply::Reply, request::Request},
    port::Runtime,
};

/// Where the public keys are.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// How long an answer may be kept: a new key is announced so long before it signs.
const FRESH: &str = "public, max-age=300";

/// `GET /.well-known/jwks.json`: the keys that verify access tokens, as a JWK set.
///
/// Without a key pair the set is empty, and not a 404: that is what verifiers take for "no such key",
/// and they ask again later.
///
/// # Errors
/// None.
pub async fn jwks<P: Runtime>(request: &Request<'_, P>) -> Result<Reply, Error> {
    Ok(public(&request.config.key_pairs.jwks()))
}

/// `GET /.well-known/oauth-authorization-server` (RFC 8414), and the same as `openid-configuration`,
/// which is where most verifiers look. It names only what is there: no login page, so no response
/// type, and no ID tokens.
///
/// # Errors
/// None.
pub async fn metadata<P: Runtime>(request: &Request<'_, P>) -> Result<Reply, Error> {
    let at = |path: &str| format!("{}{path}", request.call.origin);
    let mut metadata = json!({
        "issuer": request.issuer(),
        "jwks_uri": at(JWKS_PATH),
        "token_endpoint": at("/oauth/token"),
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["refresh_token"],
        "response_types_supported": [],
        "revocation_endpoint": at("/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "userinfo_endpoint": at("/oauth/userinfo"),
        "subject_types_supported": ["public"],
    });
    if let Ok(Some(_)) = request.config.service_key {
        metadata["introspection_endpoint"] = at("/oauth/introspect").into();
        metadata["introspection_endpoint_auth_methods_supported"] =
            json!(["client_secret_basic", "Bearer"]);
    }
    Ok(public(&metadata))
}

fn public(body: &Value) -> Reply {
    Reply::json(200, body).with("Cache-Control", FRESH)
}
