//! What the operator can read.

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::{
    config::SessionStore::{self, DurableObjects, Kv},
    http::method::Method,
    session::store::READ_TIMEOUT_MS,
};
use tokenkeep_world::trouble::Trouble;

use crate::{
    client::{EMAIL, PASSWORD, Tokens, body, call, header, logged_in},
    codes::REUSED,
    world::{HOUR, World, reads, use_store},
};

fn last_request(world: &World) -> Value {
    world.lines("request").pop().expect("a request")
}

#[test]
fn there_is_one_line_a_request() {
    let world = World::new();
    world.get("/auth/me", "x");
    let [line] = world.lines("request").try_into().expect("one line");
    let expected = json!({
        "event": "request", "route": "/auth/me", "method": "GET", "status": 401,
        "code": "access_token_invalid", "requestId": line["requestId"], "ms": 0, "place": "MAD",
    });
    assert_eq!(line, expected);
}

#[test]
fn a_line_and_the_error_that_was_answered_name_the_same_request() {
    let world = World::new();
    let reply = world.try_refresh("x");
    assert_eq!(last_request(&world)["requestId"], body(&reply)["requestId"]);
    let mut with_ray = call(Method::Get, "/nowhere", None, "");
    with_ray.ray = Some("8f2c0b7d5e6a1234-MAD".into());
    world.answer(&with_ray);
    assert_eq!(last_request(&world)["requestId"], "8f2c0b7d5e6a1234-MAD");
}

#[test]
fn a_path_is_logged_as_its_template_or_not_at_all() {
    let world = World::new();
    for (path, route) in [
        (
            "/auth/sessions/eyJ?cursor=eyJ",
            json!("/auth/sessions/{id}"),
        ),
        ("/auth/token/eyJhbGciOi", Value::Null),
        ("/ada@example.com", Value::Null),
    ] {
        world.answer(&call(Method::Delete, path, None, ""));
        assert_eq!(last_request(&world)["route"], route);
    }
    assert!(!world.log().join("").contains("eyJ"));
}

#[test]
fn the_time_that_a_store_takes_is_seen() {
    let (world, login) = logged_in();
    world.inject(reads(Trouble::Silent));
    world.try_refresh(&login);
    assert_eq!(last_request(&world)["ms"], READ_TIMEOUT_MS);
}

#[test]
fn every_answer_is_logged_with_its_status() {
    let world = World::new();
    for (method, path, status) in [
        (Method::Options, "/auth/token", 204),
        (Method::Head, "/health", 200),
        (Method::Other, "/auth/token", 405),
        (Method::Get, "/generate_jwt_secret", 200),
        (Method::Get, "/nowhere", 404),
    ] {
        let reply = world.answer(&call(method, path, None, ""));
        let line = last_request(&world);
        assert_eq!((reply.status, &line["status"]), (status, &json!(status)));
        assert_eq!(line["method"], method.name());
    }
}

#[rstest]
fn each_end_of_sessions_is_an_event_that_says_why(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let of = |tokens: &Tokens| tokens.session[..8].to_owned();
    let expect = |reason: &str, sessions: &str, session: Option<String>| {
        let lines = world.lines("sessions_revoked");
        let line = lines.last().expect("an event");
        let told = (&line["reason"], &line["sessions"], line["session"].as_str());
        assert_eq!(told, (&json!(reason), &json!(sessions), session.as_deref()));
        assert_eq!(line["requestId"], last_request(&world)["requestId"]);
        lines.len()
    };

    let [login, other] = [world.sign_up(), world.sign_up()];
    world.change_password(&login, PASSWORD, "better horse");
    expect("password_changed", "others", Some(of(&login)));

    world.pass(1);
    let third = world.log_in_with("better horse");
    world.end_session(&login, &third.session);
    expect("ended_by_user", "one", Some(of(&third)));

    world.log_out_all(&login);
    expect("logged_out_everywhere", "all", Some(of(&login)));

    let one = world.log_in();
    world.revoke(&json!({"userId": "ada", "sessionId": one.session}));
    expect("ended_by_owner", "one", Some(of(&one)));
    world.revoke(&json!({"userId": "ada"}));
    expect("ended_by_owner", "all", None);

    world.pass(1);
    let last = world.log_in_with("better horse");
    world.delete_account(&last, "better horse");
    let events = expect("account_deleted", "all", None);
    assert_eq!(events, 6, "one for each, and none for {}", of(&other));

    let leaver = world.log_in();
    for _ in 0..2 {
        world.log_out(&leaver);
    }
    world.log_out("x");
    let [.., before, _again, _never] = &world.lines("request")[..] else {
        panic!("three requests");
    };
    let lines = world.lines("sessions_revoked");
    assert_eq!(lines.len(), events + 1, "one for the logout that ended it");
    let expected = json!({
        "event": "sessions_revoked", "reason": "logged_out", "sessions": "one",
        "session": of(&leaver), "requestId": before["requestId"],
    });
    assert_eq!(lines.last(), Some(&expected));
}

#[rstest]
fn a_reuse_is_an_event_with_the_start_of_the_session_id(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let first = world.refresh_after(HOUR, &login);
    world.refresh(&first);
    world.pass(HOUR);
    world.refuses(&login, REUSED);
    let [line] = world.lines("refresh_token_reused").try_into().expect("one");
    assert_eq!(line["session"], login.session[..8]);
    assert_eq!(line["requestId"], last_request(&world)["requestId"]);
    assert!(!world.log().join("").contains(&login.session));
}

#[test]
fn a_lock_out_is_an_event() {
    let world = World::new();
    world.sign_up();
    for _ in 0..11 {
        world.try_log_in(EMAIL, "wrong horse");
    }
    let [line] = world.lines("too_many_attempts").try_into().expect("one");
    assert_eq!(line["requestId"], last_request(&world)["requestId"]);
}

#[test]
fn a_wrong_service_key_is_an_event() {
    let world = World::new();
    let user = json!({"userId": "ada"});
    let reply = world.send(Method::Post, "/auth/revoke", "wrong", &user);
    assert_eq!(header(&reply, "WWW-Authenticate"), Some("Bearer"));
    assert_eq!(world.lines("service_key_invalid").len(), 1);
}

#[test]
fn every_line_is_a_json_object_with_an_event() {
    let (world, login) = logged_in();
    world.unbind("SESSIONS");
    world.try_refresh(&login);
    world.try_refresh("x");
    for line in world.log() {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert!(line["event"].is_string(), "{line}");
    }
}
