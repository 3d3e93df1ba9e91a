//! Where a user is logged in, and how sessions are ended from afar.

use serde_json::{Value, json};
use tokenkeep::http::{method::Method, reply::Reply};

use tokenkeep_world::trouble::Trouble;

use crate::world::{
    DAY, HOUR, Operations, SERVICE_KEY, Tokens, World, body, call, expect_error, next_writes,
    reads, tokens,
};

fn list(world: &World, tokens: &Tokens, cursor: Option<&str>) -> Value {
    let path = match cursor {
        Some(cursor) => format!("/auth/sessions?cursor={cursor}"),
        None => "/auth/sessions".to_owned(),
    };
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

fn end(world: &World, tokens: &Tokens, id: &str) -> Reply {
    world.send(
        Method::Delete,
        &format!("/auth/sessions/{id}"),
        &tokens.access,
        &json!({}),
    )
}

fn log_out_all(world: &World, tokens: &Tokens) -> Reply {
    world.send(Method::Post, "/auth/logout/all", &tokens.access, &json!({}))
}

fn revoke(world: &World, input: &Value) -> Reply {
    world.send(Method::Post, "/auth/revoke", SERVICE_KEY, input)
}

#[test]
fn a_list_shows_each_session_and_which_one_is_this() {
    let world = World::new();
    let begun = world.now();
    let phone = world.log_in();
    world.pass(31 * DAY);
    let phone = Tokens {
        access: world.refresh(&phone.refresh).access,
        ..phone
    };
    let tablet = tokens(&world.open(&json!({"userId": "ada"})));
    let page = list(&world, &phone, None);
    let mut expected = [
        json!({"id": phone.session, "device": "phone", "createdAt": begun, "lastSeenAt": world.now(), "current": true}),
        json!({"id": tablet.session, "device": null, "createdAt": world.now(), "lastSeenAt": world.now(), "current": false}),
    ];
    expected.sort_by_key(|session| session["id"].to_string());
    assert_eq!(page, json!({ "sessions": expected }));
}

#[test]
fn a_list_costs_one_read_of_the_bearer_one_listing_and_one_read_of_the_page() {
    let world = World::new();
    let login = world.log_in();
    list(&world, &login, None);
    let key = format!("session:ada:{}", login.session);
    let expected = Operations {
        reads: vec![
            vec![key.clone(), "revoked:ada".to_owned()],
            vec![key, format!("activity:{}", login.session)],
        ],
        writes: vec![],
    };
    assert_eq!(world.operations(), expected);
}

#[test]
fn three_thousand_sessions_are_pages_and_no_failure() {
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

#[test]
fn dead_sessions_are_not_shown() {
    let world = World::with(&[("SESSION_MAX_SECONDS", "34560000")]);
    let idle = world.log_in();
    world.pass(121 * DAY);
    let [ended, here] = [world.log_in(), world.log_in()];
    assert_eq!(world.log_out(&ended.refresh).status, 200);
    let shown = ids(&list(&world, &here, None));
    assert_eq!(
        shown,
        std::slice::from_ref(&here.session),
        "not {} nor {}",
        idle.session,
        ended.session
    );
    let cut_off = world.log_in();
    world.put(
        "revoked:ada",
        &json!({"v": 1, "before": world.now(), "keep": here.session}),
    );
    assert_eq!(
        ids(&list(&world, &here, None)),
        std::slice::from_ref(&here.session),
        "not {}",
        cut_off.session
    );
}

#[test]
fn one_session_can_be_ended_from_another() {
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    for _ in 0..2 {
        let reply = end(&world, &here, &there.session);
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, r#"{"revoked":true}"#)
        );
    }
    assert_eq!(world.operations().writes.len(), 1, "ended once");
    world.refuses(&there.refresh, 401, "session_revoked");
    expect_error(
        &world.get("/auth/me", &there.access),
        401,
        "session_revoked",
    );
    world.refresh(&here.refresh);
}

#[test]
fn a_session_of_another_user_cannot_be_ended_or_seen() {
    let world = World::new();
    let ada = world.log_in();
    let eve = tokens(&world.open(&json!({"userId": "eve"})));
    for id in [ada.session.as_str(), "x", "%00", "AAAAAAAAAAAAAAAAAAAAAA"] {
        expect_error(&end(&world, &eve, id), 404, "not_found");
    }
    assert_eq!(
        ids(&list(&world, &eve, None)),
        std::slice::from_ref(&eve.session)
    );
    world.refresh(&ada.refresh);
}

#[test]
fn logging_out_everywhere_ends_this_session_too_and_lets_a_new_one_begin() {
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    assert_eq!(log_out_all(&world, &here).body, r#"{"loggedOut":true}"#);
    for tokens in [&here, &there] {
        world.refuses(&tokens.refresh, 401, "session_revoked");
        expect_error(&log_out_all(&world, tokens), 401, "session_revoked");
    }
    world.pass(1);
    world.refresh(&world.log_in().refresh);
}

#[test]
fn a_login_right_after_logging_out_everywhere_lives_whatever_the_clock_of_the_place_says() {
    let world = World::new();
    let account = json!({"email": "ada@example.com", "password": "correct horse"});
    let here = tokens(&world.post("/auth/signup", &account));
    assert_eq!(log_out_all(&world, &here).status, 200);
    // No time has passed by the clock: the guard's stamps are in order all the same.
    let again = tokens(&world.post("/auth/login", &account));
    world.refuses(&here.refresh, 401, "session_revoked");
    world.refresh(&again.refresh);
    assert_eq!(world.get("/auth/me", &again.access).status, 200);
}

#[test]
fn the_owner_ends_one_or_all_sessions_of_a_user() {
    let world = World::new();
    let [first, second] = [world.log_in(), world.log_in()];
    let bob = tokens(&world.open(&json!({"userId": "bob"})));
    let one = json!({"userId": "ada", "sessionId": first.session});
    assert_eq!(revoke(&world, &one).body, r#"{"revoked":true}"#);
    world.refuses(&first.refresh, 401, "session_revoked");
    world.refresh(&second.refresh);
    assert_eq!(revoke(&world, &json!({"userId": "ada"})).status, 200);
    world.refuses(&second.refresh, 401, "session_revoked");
    world.refresh(&bob.refresh);
}

#[test]
fn a_session_that_has_not_arrived_here_can_be_ended_all_the_same() {
    let world = World::new();
    let login = world.log_in();
    world.forget(&format!("session:ada:{}", login.session));
    let one = json!({"userId": "ada", "sessionId": login.session});
    assert_eq!(revoke(&world, &one).status, 200);
    world.pass(HOUR);
    world.refuses(&login.refresh, 401, "session_revoked");
}

#[test]
fn only_the_owner_revokes_and_bad_fields_are_named() {
    let world = World::new();
    let login = world.log_in();
    for bearer in ["wrong", login.access.as_str(), login.refresh.as_str()] {
        let reply = world.send(
            Method::Post,
            "/auth/revoke",
            bearer,
            &json!({"userId": "ada"}),
        );
        expect_error(&reply, 401, "service_key_invalid");
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
        let reply = revoke(&world, &input);
        expect_error(&reply, 400, "invalid_request");
        assert_eq!(body(&reply)["field"], field);
    }
    world.refresh(&login.refresh);
}

#[test]
fn a_store_that_fails_confirms_nothing() {
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    let all = |world: &World| {
        [
            end(world, &here, &there.session),
            log_out_all(world, &here),
            revoke(world, &json!({"userId": "ada"})),
        ]
    };
    for trouble in [Trouble::Fails, Trouble::Refuses, Trouble::Silent] {
        world.inject(next_writes(6, trouble));
        for reply in all(&world) {
            expect_error(&reply, 503, "temporarily_unavailable");
        }
        world.recover();
        world.inject(reads(trouble));
        expect_error(
            &world.get("/auth/sessions", &here.access),
            503,
            "temporarily_unavailable",
        );
        world.recover();
        world.refresh(&there.refresh);
    }
}

#[test]
fn a_cursor_that_is_none_is_bad_input() {
    let world = World::new();
    let login = world.log_in();
    let path = format!("/auth/sessions?cursor={}", "x".repeat(2000));
    let reply = world.get(&path, &login.access);
    expect_error(&reply, 400, "invalid_request");
    assert_eq!(body(&reply)["field"], "cursor");
    let empty = world.answer(&call(
        Method::Get,
        "/auth/sessions?cursor=",
        Some(&format!("Bearer {}", login.access)),
        "",
    ));
    assert_eq!(empty.status, 200);
}
