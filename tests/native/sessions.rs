//! How sessions begin and end.

use rstest::rstest;
use serde_json::json;
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::http::method::Method;

use crate::{
    client::{SERVICE_KEY, bearer, body, call, expect_bad_field, expect_error, logged_in, tokens},
    codes::{INVALID_REQUEST, REVOKED, SERVICE_KEY_INVALID},
    world::{DAY, Operations, World, use_store},
};

#[test]
fn a_session_costs_one_write_and_no_read() {
    let world = World::new();
    let session = json!({"userId": "ada", "device": "phone", "claims": {"role": "admin"}});
    let reply = world.open(&session);
    let key = format!("service:ada:{}", tokens(&reply).session);
    let expected = Operations {
        reads: vec![],
        writes: vec![key.clone()],
    };
    assert_eq!(world.operations(), expected);
    let entry = world.entry(&key).expect("written");
    let (created_at, expires_at) = (world.now(), world.now() + 365 * DAY);
    let json = format!(
        r#"{{"v":1,"created_at":{created_at},"expires_at":{expires_at},"device":"phone","claims":{{"role":"admin"}}}}"#
    );
    assert_eq!(*entry.value, json);
    assert_eq!(entry.expires_at, expires_at);
    let metadata = format!(r#"{{"created_at":{created_at},"device":"phone"}}"#);
    assert_eq!(entry.metadata.as_deref(), Some(metadata.as_str()));
}

#[rstest]
fn the_answer_has_every_field_of_the_contract(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    let reply = world.open(&json!({"userId": "ada"}));
    let (answer, tokens) = (body(&reply), tokens(&reply));
    let expected = json!({
        "accessToken": tokens.access,
        "refreshToken": tokens.refresh,
        "tokenType": "Bearer",
        "expiresIn": 3600,
        "expiresAt": world.now() / 1000 * 1000 + 3_600_000,
        "userId": "ada",
        "sessionId": tokens.session,
    });
    assert_eq!(answer, expected);
}

#[rstest]
fn only_the_service_key_opens_sessions(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = logged_in();
    let open = |world: &World, authorization: Option<&str>| {
        let user = r#"{"userId":"ada"}"#;
        let reply = world.answer(&call(Method::Post, "/auth/session", authorization, user));
        expect_error(&reply, SERVICE_KEY_INVALID);
    };
    open(&world, None);
    let access = bearer(&login.access);
    for authorization in ["Bearer wrong", SERVICE_KEY, "Basic eDp5", &access] {
        open(&world, Some(authorization));
    }
    let without = World::with(&[("service_key", "")]);
    for token in ["x", "undefine", SERVICE_KEY] {
        open(&without, Some(&bearer(token)));
    }
}

#[rstest]
fn bad_fields_are_named_and_open_nothing(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    for (field, input) in [
        ("userId", json!({})),
        ("userId", json!({"userId": ""})),
        ("userId", json!({"userId": 7.5})),
        (
            "userId",
            json!({"userId": 12_345_678_901_234_567_890_123.0}),
        ),
        ("userId", json!({"userId": "a b"})),
        ("userId", json!({"userId": "x".repeat(129)})),
        ("userId", json!({"userId": "${userId}"})),
        ("claims", json!({"userId": "ada", "claims": "admin"})),
        ("claims", json!({"userId": "ada", "claims": {"sub": "eve"}})),
        (
            "claims",
            json!({"userId": "ada", "claims": {"a": "x".repeat(2048)}}),
        ),
    ] {
        expect_bad_field(&world.open(&input), field);
    }
    assert_eq!(world.operations(), Operations::default());
}

#[rstest]
fn logging_out_ends_the_session_with_one_write_however_often_it_is_asked(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    for _ in 0..5 {
        let reply = world.log_out(&login);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"loggedOut":true}"#)
        );
    }
    assert_eq!(world.operations().writes.len(), 1);
    world.refuses(&login, REVOKED);
}

#[rstest]
fn logging_out_with_a_dead_or_foreign_token_is_fine_and_touches_nothing(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    for token in ["x", "a.b.c", &login.refresh[..40]] {
        assert_eq!(world.log_out(token).status, 200);
    }
    assert_eq!(world.operations(), Operations::default());
    world.refresh(&login);
}

#[rstest]
fn logging_out_without_a_token_is_bad_input(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    for input in [
        json!({}),
        json!({"refreshToken": ""}),
        json!({"refreshToken": "${refreshToken}"}),
        json!([]),
    ] {
        expect_error(&world.post("/auth/logout", &input), INVALID_REQUEST);
    }
}

#[rstest]
fn a_tombstone_stands_until_the_last_token_of_the_session_is_dead(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    world.pass(DAY);
    world.log_out(&login);
    world.pass(364 * DAY - 1000);
    world.ring_object_alarms();
    world.refuses(&login, REVOKED);
}
