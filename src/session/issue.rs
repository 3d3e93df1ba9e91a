//! Makes the pair of tokens that a login or a refresh answers with.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{
    http::{error::Error, request::Request},
    port::Runtime,
    session::{access, rule::SessionRecord},
    token::{
        access::NewAccessToken,
        id::{ID_BYTES, SessionId, SessionRef, UserId},
        refresh::{Position, RefreshToken},
        time::UnixMillis,
    },
};

/// The response of every route that issues tokens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    /// When the access token expires, in milliseconds since 1970.
    expires_at: u64,
    user_id: UserId,
    session_id: SessionId,
}

/// The same, as OAuth clients read it (RFC 6749, section 5.1).
#[derive(Serialize)]
pub struct OAuthTokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: String,
}

impl From<Tokens> for OAuthTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: tokens.token_type,
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token,
        }
    }
}

/// A new access token, and the refresh token of this position. No token outlives its session.
///
/// # Errors
/// The runtime cannot sign.
pub(crate) async fn tokens<P: Runtime>(
    request: &Request<'_, P>,
    session_ref: &SessionRef,
    record: &SessionRecord,
    position: Position,
    now: UnixMillis,
) -> Result<Tokens, Error> {
    let config = request.config;
    let session_end = record.expires_at.seconds();
    let issued_at = now.seconds();
    let expires_at = issued_at.plus(config.access_token_seconds).min(session_end);
    let issuer = request.issuer();
    let claims = config
        .claims_template
        .claims(&session_ref.user, &record.claims);
    let token = NewAccessToken {
        typ: config.access_token_type,
        issuer,
        audience: config.audience.as_deref().unwrap_or(issuer),
        session_ref,
        token_id: &URL_SAFE_NO_PAD.encode(request.platform.bytes::<ID_BYTES>()),
        issued_at,
        expires_at,
        position,
        has_account: record.has_account,
        claims: &claims,
    };
    let refresh = RefreshToken {
        session_ref: session_ref.clone(),
        position,
        session_end,
    };
    Ok(Tokens {
        access_token: access::sign(request, &token).await?,
        refresh_token: refresh.sign(&config.refresh_keys.current),
        token_type: "Bearer",
        expires_in: expires_at.0.saturating_sub(issued_at.0),
        expires_at: expires_at.millis().0,
        user_id: session_ref.user.clone(),
        session_id: session_ref.session.clone(),
    })
}
