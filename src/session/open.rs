//! `POST /auth/session`: a session for a user whom the owner's own back end has logged in. Logins to
//! accounts open their sessions here too.

use crate::{
    http::{error::Error, request::Request},
    session::{
        bearer,
        device::device,
        issue::{self, Tokens},
        port::HasSessions,
        rule::SessionRecord,
        store::{self, Limits},
    },
    token::{
        claims::CustomClaims,
        id::{Realm, SessionId, SessionRef, UserId},
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
        device: device(&mut fields),
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
    pub device: Option<String>,
    /// What every access token of the session says.
    pub claims: CustomClaims,
    /// Whether it belongs to an account.
    pub has_account: bool,
}

impl NewSession {
    fn record<P>(&self, id: SessionId, request: &Request<'_, P>) -> (SessionRef, SessionRecord) {
        let realm = if self.has_account {
            Realm::Account
        } else {
            Realm::Service
        };
        let session_ref = SessionRef {
            realm,
            user: self.user.clone(),
            session: id,
        };
        let record = SessionRecord {
            created_at: self.at,
            expires_at: self.at.plus_ms(request.config.session_ms),
            device: self.device.clone(),
            claims: self.claims.clone(),
            has_account: self.has_account,
        };
        (session_ref, record)
    }
}

/// Opens a session and makes its first tokens. One write.
pub async fn open<P: HasSessions>(
    request: &Request<'_, P>,
    new: NewSession,
) -> Result<Tokens, Error> {
    let id = SessionId::from_random(request.platform.bytes());
    open_as(request, id, new).await
}

/// The same, with an id that was chosen before.
pub async fn open_as<P: HasSessions>(
    request: &Request<'_, P>,
    id: SessionId,
    new: NewSession,
) -> Result<Tokens, Error> {
    let (session_ref, record) = new.record(id, request);
    let limits = Limits::configured(request.config);
    let sessions = store::for_request(request)?;
    sessions.create(&session_ref, &record, limits).await?;
    first_tokens(request, &session_ref, &record).await
}

/// Opens a session that another copy of the request may have opened before, and that may have been
/// ended since.
pub async fn open_again<P: HasSessions>(
    request: &Request<'_, P>,
    id: SessionId,
    new: NewSession,
) -> Result<Tokens, Error> {
    let (session_ref, record) = new.record(id, request);
    let sessions = store::for_request(request)?;
    if !sessions.create_again(&session_ref, &record).await? {
        return Err(Error::BearerRevoked);
    }
    first_tokens(request, &session_ref, &record).await
}

async fn first_tokens<P: HasSessions>(
    request: &Request<'_, P>,
    session_ref: &SessionRef,
    record: &SessionRecord,
) -> Result<Tokens, Error> {
    let position = Position::first(record.created_at);
    let now = request.platform.now();
    issue::tokens(request, session_ref, record, position, now).await
}
