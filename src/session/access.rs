//! Access tokens where they meet a request: made and verified with the configured keys. With secrets
//! (HS256) that is done here and at once; with key pairs, by the runtime.

use crate::{
    http::request::Request,
    port::{Fault, Runtime},
    token::{
        access::{AccessToken, NewAccessToken, Unverified, signed},
        jws::TokenProblem,
        time::UnixMillis,
    },
};

/// Signs a new access token: with the key pair, if there is one.
///
/// # Errors
/// The runtime cannot sign with it.
pub(super) async fn sign<P: Runtime>(
    request: &Request<'_, P>,
    token: &NewAccessToken<'_>,
) -> Result<String, Fault> {
    let config = request.config;
    let Some(key) = &config.key_pairs.current else {
        return Ok(token.sign(&config.access_keys.current));
    };
    let unsigned = token.unsigned(key.public());
    let signature = request.platform.sign(key, &unsigned).await?;
    Ok(signed(&unsigned, &signature))
}

/// Verifies an access token as of this time. Tokens of secrets and of key pairs are valid side by
/// side, so that changing from one to the other invalidates none.
///
/// # Errors
/// The runtime cannot verify it: that says nothing about the token.
pub async fn verify<P: Runtime>(
    request: &Request<'_, P>,
    text: &str,
    at: UnixMillis,
) -> Result<Result<AccessToken, TokenProblem>, Fault> {
    let config = request.config;
    let Some(token) = Unverified::parse(text, &config.key_pairs) else {
        return Ok(AccessToken::verify(text, &config.access_keys, at));
    };
    let (key, content, signature) = token.parts();
    if !request.platform.has_signed(key, content, signature).await? {
        return Ok(Err(TokenProblem::Invalid));
    }
    Ok(token.after_verification(at))
}

/// A token that we have signed, even if it has expired: no credential.
///
/// # Errors
/// As [`verify`].
pub async fn even_if_expired<P: Runtime>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<Option<AccessToken>, Fault> {
    Ok(verify(request, text, UnixMillis(0)).await?.ok())
}
