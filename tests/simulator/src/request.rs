//! Requests as clients send them, and what they read out of the answers.

use serde::Deserialize;
use tokenkeep::http::{
    method::Method,
    reply::Reply,
    request::{Body, Call},
};

use crate::client::Tokens;

/// The worker's service key: it opens the sessions that are simulated.
pub const SERVICE_KEY: &str = "a-service-key-of-at-least-32-bytes";

/// A request as clients send it.
#[must_use]
pub fn call(path: &str, bearer: Option<&str>, body: String) -> Call {
    Call {
        method: if path == "/auth/me" {
            Method::Get
        } else {
            Method::Post
        },
        path: path.into(),
        query: String::new(),
        origin: "https://api.example.com".into(),
        ip: None,
        authorization: bearer.map(|token| format!("Bearer {token}")),
        page_origin: None,
        wanted_headers: None,
        ray: None,
        colo: None,
        body: Body::Whole(body.into_bytes()),
    }
}

/// The login of another back end.
#[must_use]
pub fn opening() -> Call {
    let body = r#"{"userId":"ada"}"#;
    call("/auth/session", Some(SERVICE_KEY), body.into())
}

/// The `code` of a refusal.
#[must_use]
pub fn code(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
    }
    serde_json::from_str::<Refusal>(&reply.body)
        .map_or_else(|_| reply.body.clone(), |refusal| refusal.code)
}

/// The tokens of an answer.
#[must_use]
pub fn tokens(reply: &Reply) -> Option<Tokens> {
    (reply.status == 200)
        .then(|| serde_json::from_str(&reply.body).ok())
        .flatten()
}

/// The body of a refresh or a logout.
#[must_use]
pub fn showing(refresh_token: &str) -> String {
    format!(r#"{{"refreshToken":"{refresh_token}"}}"#)
}
