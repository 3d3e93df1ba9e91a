//! Requests as clients send them, and what they read in replies.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use tokenkeep::{
    config::{Settings, name},
    http::{
        method::Method,
        reply::Reply,
        request::{Body, Call},
    },
};

/// `refresh_token_secret`, unless a test sets another one.
pub const REFRESH_SECRET: &str = "a-refresh-secret-of-at-least-32-bytes";
/// `service_key`, unless a test sets another one.
pub const SERVICE_KEY: &str = "a-service-key-of-at-least-32-bytes";

/// The owner's settings: these, and the two secrets.
#[must_use]
pub fn settings(values: &[(&str, &str)]) -> Settings {
    let secrets = [
        (name::REFRESH_SECRET, REFRESH_SECRET),
        (name::SERVICE_KEY, SERVICE_KEY),
    ];
    Settings::read(|name| {
        let mut known = values.iter().chain(&secrets);
        let found = known.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// A request to this path, with or without a query.
#[must_use]
pub fn call(
    method: Method,
    path: &str,
    authorization: Option<&str>,
    body: impl Into<Vec<u8>>,
) -> Call {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Call {
        method,
        path: path.into(),
        query: query.into(),
        origin: "https://api.example.com".into(),
        ip: None,
        authorization: authorization.map(Into::into),
        page_origin: None,
        wanted_headers: None,
        ray: None,
        colo: None,
        body: Body::Whole(body.into()),
        waited_ms: 0,
    }
}

/// `Authorization` with this token.
#[must_use]
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The body of a refresh or a logout.
#[must_use]
pub fn showing(refresh_token: &str) -> String {
    format!(r#"{{"refreshToken":"{refresh_token}"}}"#)
}

/// What a client keeps of a reply that has tokens.
#[derive(Debug, Clone, Deserialize)]
pub struct Tokens {
    /// The access token.
    #[serde(rename = "accessToken")]
    pub access: String,
    /// The refresh token.
    #[serde(rename = "refreshToken")]
    pub refresh: String,
    /// The session's id.
    #[serde(rename = "sessionId")]
    pub session: String,
}

impl Tokens {
    /// The tokens of a reply, if it has any.
    #[must_use]
    pub fn read(reply: &Reply) -> Option<Self> {
        let is_good = reply.status == 200;
        is_good.then(|| serde_json::from_str(&reply.body).ok())?
    }

    /// Where the refresh token stands in its chain.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp::of(&self.refresh)
    }
}

/// What a client shows to be refreshed.
impl AsRef<str> for Tokens {
    fn as_ref(&self) -> &str {
        &self.refresh
    }
}

/// A refresh token's place in its chain. The order is that of newness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Stamp {
    /// `gen`
    pub r#gen: u32,
    /// `iat`, in seconds.
    pub iat: u64,
}

impl Stamp {
    /// What a refresh token says, whoever signed it.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn of(refresh_token: &str) -> Self {
        let claims = refresh_token.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        serde_json::from_slice(&claims).expect("claims of ours")
    }
}
