//! `POST /auth/token`: a new access token for a refresh token.

use crate::{
    http::{error::Error, request::Request},
    log::Line,
    session::{
        issue::{self, Tokens},
        port::HasSessions,
        rule::{IdleWindow, Snapshot, Verdict, judge},
        store::Sessions,
    },
    token::{
        access::AccessToken,
        id::SessionId,
        jws::TokenProblem,
        refresh::{Position, RefreshToken},
        time::UnixMillis,
    },
};

/// How a refresh is decided. The worker knows one rule, [`judge`]; the simulator compares others
/// with it, in this very handler.
pub type Rule = fn(&SessionId, Position, Snapshot, IdleWindow, UnixMillis) -> Verdict;

/// Refreshes: the signature before the store, three keys in one read, the rule, the response. What
/// is worth noting is written after it.
///
/// [`judge`] decides all of it, except for a lost session ([`Verdict::Lost`]): only then is the age
/// of the store read, together with the session once more, and `refuse_lost` decides by that.
///
/// # Errors
/// 400 for bad input; 401 when the session is over; 503 when the store failed.
pub async fn refresh<P: HasSessions>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    refresh_by(judge, request).await
}

/// Refreshes by a rule.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_by<P: HasSessions>(
    rule: Rule,
    request: &Request<'_, P>,
) -> Result<Tokens, Error> {
    let text = request.fields()?.refresh_token()?;
    let now = request.platform.now();
    let token = RefreshToken::verify(&text, &request.config.refresh_keys, now)
        .map_err(|problem| why_refused(request, &text, problem))?;

    let sessions = Sessions::for_request(request)?;
    let stored = sessions.load(&token.session_ref).await?;
    let window = IdleWindow::configured(request.config);
    let session = &token.session_ref.session;

    match rule(session, token.position, stored, window, now) {
        Verdict::Live {
            record,
            answer,
            note,
        } => {
            if let Some(activity) = note {
                sessions.note_after_response(session, activity, window, record.expires_at);
            }
            let session_ref = &token.session_ref;
            Ok(issue::tokens(request, session_ref, &record, answer, now))
        }
        Verdict::NotHereYet => Err(Error::NotHereYet),
        Verdict::Expired => Err(Error::RefreshTokenExpired),
        Verdict::Lost => Err(refuse_lost(request, &sessions, &token).await?),
        Verdict::Revoked => Err(Error::SessionRevoked),
        Verdict::Reused => {
            sessions.end(&token.session_ref, token.session_end).await?;
            request.log(Line::new("refresh_token_reused").about(session));
            Err(Error::RefreshTokenReused)
        }
    }
}

/// What is wrong with a text that is no refresh token, or one that has expired.
fn why_refused<P>(request: &Request<'_, P>, text: &str, problem: TokenProblem) -> Error {
    let access_keys = &request.config.access_keys;
    if problem == TokenProblem::Invalid && AccessToken::even_if_expired(text, access_keys).is_some()
    {
        return Error::AccessTokenAsRefresh;
    }
    Error::of_refresh_token(problem)
}

/// The second decision. A store that is known to be older than the token has lost this one key, and
/// the session is over with it. One that is younger, or has no mark of its age, may be the wrong
/// one, which must not log anyone out. Nor must one that has its data back since the first look.
async fn refuse_lost<P: HasSessions>(
    request: &Request<'_, P>,
    sessions: &Sessions<'_, P>,
    token: &RefreshToken,
) -> Result<Error, Error> {
    let issued_at = token.position.issued_at.millis();
    let (is_here, born_at) = sessions.look_again(&token.session_ref).await?;
    if is_here {
        return Ok(Error::NotHereYet);
    }
    if born_at.is_some_and(|born_at| born_at <= issued_at) {
        return Ok(Error::RefreshTokenExpired);
    }
    let line = Line::new("store_younger_than_token");
    request.log(line.about(&token.session_ref.session));
    Ok(Error::SessionLost)
}
