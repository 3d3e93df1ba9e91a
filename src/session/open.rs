//! `POST /auth/session`: a session for a user whom the owner's own back end has logged in.

use crate::{
    http::{answers::Tokens, error::Error, fields::Fields, scope::Scope},
    port::Platform,
    session::{bearer, issue, rule::SessionRecord},
    token::{
        claims::CustomClaims,
        id::{SessionId, SessionRef, UserId},
        refresh::Position,
        time::UnixMillis,
    },
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
    bearer::service(scope.config, authorization)?;
    let mut fields = Fields::parse(body)?;
    let user = fields.user_id()?;
    let device = fields.device()?;
    let claims = fields.claims()?;
    let beginning = Beginning {
        user,
        at: scope.platform.now(),
        device,
        claims,
        has_account: false,
    };
    open(scope, beginning).await
}

/// A session that is about to begin.
pub struct Beginning {
    /// Whose session it is.
    pub user: UserId,
    /// When it starts.
    pub at: UnixMillis,
    /// What the client calls itself.
    pub device: Option<String>,
    /// What every access token of the session says.
    pub claims: CustomClaims,
    /// Whether it is of an account.
    pub has_account: bool,
}

/// Opens a session and makes its first tokens. One write.
pub async fn open<P: Platform>(
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
