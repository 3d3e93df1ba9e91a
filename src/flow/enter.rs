//! Opens a session for an account whose password was right.

use super::{Scope, issue};
use crate::{
    domain::{
        account::Account,
        claims::CustomClaims,
        id::{SessionId, SessionRef, UserId},
        session::{Position, SessionRecord},
        time::UnixMillis,
    },
    error::Error,
    port::Platform,
    wire::{Tokens, Welcome},
};

/// The claim that every login puts into its session.
pub(super) const EMAIL_CLAIM: &str = "email";

/// A session that is about to begin.
pub(super) struct Beginning {
    pub user: UserId,
    pub at: UnixMillis,
    pub device: Option<String>,
    pub claims: CustomClaims,
    /// Whether it is of an account.
    pub has_account: bool,
}

/// Opens a session and makes its first tokens. One write.
pub(super) async fn open<P: Platform>(
    scope: &Scope<'_, P>,
    beginning: Beginning,
) -> Result<Tokens, Error> {
    let of = SessionRef {
        user: beginning.user,
        session: SessionId::from_random(scope.platform.bytes()),
    };
    let record = SessionRecord {
        created_at: beginning.at,
        expires_at: beginning.at.plus_ms(scope.config.session_ms),
        device: beginning.device,
        claims: beginning.claims,
        has_account: beginning.has_account,
    };
    let sessions = scope.sessions()?;
    sessions.create(&of, &record).await?;
    // Another back end may have good reasons for thousands of sessions of one user.
    if record.has_account {
        let window = scope.config.idle_window;
        sessions.trim_after_response(&of, window, record.expires_at);
    }
    let position = Position::first(record.created_at);
    Ok(issue::tokens(scope, &of, &record, position))
}

/// A session for an account, begun at the guard's stamp.
pub(super) async fn welcome<P: Platform>(
    scope: &Scope<'_, P>,
    account: Account,
    at: UnixMillis,
    device: Option<String>,
) -> Result<Welcome, Error> {
    let beginning = Beginning {
        user: account.id,
        at,
        device,
        claims: CustomClaims::of_login(EMAIL_CLAIM, account.email.as_str()),
        has_account: true,
    };
    let tokens = open(scope, beginning).await?;
    Ok(Welcome {
        tokens,
        email: account.email.as_str().to_owned(),
        name: account.name.map(|name| name.as_str().to_owned()),
    })
}
