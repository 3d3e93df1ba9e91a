//! Floods, and what they may cost.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;
use tokenkeep::{
    account::ask_guard::{FLOOD_PAUSE_MS, REFUSAL_STEP_MS},
    config::SessionStore::{self, DurableObjects, Kv},
    http::method::Method,
    port::RateLimit,
    session::store::SESSIONS_PER_SHARD,
    token::id::SessionId,
};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    client::{
        BCRYPT, EMAIL, PASSWORD, Tokens, body, call, expect_error, header, logged_in, post, tokens,
        with_bearer,
    },
    codes::{
        ACCESS_INVALID, INVALID_CREDENTIALS, REVOKED, SERVICE_KEY_INVALID, TOO_MANY_ATTEMPTS,
        TOO_MANY_REQUESTS,
    },
    world::{BIRTH_KEY, DAY, HOUR, MINUTE, Operations, World, has_looked, later_pages, use_store},
};

/// A world with Ada's account, imported.
fn with_an_account() -> World {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    world
}

/// The same, for hundreds of logins.
fn where_any_password_will_do() -> World {
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
    world
}

#[test]
fn a_flood_of_invented_addresses_leaves_nothing_stored() {
    let world = World::new();
    for number in 0..20 {
        for _ in 0..3 {
            let email = format!("nobody{number}@example.com");
            expect_error(&world.try_log_in(&email, PASSWORD), INVALID_CREDENTIALS);
        }
    }
    assert!(world.guard_storage().is_empty());
    assert_eq!(world.accounts.borrow().rows().count(), 0);
    assert_eq!(world.keys(""), [BIRTH_KEY]);
}

#[test]
fn an_invented_address_is_limited_like_any_other() {
    let world = with_an_account();
    let attempts = |email: &str| -> Vec<_> {
        let attempt = |_| {
            let reply = world.try_log_in(email, "wrong horse");
            (
                reply.status,
                header(&reply, "Retry-After").map(str::to_owned),
            )
        };
        (0..12).map(attempt).collect()
    };
    let known = attempts(EMAIL);
    assert_eq!(attempts("nobody@example.com"), known);
    assert_eq!(known[11], (429, Some("58".to_owned())));
}

#[test]
fn attempts_at_an_account_are_remembered_when_its_guard_has_slept() {
    let world = with_an_account();
    for _ in 0..10 {
        world.guards_fall_asleep();
        world.fail_to_log_in();
    }
    world.guards_fall_asleep();
    expect_error(&world.try_log_in(EMAIL, PASSWORD), TOO_MANY_ATTEMPTS);
    world.pass(MINUTE);
    world.log_in_with(PASSWORD);
    // The right password clears nothing.
    world.guards_fall_asleep();
    world.fail_to_log_in();
    expect_error(&world.try_log_in(EMAIL, PASSWORD), TOO_MANY_ATTEMPTS);
}

#[test]
fn attempts_at_an_account_that_was_deleted_are_not_stored_by_the_alarm() {
    let world = with_an_account();
    world.fail_to_log_in();
    world.ring_alarm(EMAIL);
    assert_eq!(world.guard_storage().len(), 1, "an account's stay");
    world.accounts.borrow_mut().remove(EMAIL);
    world.fail_to_log_in();
    assert!(world.guard_storage().is_empty(), "nobody's go at once");
    world.ring_alarm(EMAIL);
    assert!(world.guard_storage().is_empty());
    for _ in 0..8 {
        world.fail_to_log_in();
    }
    expect_error(&world.try_log_in(EMAIL, "wrong horse"), TOO_MANY_ATTEMPTS);
}

#[test]
fn a_flood_slows_wrong_passwords_and_sign_ups_and_refuses_nobody() {
    let world = with_an_account();
    let took = |path: &str, email: &str, password: &str| {
        let started = world.now();
        let reply = world.post(path, &json!({"email": email, "password": password}));
        (reply.status, world.now() - started)
    };
    let refused_at = REFUSAL_STEP_MS;
    assert_eq!(took("/auth/login", EMAIL, "wrong horse"), (401, refused_at));
    world.exceed(RateLimit::Attempts, "all");
    for (path, email, password, expected) in [
        ("/auth/login", EMAIL, PASSWORD, (200, 0)),
        ("/auth/login", EMAIL, "wrong horse", (401, FLOOD_PAUSE_MS)),
        (
            "/auth/login",
            "nobody@example.com",
            PASSWORD,
            (401, FLOOD_PAUSE_MS + REFUSAL_STEP_MS),
        ),
        (
            "/auth/signup",
            "eve@example.com",
            PASSWORD,
            (200, FLOOD_PAUSE_MS),
        ),
    ] {
        assert_eq!(took(path, email, password), expected);
    }
}

#[rstest]
fn a_flood_of_logouts_with_one_token_is_one_write(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    let one = json!({"userId": "ada", "sessionId": there.session});
    for _ in 0..100 {
        for reply in [
            world.log_out(&there),
            world.end_session(&here, &there.session),
            world.revoke(&one),
        ] {
            assert_eq!(reply.status, 200);
        }
        world.refuses(&there, REVOKED);
    }
    assert_eq!(world.operations().writes.len(), 1);
}

/// A session of Ada's account that began now, in the same shard as all others of these.
fn put_session(world: &World, number: u8) -> String {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&[7, number]);
    let id = SessionId::from_random(id);
    let now = world.now();
    let record = json!({"v": 1, "created_at": now, "expires_at": now + 365 * DAY, "claims": {}, "account": true});
    world.put(&format!("session:u1:{}", id.as_str()), &record);
    id.as_str().to_owned()
}

fn is_ended(world: &World, id: &str) -> bool {
    let entry = world.entry(&format!("session:u1:{id}"));
    entry.expect("stored").value.contains("revoked_at")
}

/// A login that opens a session in that shard, and looks into it.
fn log_in_with_a_look(world: &World) -> Tokens {
    let shard = put_session(world, 255)[..1].to_owned();
    let login = post(
        "/auth/login",
        &json!({"email": EMAIL, "password": PASSWORD}),
    );
    world.set_chance_so_that(&login, |copy, reply| {
        tokens(reply).session.starts_with(&shard) && has_looked(copy)
    });
    let login = tokens(&world.answer(&login));
    world.settle();
    login
}

#[test]
fn of_too_many_sessions_those_unused_for_longest_end() {
    let world = where_any_password_will_do();
    // The oldest of all is a tablet that was seen lately.
    let tablet = put_session(&world, 0);
    let unused: Vec<String> = (1..20)
        .map(|number| {
            world.pass(HOUR);
            put_session(&world, number)
        })
        .collect();
    let seen = json!({"v": 1, "gen": 0, "iat": world.now() / 1000, "gen_at": world.now(), "seen_at": world.now()});
    world.put(&format!("activity:{tablet}"), &seen);
    world.pass(HOUR);
    let login = log_in_with_a_look(&world);
    assert!(!is_ended(&world, &tablet));
    assert!(!is_ended(&world, &login.session));
    world.refresh(&login);
    let (ended, kept) = unused.split_at(22 - SESSIONS_PER_SHARD);
    assert_eq!(alive(&world, kept), kept.len());
    let lines = world.lines("sessions_revoked");
    assert_eq!(lines.len(), ended.len());
    for id in ended {
        assert!(is_ended(&world, id));
        let line = json!({"event": "sessions_revoked", "reason": "too_many_sessions", "sessions": "one", "session": id[..8]});
        assert!(lines.contains(&line), "{id}");
    }
}

/// How many of these sessions nobody has ended.
fn alive(world: &World, ids: &[String]) -> usize {
    ids.iter().filter(|id| !is_ended(world, id)).count()
}

#[test]
fn too_many_sessions_end_in_a_shard_that_is_full_of_ended_ones_too() {
    let world = where_any_password_will_do();
    let mut ids: Vec<String> = (0..240).map(|number| put_session(&world, number)).collect();
    ids.sort();
    let tombstone = json!({"v": 1, "revoked_at": world.now()});
    for id in &ids[..180] {
        world.put(&format!("session:u1:{id}"), &tombstone);
    }
    world.pass(HOUR);
    log_in_with_a_look(&world);
    // The session of that login, and the one that names the shard, are among those that stay.
    let alive = alive(&world, &ids[180..]);
    assert!(alive <= SESSIONS_PER_SHARD - 2, "{alive} are alive");
}

#[test]
fn surplus_sessions_end_even_if_a_later_page_cannot_be_listed() {
    let world = where_any_password_will_do();
    let ids: Vec<String> = (0..120).map(|number| put_session(&world, number)).collect();
    world.pass(HOUR);
    world.inject(later_pages(Trouble::Fails));
    log_in_with_a_look(&world);
    assert!(alive(&world, &ids) <= 120 - 50 + SESSIONS_PER_SHARD);
}

#[test]
fn sessions_ended_by_a_cut_off_push_nobody_out() {
    let world = where_any_password_will_do();
    let tablet = put_session(&world, 0);
    world.pass(HOUR);
    for number in 1..20 {
        put_session(&world, number);
    }
    let cut_off = json!({"v": 1, "before": world.now(), "keep": tablet});
    world.put("revoked:u1", &cut_off);
    world.pass(HOUR);
    log_in_with_a_look(&world);
    assert!(!is_ended(&world, &tablet));
}

#[rstest]
fn a_user_of_another_back_end_may_have_any_number_of_sessions(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let first = world.log_in();
    for _ in 0..2_000 {
        world.log_in();
    }
    world.settle();
    world.refresh(&first);
    assert_eq!(world.stored_sessions().len(), 2_001);
}

#[rstest]
fn headers_that_are_too_long_are_not_worked_on(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = with_an_account();
    let long = "x".repeat(100_000);
    let person = json!({"email": EMAIL, "password": PASSWORD});
    let mut login = with_bearer(Method::Post, "/auth/login", &long, &person);
    login.ip = Some(long.clone());
    login.ray = Some(long.clone());
    login.page_origin = Some(long.clone());
    assert_eq!(world.answer(&login).status, 200);

    world.settle();
    world.operations();
    for path in ["/auth/me", "/auth/sessions"] {
        expect_error(&world.get(path, &long), ACCESS_INVALID);
    }
    let user = json!({"userId": "ada"});
    let opened = world.send(Method::Post, "/auth/session", &long, &user);
    expect_error(&opened, SERVICE_KEY_INVALID);
    assert_eq!(world.operations().reads.len(), 0);

    let mut preflight = call(Method::Options, "/auth/token", None, "");
    preflight.wanted_headers = Some(long.clone());
    preflight.ray = Some(long);
    let reply = world.answer(&preflight);
    assert_eq!(header(&reply, "Access-Control-Allow-Headers"), None);
    let unknown = world.answer(&call(Method::Get, "/nothing", None, ""));
    let id = body(&unknown)["requestId"].as_str().map(str::len);
    assert_eq!(id, Some(16));
}

#[rstest]
fn a_user_who_asks_too_often_is_refused_before_anything_is_read_and_others_are_not(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, ada) = logged_in();
    let bob = world.open_for("bob");
    world.operations();
    for (limit, path) in [
        (RateLimit::Lists, "/auth/sessions"),
        (RateLimit::Requests, "/auth/me"),
    ] {
        world.exceed(limit, "ada");
        let refused = world.get(path, &ada.access);
        expect_error(&refused, TOO_MANY_REQUESTS);
        assert_eq!(header(&refused, "Retry-After"), Some("60"));
        assert_eq!(world.operations(), Operations::default());
        assert_eq!(world.get(path, &bob.access).status, 200);
        world.operations();
    }
    world.refresh(&ada);
}

#[rstest]
fn a_thief_who_asks_too_often_cannot_keep_the_owner_from_ending_the_session(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, thief) = logged_in();
    let owner = world.log_in();
    world.exceed(RateLimit::Requests, "ada");
    world.exceed(RateLimit::Requests, &thief.session);
    expect_error(&world.log_out_all(&thief), TOO_MANY_REQUESTS);
    assert_eq!(world.end_session(&owner, &thief.session).status, 200);
    assert_eq!(world.log_out_all(&owner).status, 200);
}

#[rstest]
fn a_rate_limit_that_fails_or_hangs_refuses_nobody(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    for trouble in [Trouble::Fails, Trouble::Silent] {
        world.inject(Plan::new(Store::Flood, "", trouble));
        assert_eq!(world.get("/auth/sessions", &login.access).status, 200);
    }
}

#[test]
fn every_rate_limit_has_its_section_and_a_number_of_its_own() {
    let settings = include_str!("../../wrangler.toml");
    let sections: Vec<&str> = settings.split("[[ratelimits]]").skip(1).collect();
    let line = |limit: RateLimit| {
        let name = format!("\nname = \"{}\"\n", limit.binding());
        let section = sections.iter().find(|section| section.contains(&name));
        section.expect("a section").split('\n').nth(2)
    };
    let ids = [RateLimit::Attempts, RateLimit::Requests, RateLimit::Lists].map(line);
    assert_eq!(BTreeSet::from(ids).len(), sections.len());
}

#[rstest]
fn where_few_sessions_are_allowed_every_login_looks_at_all_of_them(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    for allowed in [1, 2] {
        let world = World::with(&[("SESSIONS_PER_USER", &allowed.to_string())]);
        let mut logins = vec![world.sign_up()];
        for _ in 0..3 {
            world.pass(MINUTE);
            logins.push(world.log_in_with(PASSWORD));
        }
        let (ended, alive) = logins.split_at(4 - allowed);
        for tokens in ended {
            world.refuses(tokens, REVOKED);
        }
        for tokens in alive {
            world.refresh(tokens);
        }
    }
}
