//! What [`check`] takes and what it refuses.

use serde_json::{Value, json};
use tokenkeep_contract::{Seen, check};

/// An answer of `POST /auth/token`, and what is wrong with it.
fn objection(status: u16, headers: &[(&str, &str)], body: &Value) -> Option<String> {
    objection_to("POST", "/auth/token", status, headers, body)
}

fn objection_to(
    method: &str,
    path: &str,
    status: u16,
    headers: &[(&str, &str)],
    body: &Value,
) -> Option<String> {
    let header = |name: &str| {
        let mut all = headers
            .iter()
            .chain(&[("Content-Type", "application/json")]);
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    check(&Seen {
        method,
        path,
        status,
        header: &header,
        body: &body.to_string(),
    })
    .err()
}

fn tokens() -> Value {
    json!({
        "accessToken": "a", "refreshToken": "r", "tokenType": "Bearer", "expiresIn": 3600,
        "expiresAt": 1, "userId": "ada", "sessionId": "AAAAAAAAAAAAAAAAAAAAAA",
    })
}

fn error(code: &str) -> Value {
    json!({"code": code, "message": "m", "requestId": "8f2c"})
}

#[test]
fn an_answer_as_documented_is_taken() {
    assert_eq!(objection(200, &[], &tokens()), None);
    assert_eq!(objection(401, &[], &error("session_revoked")), None);
    let later = [("Retry-After", "2")];
    assert_eq!(
        objection(503, &later, &error("temporarily_unavailable")),
        None
    );
    let page = json!({"sessions": [{"id": "AAAAAAAAAAAAAAAAAAAAAA", "device": null,
        "createdAt": 1, "lastSeenAt": 1, "current": true}]});
    assert_eq!(objection_to("GET", "/auth/sessions", 200, &[], &page), None);
}

#[test]
fn a_field_that_is_not_documented_is_refused_wherever_it_stands() {
    let mut more = tokens();
    more["scope"] = "all".into();
    assert!(objection(200, &[], &more).is_some());
    let mut welcome = tokens();
    welcome["email"] = "ada@example.com".into();
    welcome["name"] = Value::Null;
    assert_eq!(
        objection_to("POST", "/auth/login", 200, &[], &welcome),
        None
    );
    welcome["age"] = 36.into();
    assert!(objection_to("POST", "/auth/login", 200, &[], &welcome).is_some());
    let page = json!({"sessions": [{"id": "AAAAAAAAAAAAAAAAAAAAAA", "device": null,
        "createdAt": 1, "lastSeenAt": 1, "current": true, "ip": "192.0.2.1"}]});
    assert!(objection_to("GET", "/auth/sessions", 200, &[], &page).is_some());
    let mut told = error("session_revoked");
    told["stack"] = "…".into();
    assert!(objection(401, &[], &told).is_some());
}

#[test]
fn what_is_missing_or_of_another_kind_is_refused() {
    for field in ["accessToken", "expiresAt", "sessionId"] {
        let mut less = tokens();
        less.as_object_mut().expect("an object").remove(field);
        assert!(objection(200, &[], &less).is_some(), "{field}");
        less[field] = Value::Null;
        assert!(objection(200, &[], &less).is_some(), "{field}");
    }
}

#[test]
fn a_status_or_code_of_another_route_is_refused() {
    assert!(objection(403, &[], &error("wrong_password")).is_some());
    assert!(objection(401, &[], &error("invalid_credentials")).is_some());
    assert!(objection(201, &[], &tokens()).is_some());
    assert!(objection_to("PUT", "/auth/token", 200, &[], &tokens()).is_some());
    assert!(objection_to("POST", "/auth/tokens", 200, &[], &tokens()).is_some());
}

#[test]
fn a_header_that_belongs_to_a_status_comes_with_it_and_only_with_it() {
    let later = error("temporarily_unavailable");
    assert!(objection(503, &[], &later).is_some());
    assert!(objection(503, &[("Retry-After", "soon")], &later).is_some());
    assert!(objection(401, &[("Retry-After", "2")], &error("session_revoked")).is_some());
    assert!(
        objection(
            401,
            &[("Content-Type", "text/html")],
            &error("session_revoked")
        )
        .is_some()
    );
    let wrong_verb = error("method_not_allowed");
    assert!(objection_to("PUT", "/health", 405, &[], &wrong_verb).is_some());
    let allow = [("Allow", "GET, HEAD, OPTIONS")];
    assert_eq!(
        objection_to("PUT", "/health", 405, &allow, &wrong_verb),
        None
    );
}
