//! `POST /auth/session`: a session for a user whom the owner's own back end has logged in.

use super::{Scope, authenticate, issue};
use crate::{
    domain::{
        id::{SessionId, SessionRef},
        session::{Position, SessionRecord},
    },
    error::Error,
    port::Platform,
    wire::{Fields, Tokens},
};

/// Opens a session and answers with its first tokens. One write.
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn open_session<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Tokens, Error> {
    authenticate::service(scope.config, authorization)?;
    let mut fields = Fields::parse(body)?;
    let user = fields.user_id()?;
    let device = fields.device()?;
    let claims = fields.claims()?;

    let created_at = scope.platform.now();
    let of = SessionRef {
        user,
        session: SessionId::from_random(scope.platform.bytes()),
    };
    let record = SessionRecord {
        created_at,
        expires_at: created_at.plus_ms(scope.config.session_ms),
        device,
        claims,
    };
    scope.sessions()?.create(&of, &record).await?;
    Ok(issue::tokens(
        scope,
        &of,
        &record,
        Position::first(created_at),
    ))
}
