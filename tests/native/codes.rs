//! The refusals that tests expect, and the error codes as they stand in the source: what documents
//! are checked against.

use std::collections::BTreeSet;

use tokenkeep::http::{error::Error, oauth};

/// The status and the code of a refusal.
pub type Refusal = (u16, &'static str);

pub const INVALID_REQUEST: Refusal = (400, "invalid_request");
pub const CODE_INVALID: Refusal = (400, "code_invalid");
pub const ACCESS_INVALID: Refusal = (401, "access_token_invalid");
pub const ACCESS_EXPIRED: Refusal = (401, "access_token_expired");
pub const REFRESH_INVALID: Refusal = (401, "refresh_token_invalid");
pub const EXPIRED: Refusal = (401, "refresh_token_expired");
pub const REUSED: Refusal = (401, "refresh_token_reused");
pub const REVOKED: Refusal = (401, "session_revoked");
pub const INVALID_CREDENTIALS: Refusal = (401, "invalid_credentials");
pub const SERVICE_KEY_INVALID: Refusal = (401, "service_key_invalid");
pub const WRONG_PASSWORD: Refusal = (403, "wrong_password");
pub const EMAIL_UNVERIFIED: Refusal = (403, "email_unverified");
pub const SIGN_UP_CLOSED: Refusal = (403, "sign_up_closed");
pub const NOT_FOUND: Refusal = (404, "not_found");
pub const METHOD_NOT_ALLOWED: Refusal = (405, "method_not_allowed");
pub const EMAIL_TAKEN: Refusal = (409, "email_taken");
pub const TOO_LARGE: Refusal = (413, "payload_too_large");
pub const TOO_MANY_ATTEMPTS: Refusal = (429, "too_many_attempts");
pub const TOO_MANY_REQUESTS: Refusal = (429, "too_many_requests");
pub const MISCONFIGURED: Refusal = (500, "misconfigured");
pub const UNAVAILABLE: Refusal = (503, "temporarily_unavailable");

/// Status and code of each refusal that OAuth clients get with another status.
pub fn of_oauth() -> BTreeSet<(u16, String)> {
    let refused = [
        Error::RefreshTokenInvalid,
        Error::RefreshTokenExpired,
        Error::RefreshTokenReused,
        Error::SessionRevoked,
    ];
    let replies = refused.iter().map(|error| oauth::reply(error, false));
    replies
        .map(|reply| (reply.status, reply.code.to_owned()))
        .collect()
}

const SOURCE: &str = include_str!("../../src/http/error.rs");

/// Status and code of each answer that `src/http/error.rs` makes.
pub fn in_source() -> BTreeSet<(u16, String)> {
    let answers = SOURCE.split("ErrorReply::new(").skip(1);
    let codes: BTreeSet<(u16, String)> = answers
        .map(|answer| {
            let mut parts = answer.splitn(3, ',').map(str::trim);
            let status = parts.next().and_then(|status| status.parse().ok());
            let code = parts.next().expect("a code").trim_matches('"');
            (status.expect("a status"), code.to_owned())
        })
        .collect();
    assert!(codes.len() > 10, "{codes:?}");
    codes
}
