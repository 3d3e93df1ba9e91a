//! Who is calling: the bearer of an access token, or the owner with the service key.

use crate::{
    http::{error::Error, request::Request},
    port::Runtime,
    session::{
        port::HasSessions,
        rule::{CutOff, SessionRecord, StoredSession},
        store::Sessions,
    },
    token::{TOKEN_BYTES, access::AccessToken},
};

/// The bearer of an access token, of a session that was not ended.
pub struct Bearer {
    /// The token that was sent.
    pub token: AccessToken,
    /// The session as the store has it; none where it has not arrived here yet, or has run out.
    pub record: Option<SessionRecord>,
    /// What ended other sessions of the user, if anything did.
    pub cut_off: Option<CutOff>,
}

/// Verifies the request's access token and looks at its session: two keys in one read.
pub async fn bearer<P: HasSessions>(request: &Request<'_, P>) -> Result<Bearer, Error> {
    let text = request.credentials()?.ok_or(Error::AccessTokenMissing)?;
    if text.len() > TOKEN_BYTES {
        return Err(Error::AccessTokenInvalid);
    }
    let now = request.platform.now();
    let token = AccessToken::verify(text, &request.config.access_keys, now)
        .map_err(Error::of_access_token)?;
    let sessions = Sessions::for_request(request)?;
    let stored = sessions.load_without_activity(&token.session_ref).await?;
    if stored.refuses_bearer(&token.session_ref.session, token.issued_at, now) {
        return Err(Error::BearerRevoked);
    }
    let record = match stored.session {
        Some(StoredSession::Open(record)) => Some(record),
        _ => None,
    };
    Ok(Bearer {
        token,
        record,
        cut_off: stored.cut_off,
    })
}

/// Checks that the request carries the service key.
pub fn require_service_key<P: Runtime>(request: &Request<'_, P>) -> Result<(), Error> {
    let expected = request
        .config
        .service_key
        .as_ref()
        .map_err(|error| Error::Misconfigured(*error))?;
    match (expected, request.credentials()?) {
        (Some(key), Some(shown)) if key.matches(shown) => Ok(()),
        _ => Err(Error::ServiceKeyInvalid),
    }
}
