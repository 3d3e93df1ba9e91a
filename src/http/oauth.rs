//! What is different for OAuth clients: they send forms, and read errors by the names of RFC 6749.
//!
//! Such a client is known by the path, or, at `/auth/token`, by a form with `grant_type`: that is the
//! parameter that every request for tokens has (RFC 6749, section 6), and no other client sends.

use crate::http::{
    body::is_form_with,
    error::{BadInput, Error, ErrorReply},
    fields::Fields,
    request::{Body, Call, Request, parts},
};

/// What must never be in a URL, which is kept in logs and histories (RFC 6749, section 2.3.1; RFC
/// 9700, section 4.3.2).
const SECRET_PARAMETERS: [&str; 4] = ["refresh_token", "access_token", "token", "client_secret"];

/// Whether an OAuth client has sent this.
#[must_use]
pub fn is_oauth(call: &Call) -> bool {
    let mut path = parts(&call.path);
    match (path.next(), path.next(), path.next()) {
        (Some("oauth"), ..) => true,
        (Some("auth"), Some("token"), None) => {
            matches!(&call.body, Body::Whole(body) if is_form_with(body, "grant_type"))
        }
        _ => false,
    }
}

/// The parameters of an OAuth request. One without a value counts as absent (RFC 6749, section 3.2).
///
/// # Errors
/// 400 for a body that is no form or has a parameter twice, and for a token in the URL.
pub fn parameters<P>(request: &Request<'_, P>, example: &str) -> Result<Fields, Error> {
    let query = form_urlencoded::parse(request.call.query.as_bytes());
    for (name, _) in query {
        if SECRET_PARAMETERS.contains(&name.as_ref()) {
            return Err(BadInput::body("There is a token or a secret in the URL, which logs and histories keep. Send it in the form.").into());
        }
    }
    Ok(Fields::parse_form(request.call.whole_body()?, example)?)
}

/// The reply to an error, as OAuth clients read it: with `error` and `error_description`, and with the
/// status of RFC 6749 where a refresh token is refused.
#[must_use]
pub fn reply(error: &Error, is_local: bool) -> ErrorReply {
    let own = error.reply(is_local);
    let (status, name) = match error {
        Error::RefreshTokenInvalid
        | Error::AccessTokenAsRefresh
        | Error::RefreshTokenExpired
        | Error::RefreshTokenReused
        | Error::SessionRevoked => (400, "invalid_grant"),
        // RFC 6750, section 3.1.
        Error::AccessTokenMissing
        | Error::AccessTokenInvalid
        | Error::AccessTokenExpired
        | Error::BearerRevoked => (own.status, "invalid_token"),
        Error::ServiceKeyInvalid => (own.status, "invalid_client"),
        Error::Misconfigured(_) => (own.status, "server_error"),
        _ => (own.status, own.code),
    };
    ErrorReply {
        status,
        header: challenge(error).or(own.header),
        oauth: Some((name, description(&own.message))),
        ..own
    }
}

/// Both ways to send the service key (RFC 6749, section 5.2).
fn challenge(error: &Error) -> Option<(&'static str, String)> {
    let both = r#"Bearer, Basic realm="service_key""#;
    matches!(error, Error::ServiceKeyInvalid).then(|| ("WWW-Authenticate", both.into()))
}

/// A message in the characters that `error_description` may have (RFC 6749, section 5.2).
fn description(message: &str) -> String {
    let allowed = |c| match c {
        '"' => '\'',
        ' '..='!' | '#'..='[' | ']'..='~' => c,
        _ => '?',
    };
    message
        .replace('\u{2026}', "...")
        .chars()
        .map(allowed)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_no_quotation_marks_and_nothing_beyond_ascii() {
        let text = description("Send \"é\" or \\ such as {\"a\": \"…\"}.");
        assert_eq!(text, "Send '?' or ? such as {'a': '...'}.");
    }
}
