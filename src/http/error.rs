//! Everything that can go wrong, and the one place that turns it into a reply.
//!
//! A 401 makes an app log its user out, so only an invalid token or password gets one. A failure on
//! our side is a 5xx.

use serde::Serialize;

use crate::{config::ConfigError, http::reply::Reply, port::Fault, token::jws::TokenProblem};

/// What `Retry-After` says after a fault of ours, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 2;

/// Input that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadInput {
    /// The field that is wrong; none when the body as a whole is.
    pub field: Option<&'static str>,
    /// What to do about it. It never repeats the input.
    pub message: String,
}

impl BadInput {
    /// The body as a whole is wrong.
    #[must_use]
    pub fn body(message: &str) -> Self {
        Self {
            field: None,
            message: message.into(),
        }
    }

    /// One field is wrong: `problem` goes on from the field's name.
    #[must_use]
    pub fn field(field: &'static str, problem: &str) -> Self {
        Self {
            field: Some(field),
            message: format!("{field} {problem}."),
        }
    }
}

/// Why a request does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 400.
    #[error("bad input")]
    BadInput(#[from] BadInput),
    /// 400: an OAuth client asks for tokens in a way that there is not.
    #[error("unsupported grant type")]
    UnsupportedGrantType,
    /// 400: not the code that was sent to this address, or not any more.
    #[error("code invalid")]
    CodeInvalid,
    /// 401: not a refresh token of ours.
    #[error("refresh token invalid")]
    RefreshTokenInvalid,
    /// 401: an access token in its place.
    #[error("access token in place of the refresh token")]
    AccessTokenAsRefresh,
    /// 401: the session reached its idle window or its end.
    #[error("refresh token expired")]
    RefreshTokenExpired,
    /// 401: a token from before the chain moved on was shown.
    #[error("refresh token reused")]
    RefreshTokenReused,
    /// 401: the session was ended.
    #[error("session revoked")]
    SessionRevoked,
    /// 401: no access token was sent.
    #[error("access token missing")]
    AccessTokenMissing,
    /// 401: not an access token of ours.
    #[error("access token invalid")]
    AccessTokenInvalid,
    /// 401: an access token past its end.
    #[error("access token expired")]
    AccessTokenExpired,
    /// 401: an access token of a session that was ended.
    #[error("session of the access token revoked")]
    BearerRevoked,
    /// 401: wrong or missing service key, or none is set.
    #[error("service key invalid")]
    ServiceKeyInvalid,
    /// 401: wrong address or password.
    #[error("credentials invalid")]
    InvalidCredentials,
    /// 403: the password that was asked for again was wrong. Not 401: the user stays logged in.
    #[error("password wrong")]
    WrongPassword,
    /// 403: the password is right, and the address has to be verified first.
    #[error("e-mail unverified")]
    EmailUnverified,
    /// 403: no new accounts.
    #[error("sign-up closed")]
    SignUpClosed,
    /// 409: the address has an account with another password.
    #[error("e-mail taken")]
    EmailTaken,
    /// 429: too many attempts failed, or too many had success; the seconds to wait.
    #[error("too many attempts")]
    TooManyAttempts(u64),
    /// 429: too many requests of one user; the seconds to wait.
    #[error("too many requests")]
    TooManyRequests(u64),
    /// 429: too many sign-ups of all; the seconds until the hour ends.
    #[error("too many sign-ups")]
    TooManySignUps(u64),
    /// 404.
    #[error("not found")]
    NotFound,
    /// 405, with what would be allowed.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// 413.
    #[error("payload too large")]
    PayloadTooLarge,
    /// 500: the owner has something to fix.
    #[error("{}", .0.name())]
    Misconfigured(ConfigError),
    /// 503: the store failed.
    #[error("store: {0}")]
    Store(Fault),
    /// 503: the store is younger than a token whose session it does not have.
    #[error("the store is younger than the token")]
    SessionLost,
    /// 503: the account of a session is not in the table, and was not deleted.
    #[error("the account's row is missing")]
    AccountMissing,
    /// 503: a login has not reached this place yet.
    #[error("session not here yet")]
    NotHereYet,
}

impl Error {
    /// What a refresh says about a bad token.
    #[must_use]
    pub fn of_refresh_token(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Invalid => Self::RefreshTokenInvalid,
            TokenProblem::Expired => Self::RefreshTokenExpired,
        }
    }

    /// What a Bearer route says about a bad token.
    #[must_use]
    pub fn of_access_token(problem: TokenProblem) -> Self {
        match problem {
            TokenProblem::Invalid => Self::AccessTokenInvalid,
            TokenProblem::Expired => Self::AccessTokenExpired,
        }
    }

    /// Status, code and message, and the header that goes with them. The owner's computer needs another
    /// fix than the internet.
    #[must_use]
    pub fn reply(&self, is_local: bool) -> ErrorReply {
        const LOG_IN: &str = "The user has to log in again.";
        match self {
            Self::BadInput(input) => ErrorReply {
                field: input.field,
                ..ErrorReply::new(400, "invalid_request", input.message.clone())
            },
            Self::CodeInvalid => ErrorReply {
                field: Some("code"),
                ..ErrorReply::new(400, "code_invalid", "The code is wrong, too old or used. Check it and the e-mail address, or ask for a new code.")
            },
            Self::UnsupportedGrantType => ErrorReply::new(400, "unsupported_grant_type", "There is only grant_type=refresh_token here. Users log in with POST /auth/login."),
            Self::RefreshTokenInvalid => ErrorReply::new(401, "refresh_token_invalid", "This is not a refresh token of this server. Check that you send the whole refreshToken, not the accessToken. If you do, the user has to log in again."),
            Self::AccessTokenAsRefresh => ErrorReply::new(401, "refresh_token_invalid", "This is the accessToken; send the refreshToken."),
            Self::RefreshTokenExpired => ErrorReply::new(401, "refresh_token_expired", format!("The session is over: it was unused for too long, or has reached its maximum age. {LOG_IN}")),
            Self::RefreshTokenReused => ErrorReply::new(401, "refresh_token_reused", format!("An old copy of a refresh token was used, so the session was ended to be safe. {LOG_IN}")),
            Self::SessionRevoked => ErrorReply::new(401, "session_revoked", format!("The session was ended. {LOG_IN}")),
            Self::AccessTokenMissing => ErrorReply::new(401, "access_token_invalid", "Send the access token in the header: Authorization: Bearer <accessToken>.").challenge("Bearer"),
            Self::AccessTokenInvalid => ErrorReply::new(401, "access_token_invalid", "This is not an access token of this server. Send accessToken, not refreshToken; get a new one from POST /auth/token.").challenge(INVALID_TOKEN),
            Self::AccessTokenExpired => ErrorReply::new(401, "access_token_expired", "The access token has expired. Get a new one from POST /auth/token.").challenge(INVALID_TOKEN),
            Self::BearerRevoked => ErrorReply::new(401, "session_revoked", format!("The session was ended. {LOG_IN}")).challenge(INVALID_TOKEN),
            Self::ServiceKeyInvalid => ErrorReply::new(401, "service_key_invalid", "Send the service key in the header: Authorization: Bearer <service_key>. The owner sets it with: npx tokenkeep secret service_key").challenge("Bearer"),
            Self::InvalidCredentials => ErrorReply::new(401, "invalid_credentials", "The e-mail address or the password is wrong. Check both and try again."),
            Self::WrongPassword => ErrorReply::new(403, "wrong_password", "The password is wrong. Try again; you are still logged in."),
            Self::EmailUnverified => ErrorReply::new(403, "email_unverified", "The e-mail address has to be confirmed first. Enter the code that was sent to it."),
            Self::SignUpClosed => ErrorReply::new(403, "sign_up_closed", "New accounts cannot be created at the moment."),
            Self::EmailTaken => ErrorReply::new(409, "email_taken", "An account with this e-mail address already exists. Log in instead."),
            Self::TooManyAttempts(seconds) => ErrorReply::new(429, "too_many_attempts", format!("Too many attempts. Try again in {seconds} seconds.")).with("Retry-After", seconds.to_string()),
            Self::TooManyRequests(seconds) => ErrorReply::new(429, "too_many_requests", format!("Too many requests. Nothing is lost: try again in {seconds} seconds.")).with("Retry-After", seconds.to_string()),
            Self::TooManySignUps(seconds) => ErrorReply::new(429, "too_many_requests", format!("Too many people are signing up at the moment. Try again in {} minutes.", seconds.div_ceil(60))).with("Retry-After", seconds.to_string()),
            Self::NotFound => ErrorReply::new(404, "not_found", "There is nothing at this path. Check the URL of the request."),
            Self::MethodNotAllowed(allowed) => ErrorReply::new(405, "method_not_allowed", format!("This path accepts only: {allowed}.")).with("Allow", allowed.clone()),
            Self::PayloadTooLarge => ErrorReply::new(413, "payload_too_large", "The request body is larger than 16 KiB. Send less: claims are for a role, not for a profile."),
            Self::Misconfigured(error) => ErrorReply::new(500, "misconfigured", format!("This server is not fully set up: {}", error.message(is_local))),
            Self::AccountMissing | Self::SessionLost => ErrorReply::new(503, "temporarily_unavailable", "Something failed on our side. You are not logged out: send the same request again.").retry(),
            Self::Store(_) => ErrorReply::new(503, "temporarily_unavailable", "Something failed on our side. Nothing is lost: send the same request again.").retry(),
            Self::NotHereYet => ErrorReply::new(503, "temporarily_unavailable", "This login has not reached this data centre yet. Nothing is lost: send the same request again.").retry(),
        }
    }
}

impl From<Fault> for Error {
    /// A missing binding is for the owner to fix; everything else passes.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotBound(binding) => Self::Misconfigured(ConfigError::NotBound(binding)),
            other => Self::Store(other),
        }
    }
}

/// RFC 6750, section 3: named only when a token was sent.
const INVALID_TOKEN: &str = r#"Bearer error="invalid_token""#;

/// An error as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorReply {
    /// HTTP status.
    pub status: u16,
    /// For programs: never changes its meaning.
    pub code: &'static str,
    /// For people: what to do next.
    pub message: String,
    /// The field that is wrong.
    pub field: Option<&'static str>,
    /// A header that belongs to the status.
    pub header: Option<(&'static str, String)>,
    /// For OAuth clients: the name of the error, and the message in their characters.
    pub oauth: Option<(&'static str, String)>,
}

/// The body of every error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(flatten)]
    oauth: Option<OAuthError<'a>>,
}

/// RFC 6749, section 5.2.
#[derive(Serialize)]
struct OAuthError<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl ErrorReply {
    /// The reply to the request of this name.
    #[must_use]
    pub fn to_reply(&self, request_id: &str) -> Reply {
        let oauth = self.oauth.as_ref().map(|(error, description)| OAuthError {
            error,
            error_description: description,
        });
        let mut reply = Reply::json(
            self.status,
            &ErrorBody {
                oauth,
                code: self.code,
                message: &self.message,
                request_id,
                field: self.field,
            },
        );
        reply.headers.extend(self.header.clone());
        reply
    }

    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            field: None,
            header: None,
            oauth: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some((name, value.into()));
        self
    }

    fn challenge(self, value: &'static str) -> Self {
        self.with("WWW-Authenticate", value)
    }

    fn retry(self) -> Self {
        self.with("Retry-After", RETRY_AFTER_SECONDS.to_string())
    }
}
