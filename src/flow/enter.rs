//! Opens a session for an account whose password was right.

use super::{Scope, issue};
use crate::{
    domain::{
        account::Account,
        claims::CustomClaims,
        id::{SessionId, SessionRef},
        session::{Position, SessionRecord},
        time::UnixMillis,
    },
    error::Error,
    port::Platform,
    wire::{Tokens, Welcome},
};

/// The claim that every login puts into its session.
pub(super) const EMAIL_CLAIM: &str = "email";

/// Opens a session and makes its first tokens. One write.
pub(super) async fn open<P: Platform>(
    scope: &Scope<'_, P>,
    user: crate::domain::id::UserId,
    created_at: UnixMillis,
    device: Option<String>,
    claims: CustomClaims,
) -> Result<Tokens, Error> {
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

/// A session for an account, begun at the guard's stamp.
pub(super) async fn welcome<P: Platform>(
    scope: &Scope<'_, P>,
    account: Account,
    at: UnixMillis,
    device: Option<String>,
) -> Result<Welcome, Error> {
    let claims = CustomClaims::of_login(EMAIL_CLAIM, account.email.as_str());
    let tokens = open(scope, account.id, at, device, claims).await?;
    Ok(Welcome {
        tokens,
        email: account.email.as_str().to_owned(),
        name: account.name.map(|name| name.as_str().to_owned()),
    })
}
