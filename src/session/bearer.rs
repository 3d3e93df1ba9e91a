//! Who is calling: the bearer of an access token, or the owner with the service key.

use crate::{
    config::Config,
    http::{
        error::Error,
        fields::{has_placeholder, unfilled},
        scope::Scope,
    },
    port::Platform,
    session::rule::{CutOff, SessionRecord, StoredSession, is_ended},
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

/// Checks the request's access token and looks at its session: two keys in one read.
pub async fn bearer<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
) -> Result<Bearer, Error> {
    let text = credentials(authorization)?.ok_or(Error::AccessTokenMissing)?;
    if text.len() > TOKEN_BYTES {
        return Err(Error::AccessTokenInvalid);
    }
    let now = scope.platform.now();
    let token = AccessToken::verify(text, &scope.config.access_keys, now)
        .map_err(Error::of_access_token)?;
    let stored = scope.sessions()?.load_without_activity(&token.of).await?;
    if is_ended(&token.of.session, token.issued_at, &stored) {
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

/// The service key of the request.
pub fn service(config: &Config, authorization: Option<&str>) -> Result<(), Error> {
    let expected = config
        .service_key
        .as_ref()
        .map_err(|error| Error::Misconfigured(*error))?;
    match (expected, credentials(authorization)?) {
        (Some(key), Some(shown)) if key.matches(shown) => Ok(()),
        _ => Err(Error::ServiceKeyInvalid),
    }
}

/// What follows `Bearer` (RFC 6750, section 2.1; the scheme's case does not matter: RFC 9110,
/// section 11.1). None where there is no such header, or one of another scheme.
fn credentials(authorization: Option<&str>) -> Result<Option<&str>, Error> {
    let value = authorization.unwrap_or_default().trim_ascii();
    if has_placeholder(value) {
        return Err(unfilled("Authorization").into());
    }
    let Some((scheme, credentials)) = value.split_once(' ') else {
        return Ok(None);
    };
    let credentials = credentials.trim_ascii_start();
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_spelled_in_any_case() {
        for header in ["Bearer x.y.z", "bearer x.y.z", " BEARER  x.y.z "] {
            assert_eq!(credentials(Some(header)), Ok(Some("x.y.z")));
        }
    }

    #[test]
    fn only_white_space_of_http_is_left_out() {
        for space in ["\u{a0}", "\u{85}", "\u{2028}", "\u{3000}", "\u{feff}"] {
            let header = format!("Bearer {space}x.y.z{space}");
            let token = format!("{space}x.y.z{space}");
            assert_eq!(credentials(Some(&header)), Ok(Some(token.as_str())));
        }
    }

    #[test]
    fn another_scheme_or_nothing_is_no_token() {
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Basic eDp5"),
            Some("x.y.z"),
        ] {
            assert_eq!(credentials(header), Ok(None));
        }
    }

    #[test]
    fn an_unfilled_variable_is_bad_input_and_logs_nobody_out() {
        for header in [
            "Bearer ${accessToken}",
            "Bearer Bearer ${accessToken}",
            "Bearer${accessToken}",
            "${accessToken}",
            "Token ${x}",
        ] {
            let error = credentials(Some(header)).expect_err("a placeholder");
            assert_eq!(error.answer().status, 400);
        }
    }
}
