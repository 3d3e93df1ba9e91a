//! A body for each route, as errors show it: the fields that it needs.

use crate::http::{method::Method, request::parts};

/// A body that this route takes, as JSON. The names in it are those of the route's fields.
#[must_use]
pub fn body(method: Method, path: &str) -> &'static str {
    // The last part of a path is enough to know the route, but for two.
    match (method, parts(path).last().unwrap_or_default()) {
        (_, "login") if path.contains("code") => {
            r#"{"email": "ada@example.com", "code": "123456"}"#
        }
        (_, "verify") => r#"{"email": "ada@example.com", "code": "123456", "password": "…"}"#,
        (_, "login") => r#"{"email": "ada@example.com", "password": "…"}"#,
        (_, "signup") => r#"{"email": "ada@example.com", "password": "…", "name": "Ada"}"#,
        (Method::Patch, "me") => r#"{"name": "Ada"}"#,
        (_, "me" | "delete") => r#"{"password": "…"}"#,
        (_, "change") if parts(path).nth(1) == Some("email") => {
            r#"{"password": "…", "newEmail": "ada@example.com"}"#
        }
        (_, "confirm") => r#"{"code": "123456"}"#,
        (_, "change") => r#"{"currentPassword": "…", "newPassword": "…"}"#,
        (_, "forgot" | "send") => r#"{"email": "ada@example.com"}"#,
        (_, "reset") => r#"{"email": "ada@example.com", "code": "123456", "newPassword": "…"}"#,
        (_, "session" | "revoke") => r#"{"userId": "…"}"#,
        _ => r#"{"refreshToken": "…"}"#,
    }
}
