//! Where a user is logged in, and how sessions are ended from afar.

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::http::method::Method;

use crate::{
    client::{PASSWORD, Tokens, body, expect_bad_field, expect_error, logged_in},
    codes::{NOT_FOUND, REVOKED, SERVICE_KEY_INVALID},
    world::{DAY, HOUR, Operations, World, use_store},
};

fn list(world: &World, tokens: &Tokens, cursor: Option<&str>) -> Value {
    let cursor = cursor.map(|cursor| format!("?cursor={cursor}"));
    list_with(world, tokens, &cursor.unwrap_or_default())
}

fn list_with(world: &World, tokens: &Tokens, query: &str) -> Value {
    let path = format!("/auth/sessions{query}");
    let reply = world.get(&path, &tokens.access);
    assert_eq!(reply.status, 200, "{}", reply.body);
    body(&reply)
}

fn ids(page: &Value) -> Vec<String> {
    let sessions = page["sessions"].as_array().expect("a list");
    let id = |session: &Value| session["id"].as_str().expect("an id").to_owned();
    let mut ids: Vec<String> = sessions.iter().map(id).collect();
    ids.sort();
    ids
}

#[rstest]
fn a_list_shows_each_session_and_which_one_is_this(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, phone) = logged_in();
    let opened = world.now();
    let phone = world.refresh_after(31 * DAY, &phone);
    let tablet = world.open_for("ada");
    let now = world.now();
    let mut expected = [
        json!({"id": phone.session, "device": "phone", "createdAt": opened, "lastSeenAt": now, "current": true}),
        json!({"id": tablet.session, "device": null, "createdAt": now, "lastSeenAt": now, "current": false}),
    ];
    expected.sort_by_key(|session| session["id"].to_string());
    let seen = list_with(&world, &phone, "?lastSeen=true");
    assert_eq!(seen["sessions"], json!(expected));
    for session in &mut expected {
        session
            .as_object_mut()
            .expect("an object")
            .remove("lastSeenAt");
    }
    assert_eq!(list(&world, &phone, None)["sessions"], json!(expected));
    let reply = world.get("/auth/sessions?lastSeen=maybe", &phone.access);
    expect_bad_field(&reply, "lastSeen");
}

#[test]
fn a_list_costs_one_read_of_the_bearer_and_one_listing_however_many_sessions_there_are() {
    let (world, login) = logged_in();
    for _ in 0..20 {
        let ended = world.log_in();
        world.log_out(&ended);
        world.log_in();
    }
    world.operations();
    assert_eq!(ids(&list(&world, &login, None)).len(), 21);
    let bearer = vec![
        format!("service:ada:{}", login.session),
        "service-revoked:ada".to_owned(),
    ];
    let expected = Operations {
        reads: vec![bearer],
        writes: vec![],
    };
    assert_eq!(world.operations(), expected);
}

#[test]
fn a_session_or_a_tombstone_without_metadata_is_read_for_the_list() {
    let (world, here) = logged_in();
    let [older, ended] = [world.log_in(), world.log_in()];
    world.log_out(&ended);
    for session in [&older.session, &ended.session] {
        let key = format!("service:ada:{session}");
        let stored = world.entry(&key).expect("stands").value;
        world.put(&key, &serde_json::from_str(&stored).expect("JSON"));
    }
    let mut expected = [older.session, here.session.clone()];
    expected.sort();
    assert_eq!(ids(&list(&world, &here, None)), expected);
}

#[test]
fn a_list_that_says_when_sessions_were_seen_costs_one_more_read_of_two_keys_a_session() {
    let (world, login) = logged_in();
    list_with(&world, &login, "?lastSeen=true");
    let key = format!("service:ada:{}", login.session);
    let expected = Operations {
        reads: vec![
            vec![key.clone(), "service-revoked:ada".to_owned()],
            vec![key, format!("activity:{}", login.session)],
        ],
        writes: vec![],
    };
    assert_eq!(world.operations(), expected);
}

#[rstest]
fn three_thousand_sessions_are_paginated(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    let all: Vec<Tokens> = (0..3000).map(|_| world.log_in()).collect();
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = list(&world, &all[0], cursor.as_deref());
        assert!(ids(&page).len() <= 50);
        seen.extend(ids(&page));
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    let mut expected: Vec<String> = all.into_iter().map(|tokens| tokens.session).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[rstest]
fn dead_sessions_are_not_listed(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::with(&[("SESSION_MAX_SECONDS", "34560000")]);
    let _idle = world.log_in();
    world.pass(121 * DAY);
    let [ended, here] = [world.log_in(), world.log_in()];
    assert_eq!(world.log_out(&ended).status, 200);
    assert_eq!(ids(&list(&world, &here, None)), [here.session.as_str()]);
    let _cut_off = world.log_in();
    let cut_off = json!({"v": 1, "before": world.now(), "keep": here.session});
    world.put_cut_off("ada", &cut_off);
    assert_eq!(ids(&list(&world, &here, None)), [here.session]);
}

#[rstest]
fn one_session_can_be_ended_from_another(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    for _ in 0..2 {
        let reply = world.end_session(&here, &there.session);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"revoked":true}"#)
        );
    }
    assert_eq!(world.operations().writes.len(), 1, "ended once");
    world.refuses(&there, REVOKED);
    expect_error(&world.me(&there), REVOKED);
    world.refresh(&here);
}

#[rstest]
fn a_session_of_another_user_cannot_be_ended_or_seen(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = logged_in();
    let eve = world.open_for("eve");
    for id in [ada.session.as_str(), "x", "%00", "AAAAAAAAAAAAAAAAAAAAAA"] {
        expect_error(&world.end_session(&eve, id), NOT_FOUND);
    }
    assert_eq!(ids(&list(&world, &eve, None)), [eve.session]);
    world.refresh(&ada);
}

#[rstest]
fn logging_out_everywhere_ends_this_session_too_and_lets_a_new_one_begin(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    assert_eq!(world.log_out_all(&here).body, r#"{"loggedOut":true}"#);
    for tokens in [&here, &there] {
        world.refuses(tokens, REVOKED);
        expect_error(&world.log_out_all(tokens), REVOKED);
    }
    world.pass(1);
    world.refresh(world.log_in());
}

#[rstest]
fn a_login_right_after_logging_out_everywhere_lives_whatever_the_clock_of_the_place_says(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let here = world.sign_up();
    assert_eq!(world.log_out_all(&here).status, 200);
    // No time has passed by the clock: the guard's stamps are in order all the same.
    let again = world.log_in_with(PASSWORD);
    world.refuses(&here, REVOKED);
    world.refresh(&again);
    assert_eq!(world.me(&again).status, 200);
}

#[rstest]
fn the_owner_ends_one_or_all_sessions_of_a_user(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    let [first, second] = [world.log_in(), world.log_in()];
    let bob = world.open_for("bob");
    let one = json!({"userId": "ada", "sessionId": first.session});
    assert_eq!(world.revoke(&one).body, r#"{"revoked":true}"#);
    world.refuses(&first, REVOKED);
    world.refresh(&second);
    assert_eq!(world.revoke(&json!({"userId": "ada"})).status, 200);
    world.refuses(&second, REVOKED);
    world.refresh(&bob);
}

#[test]
fn a_session_that_has_not_arrived_here_yet_can_still_be_ended() {
    let (world, login) = logged_in();
    world.forget(&format!("service:ada:{}", login.session));
    let one = json!({"userId": "ada", "sessionId": login.session});
    assert_eq!(world.revoke(&one).status, 200);
    world.pass(HOUR);
    world.refuses(&login, REVOKED);
}

#[rstest]
fn only_the_owner_revokes_and_bad_fields_are_named(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let user = json!({"userId": "ada"});
    for bearer in ["wrong", &login.access, &login.refresh] {
        let reply = world.send(Method::Post, "/auth/revoke", bearer, &user);
        expect_error(&reply, SERVICE_KEY_INVALID);
    }
    for (field, input) in [
        ("userId", json!({})),
        ("userId", json!({"userId": "a b"})),
        ("sessionId", json!({"userId": "ada", "sessionId": "x"})),
        ("sessionId", json!({"userId": "ada", "sessionId": 7})),
        (
            "sessionId",
            json!({"userId": "ada", "sessionId": "${sessionId}"}),
        ),
    ] {
        expect_bad_field(&world.revoke(&input), field);
    }
    world.refresh(&login);
}

#[rstest]
fn an_invalid_cursor_is_bad_input_and_an_empty_one_is_none(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    for cursor in ["garbage", "session:ada:x", &"x".repeat(2000)] {
        let path = format!("/auth/sessions?cursor={cursor}");
        expect_bad_field(&world.get(&path, &login.access), "cursor");
    }
    list(&world, &login, Some(""));
}
