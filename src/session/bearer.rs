//! Who is calling: the bearer of an access token, or the owner with the service key.

use crate::{
    http::{error::Error, request::Request},
    port::{RateLimit, Runtime},
    session::{
        access,
        port::HasSessions,
        rule::{CutOff, SessionRecord, StoredSession},
        store,
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

/// How long asking a rate limit may take. It counts in memory, so this is far beyond what it needs.
const LIMIT_TIMEOUT_MS: u64 = 500;

/// Within how many seconds a rate limit counts: what `Retry-After` says.
const LIMIT_PERIOD_SECONDS: u64 = 60;

/// Verifies the request's access token and looks at its session: two keys in one read.
///
/// Requests are counted by user, and refused before they cost a read when there are too many.
pub async fn bearer<P: HasSessions>(request: &Request<'_, P>) -> Result<Bearer, Error> {
    let token = verified(request).await?;
    count(
        request,
        RateLimit::Requests,
        token.session_ref.user.as_str(),
    )
    .await?;
    live(request, token).await
}

/// The same for a list of sessions, of which there may be fewer.
pub async fn bearer_of_list<P: HasSessions>(request: &Request<'_, P>) -> Result<Bearer, Error> {
    let token = verified(request).await?;
    let user = token.session_ref.user.as_str();
    count(request, RateLimit::Lists, user).await?;
    count(request, RateLimit::Requests, user).await?;
    live(request, token).await
}

/// The same for what helps against a thief: other passwords and the end of sessions. It is counted
/// by session, so that a thief who uses up the user's requests cannot keep the owner, who has logged
/// in anew, from ending the stolen session.
pub async fn bearer_of_remedy<P: HasSessions>(request: &Request<'_, P>) -> Result<Bearer, Error> {
    let token = verified(request).await?;
    let session = token.session_ref.session.as_str();
    count(request, RateLimit::Requests, session).await?;
    live(request, token).await
}

/// Counts a request of this user or session.
///
/// A limit that is not bound, fails or does not answer refuses nobody. Nothing is counted by IP
/// address: all users of an app may call from one.
async fn count<P: HasSessions>(
    request: &Request<'_, P>,
    limit: RateLimit,
    key: &str,
) -> Result<(), Error> {
    let counting = request.platform.is_over(limit, key);
    let deadline = request.deadline;
    match deadline
        .within(LIMIT_TIMEOUT_MS, request.platform, counting)
        .await
    {
        Ok(true) => Err(Error::TooManyRequests(LIMIT_PERIOD_SECONDS)),
        Ok(false) | Err(_) => Ok(()),
    }
}

/// The request's access token, if it is one of ours.
async fn verified<P: HasSessions>(request: &Request<'_, P>) -> Result<AccessToken, Error> {
    let text = request.bearer_token()?.ok_or(Error::AccessTokenMissing)?;
    access_token(request, text).await
}

/// The access token in a text, if it is one of ours.
///
/// # Errors
/// It is not, or has expired.
pub async fn access_token<P: Runtime>(
    request: &Request<'_, P>,
    text: &str,
) -> Result<AccessToken, Error> {
    if text.len() > TOKEN_BYTES {
        return Err(Error::AccessTokenInvalid);
    }
    let now = request.platform.now();
    let token = access::verify(request, text, now).await?;
    token.map_err(Error::of_access_token)
}

/// Looks at the session of a token.
///
/// # Errors
/// 401 when it was ended; the store failed.
pub async fn live<P: HasSessions>(
    request: &Request<'_, P>,
    token: AccessToken,
) -> Result<Bearer, Error> {
    let sessions = store::for_request(request)?;
    let stored = sessions.look_up(&token.session_ref).await?;
    let now = request.platform.now();
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

/// Checks that the request carries the service key as a Bearer token.
pub fn require_service_key<P: Runtime>(request: &Request<'_, P>) -> Result<(), Error> {
    // A key may be any text, also one in quotation marks.
    let is_ours = is_service_key(request, request.credentials())?
        || is_service_key(request, request.bearer_token()?)?;
    is_ours.then_some(()).ok_or(Error::ServiceKeyInvalid)
}

/// The same for OAuth clients, which may send it as the password of `Basic`, with any user name.
pub fn require_service_key_of_client<P: Runtime>(request: &Request<'_, P>) -> Result<(), Error> {
    let Some(spellings) = request.basic_password() else {
        return require_service_key(request);
    };
    for password in spellings {
        if is_service_key(request, Some(&password))? {
            return Ok(());
        }
    }
    Err(Error::ServiceKeyInvalid)
}

fn is_service_key<P>(request: &Request<'_, P>, shown: Option<&str>) -> Result<bool, Error> {
    let expected = request.config.service_key.as_ref();
    let expected = expected.map_err(|error| Error::Misconfigured(*error))?;
    let both = expected.as_ref().zip(shown);
    Ok(both.is_some_and(|(key, shown)| key.matches(shown)))
}
