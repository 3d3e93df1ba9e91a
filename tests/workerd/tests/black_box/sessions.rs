//! `POST /auth/session`: who may open a session, and what is said about bad input.

use serde_json::{Value, json};
use tokenkeep_workerd_tests::client::{Client, random_user};

use crate::stage::Stage;

fn client() -> &'static Client {
    Stage::shared().client()
}

#[test]
fn only_the_service_key_opens_a_session() {
    let body = json!({"userId": random_user()}).to_string();
    let session = client().new_session();
    let bearer = |text: &str| format!("Bearer {text}");
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".into()),
        Some(bearer("")),
        Some(bearer("wrong")),
        Some(bearer(&Stage::shared().refresh_secret)),
        Some(bearer(&session.access)),
        Some(bearer(&session.refresh)),
    ] {
        let mut request = client().request("POST", "/auth/session");
        if let Some(authorization) = &authorization {
            request = request.header("authorization", authorization);
        }
        let answer = client().send(request, body.as_str());
        answer.assert_error(401, "service_key_invalid");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

#[test]
fn user_ids_of_other_systems_are_taken() {
    for user in [
        "7".to_owned(),
        "auth0|5f7c8ec7".to_owned(),
        "ada.lovelace+1@example.com".to_owned(),
        "x".repeat(128),
    ] {
        let tokens = client().open_session(&json!({"userId": user})).tokens();
        assert_eq!(tokens.user, user);
        assert_eq!(client().refresh(&tokens.refresh).tokens().user, user);
        assert_eq!(client().me(&tokens.access).json()["id"], user);
    }
}

#[test]
fn what_cannot_be_a_session_is_named() {
    let claims = |claims: Value| json!({"userId": "ada", "claims": claims});
    let device = |device: Value| json!({"userId": "ada", "device": device});
    let user = |user: Value| json!({"userId": user});
    let mut rows = vec![
        (json!({}), "userId"),
        (user(json!("")), "userId"),
        (user(json!(null)), "userId"),
        (user(json!(7)), "userId"),
        (user(json!(["ada"])), "userId"),
        (user(json!("a:b")), "userId"),
        (user(json!("a b")), "userId"),
        (user(json!("a/b")), "userId"),
        (user(json!("é")), "userId"),
        (user(json!("ada\n")), "userId"),
        (user(json!("${userId}")), "userId"),
        (user(json!("x".repeat(129))), "userId"),
        (claims(json!([])), "claims"),
        (claims(json!("role")), "claims"),
        (claims(json!(1)), "claims"),
        (claims(json!(true)), "claims"),
        (claims(json!({"a": "x".repeat(2048)})), "claims"),
        (device(json!(1)), "device"),
        (device(json!({})), "device"),
        (device(json!("x".repeat(101))), "device"),
        (device(json!("${device}")), "device"),
    ];
    for reserved in [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen",
    ] {
        rows.push((claims(json!({"role": "admin", reserved: 1})), "claims"));
    }
    for (body, field) in rows {
        client().open_session(&body).assert_invalid(Some(field));
    }
}

#[test]
fn the_largest_session_that_is_allowed_works() {
    let filler = "x".repeat(2048 - r#"{"a":""}"#.len());
    let body = json!({
        "userId": format!("{}{}", random_user(), "x".repeat(80)),
        "device": "é".repeat(100),
        "claims": {"a": filler},
        "unknown": {"is": "ignored"},
    });
    let tokens = client().open_session(&body).tokens();
    let refreshed = client().refresh(&tokens.refresh).tokens();
    assert_eq!(client().me(&refreshed.access).json()["claims"]["a"], filler);
}

#[test]
fn every_session_of_a_user_is_its_own() {
    let body = json!({"userId": random_user()});
    let [one, other] = [(); 2].map(|()| client().open_session(&body).tokens());
    assert_ne!(one.session, other.session);
    assert_eq!(client().log_out(&one.refresh).status, 200);
    client()
        .refresh(&one.refresh)
        .assert_error(401, "session_revoked");
    assert_eq!(client().refresh(&other.refresh).status, 200);
}
