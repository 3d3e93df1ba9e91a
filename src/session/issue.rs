//! Makes the pair of tokens that a login or a refresh answers with.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    http::{answers::Tokens, scope::Scope},
    port::Platform,
    session::rule::SessionRecord,
    token::{
        access::Grant,
        id::{ID_BYTES, SessionRef},
        refresh::{Position, RefreshToken},
    },
};

/// A new access token, and the refresh token of this position. No token outlives its session.
pub(crate) fn tokens(
    scope: &Scope<'_, impl Platform>,
    of: &SessionRef,
    record: &SessionRecord,
    position: Position,
) -> Tokens {
    let config = scope.config;
    let session_end = record.expires_at.seconds();
    let issued_at = scope.platform.now().seconds();
    let expires_at = issued_at.plus(config.access_token_seconds).min(session_end);
    let issuer = config.issuer.as_deref().unwrap_or(scope.origin);
    let access = Grant {
        issuer,
        audience: config.audience.as_deref().unwrap_or(issuer),
        of,
        token_id: &URL_SAFE_NO_PAD.encode(scope.platform.bytes::<ID_BYTES>()),
        issued_at,
        expires_at,
        position,
        has_account: record.has_account,
        claims: &record.claims,
    };
    let refresh = RefreshToken {
        of: of.clone(),
        position,
        session_end,
    };
    Tokens {
        access_token: access.sign(&config.access_keys.current),
        refresh_token: refresh.sign(&config.refresh_keys.current),
        token_type: "Bearer",
        expires_in: expires_at.0.saturating_sub(issued_at.0),
        expires_at: expires_at.millis().0,
        user_id: of.user.as_str().to_owned(),
        session_id: of.session.as_str().to_owned(),
    }
}
