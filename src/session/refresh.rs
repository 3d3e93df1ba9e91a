//! `POST /auth/token`: a new access token for a refresh token.

use crate::{
    http::{answers::Tokens, error::Error, fields::Fields, scope::Scope},
    log::Line,
    port::Platform,
    session::{
        issue,
        rule::{IdleWindow, Snapshot, Verdict, judge},
    },
    token::{
        id::SessionId,
        refresh::{Position, RefreshToken},
        time::UnixMillis,
    },
};

/// How a refresh is decided. The worker knows one rule, [`judge`]; the simulator holds others
/// against it, in this very flow.
pub type Rule = fn(&SessionId, Position, Snapshot, IdleWindow, UnixMillis) -> Verdict;

/// Refreshes: signature before storage, three keys in one read, the rule, the answer; what is
/// worth noting is written after it.
///
/// # Errors
/// 400 for bad input; 401 when the session is truly over; 503 when the store failed.
pub async fn refresh<P: Platform>(scope: &Scope<'_, P>, body: &[u8]) -> Result<Tokens, Error> {
    refresh_by(judge, scope, body).await
}

/// Refreshes by a rule.
///
/// # Errors
/// As [`refresh`].
pub async fn refresh_by<P: Platform>(
    rule: Rule,
    scope: &Scope<'_, P>,
    body: &[u8],
) -> Result<Tokens, Error> {
    let text = Fields::parse(body)?.refresh_token()?;
    let now = scope.platform.now();
    let token = RefreshToken::verify(&text, &scope.config.refresh_keys, now)
        .map_err(Error::of_refresh_token)?;

    let sessions = scope.sessions()?;
    let stored = sessions.load(&token.of).await?;
    let window = scope.config.idle_window;

    match rule(&token.of.session, token.position, stored, window, now) {
        Verdict::Live {
            record,
            answer,
            note,
        } => {
            if let Some(activity) = note {
                let session_end = record.expires_at;
                sessions.note_after_response(&token.of.session, activity, window, session_end);
            }
            Ok(issue::tokens(scope, &token.of, &record, answer))
        }
        Verdict::NotYetHere => Err(Error::NotHereYet),
        Verdict::Expired => Err(Error::RefreshTokenExpired),
        Verdict::Revoked => Err(Error::SessionRevoked),
        Verdict::Reused => {
            sessions.end(&token.of, token.session_end).await?;
            scope.log(Line::of("refresh_token_reused").about(&token.of.session));
            Err(Error::RefreshTokenReused)
        }
    }
}
