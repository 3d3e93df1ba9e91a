//! Requests as apps send them, and the codes of refusals.

use serde::Deserialize;
use tokenkeep::http::{method::Method, reply::Reply, request::Call};
use tokenkeep_world::client::{self, SERVICE_KEY, bearer};

/// A request as apps send it.
#[must_use]
pub fn call(path: &str, token: Option<&str>, body: String) -> Call {
    let method = if path == "/auth/me" {
        Method::Get
    } else {
        Method::Post
    };
    client::call(method, path, token.map(bearer).as_deref(), body)
}

/// The addresses that the account of a story may have. Their guards have the clocks of different
/// places.
pub const ADDRESSES: [&str; 3] = ["ada@example.com", "ada.@example.com", "ada.l@example.com"];

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
