//! How sessions begin and end.

use serde_json::json;
use tokenkeep::http::method::Method;

use crate::world::{DAY, Operations, SERVICE_KEY, World, body, call, expect_error, tokens};

#[test]
fn a_session_costs_one_write_and_no_read() {
    let world = World::new();
    let reply =
        world.open(&json!({"userId": "ada", "device": "phone", "claims": {"role": "admin"}}));
    let key = format!("session:ada:{}", tokens(&reply).session);
    assert_eq!(
        world.operations(),
        Operations {
            reads: vec![],
            writes: vec![key.clone()]
        }
    );
    let entry = world.entry(&key).expect("written");
    let (created_at, expires_at) = (world.now(), world.now() + 365 * DAY);
    assert_eq!(
        *entry.value,
        format!(
            r#"{{"v":1,"created_at":{created_at},"expires_at":{expires_at},"device":"phone","claims":{{"role":"admin"}}}}"#
        )
    );
    assert_eq!(entry.expires_at, expires_at);
    let metadata = format!(r#"{{"created_at":{created_at},"device":"phone"}}"#);
    assert_eq!(entry.metadata.as_deref(), Some(metadata.as_str()));
}

#[test]
fn the_answer_has_every_field_of_the_contract() {
    let world = World::new();
    let answer = body(&world.open(&json!({"userId": "ada"})));
    let fields: Vec<&str> = answer
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = [
        "accessToken",
        "refreshToken",
        "tokenType",
        "expiresIn",
        "expiresAt",
        "userId",
        "sessionId",
    ];
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(answer["tokenType"], "Bearer");
    assert_eq!(answer["expiresIn"], 3600);
    assert_eq!(answer["expiresAt"], world.now() / 1000 * 1000 + 3_600_000);
    assert_eq!(answer["userId"], "ada");
}

#[test]
fn only_the_service_key_opens_sessions() {
    let world = World::new();
    let body = r#"{"userId":"ada"}"#;
    for authorization in [
        None,
        Some("Bearer wrong"),
        Some(SERVICE_KEY),
        Some("Basic eDp5"),
    ] {
        let reply = world.answer(&call(Method::Post, "/auth/session", authorization, body));
        expect_error(&reply, 401, "service_key_invalid");
    }
    let login = world.log_in();
    let access = format!("Bearer {}", login.access);
    let reply = world.answer(&call(Method::Post, "/auth/session", Some(&access), body));
    expect_error(&reply, 401, "service_key_invalid");
}

#[test]
fn without_a_service_key_nobody_opens_sessions() {
    let world = World::with(&[("service_key", "")]);
    for bearer in ["", " ", "x", "undefined", SERVICE_KEY] {
        let authorization = format!("Bearer {bearer}");
        let reply = world.answer(&call(
            Method::Post,
            "/auth/session",
            Some(&authorization),
            r#"{"userId":"ada"}"#,
        ));
        expect_error(&reply, 401, "service_key_invalid");
    }
}

#[test]
fn bad_fields_are_named_and_open_nothing() {
    let world = World::new();
    for (field, input) in [
        ("userId", json!({})),
        ("userId", json!({"userId": ""})),
        ("userId", json!({"userId": 7})),
        ("userId", json!({"userId": "a b"})),
        ("userId", json!({"userId": "x".repeat(129)})),
        ("userId", json!({"userId": "${userId}"})),
        (
            "device",
            json!({"userId": "ada", "device": "x".repeat(101)}),
        ),
        ("device", json!({"userId": "ada", "device": ["phone"]})),
        ("device", json!({"userId": "ada", "device": "${device}"})),
        ("claims", json!({"userId": "ada", "claims": "admin"})),
        ("claims", json!({"userId": "ada", "claims": {"sub": "eve"}})),
        (
            "claims",
            json!({"userId": "ada", "claims": {"a": "x".repeat(2048)}}),
        ),
    ] {
        let reply = world.open(&input);
        expect_error(&reply, 400, "invalid_request");
        assert_eq!(body(&reply)["field"], field, "{input}");
    }
    assert_eq!(world.operations(), Operations::default());
}

#[test]
fn logging_out_ends_the_session_with_one_write_however_often_it_is_asked() {
    let world = World::new();
    let login = world.log_in();
    for _ in 0..5 {
        let reply = world.log_out(&login.refresh);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"loggedOut":true}"#)
        );
    }
    assert_eq!(world.operations().writes.len(), 1);
    world.refuses(&login.refresh, 401, "session_revoked");
}

#[test]
fn logging_out_with_a_dead_or_foreign_token_is_fine_and_touches_nothing() {
    let world = World::new();
    let login = world.log_in();
    for token in ["x", "a.b.c", login.access.as_str(), &login.refresh[..40]] {
        assert_eq!(world.log_out(token).status, 200);
    }
    assert_eq!(world.operations(), Operations::default());
    world.refresh(&login.refresh);
}

#[test]
fn logging_out_without_a_token_is_bad_input() {
    let world = World::new();
    for input in [
        json!({}),
        json!({"refreshToken": ""}),
        json!({"refreshToken": "${refreshToken}"}),
        json!([]),
    ] {
        expect_error(&world.post("/auth/logout", &input), 400, "invalid_request");
    }
}

#[test]
fn a_tombstone_stands_until_the_last_token_of_the_session_is_dead() {
    let world = World::new();
    let login = world.log_in();
    world.pass(DAY);
    world.log_out(&login.refresh);
    let tombstone = world
        .entry(&format!("session:ada:{}", login.session))
        .expect("stands");
    assert!(tombstone.expires_at >= world.now() + 364 * DAY - 1000);
    world.pass(364 * DAY - 1000);
    world.refuses(&login.refresh, 401, "session_revoked");
}
