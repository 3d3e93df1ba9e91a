//! `POST /auth/session`: a session for a user whom the owner's own back end has logged in. Logins to
//! accounts open their sessions here too.

use crate::{
    http::{error::Error, request::Request},
    session::{
        bearer,
        device::Device,
        issue::{self, Tokens},
        port::HasSessions,
        rule::{IdleWindow, SessionRecord},
        store::Sessions,
    },
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
pub async fn open_session<P: HasSessions>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    bearer::require_service_key(request)?;
    let mut fields = request.fields()?;
    let new = NewSession {
        user: fields.required("userId")?,
        at: request.platform.now(),
        device: fields.optional("device")?,
        claims: fields.claims()?,
        has_account: false,
    };
    open(request, new).await
}

/// The data of a new session.
pub struct NewSession {
    /// Whose session it is.
    pub user: UserId,
    /// When it starts.
    pub at: UnixMillis,
    /// What the client calls itself.
    pub device: Option<Device>,
    /// What every access token of the session says.
    pub claims: CustomClaims,
    /// Whether it belongs to an account.
    pub has_account: bool,
}

/// Opens a session and makes its first tokens. One write.
pub async fn open<P: HasSessions>(
    request: &Request<'_, P>,
    new: NewSession,
) -> Result<Tokens, Error> {
    let session_ref = SessionRef {
        user: new.user,
        session: SessionId::from_random(request.platform.bytes()),
    };
    let record = SessionRecord {
        created_at: new.at,
        expires_at: new.at.plus_ms(request.config.session_ms),
        device: new.device.map(Device::into_text),
        claims: new.claims,
        has_account: new.has_account,
    };
    let sessions = Sessions::for_request(request)?;
    sessions.create(&session_ref, &record).await?;
    // Another back end may have good reasons for thousands of sessions of one user.
    if record.has_account {
        let window = IdleWindow::configured(request.config);
        sessions.trim_after_response(&session_ref, window, record.expires_at);
    }
    let position = Position::first(record.created_at);
    let now = request.platform.now();
    Ok(issue::tokens(request, &session_ref, &record, position, now))
}
