//! Floods, and what they may cost.

use serde_json::json;
use tokenkeep::{
    account::ask_guard::FLOOD_PAUSE_MS, http::method::Method, session::trim::SESSIONS_PER_SHARD,
    token::id::SessionId,
};

use tokenkeep_world::trouble::Trouble;

use crate::world::{
    DAY, HOUR, MINUTE, SERVICE_KEY, Tokens, World, body, call, expect_error, has_looked, header,
    later_pages, tokens,
};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";
/// A bcrypt hash of the password: cheap to check.
const BCRYPT: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

fn try_log_in(world: &World, email: &str, password: &str) -> tokenkeep::http::reply::Reply {
    let body = json!({"email": email, "password": password});
    world.post("/auth/login", &body)
}

fn log_in(world: &World) -> Tokens {
    tokens(&try_log_in(world, EMAIL, PASSWORD))
}

#[test]
fn a_flood_of_invented_addresses_leaves_nothing_stored() {
    let world = World::new();
    for number in 0..20 {
        for _ in 0..3 {
            let email = format!("nobody{number}@example.com");
            let reply = try_log_in(&world, &email, PASSWORD);
            expect_error(&reply, 401, "invalid_credentials");
        }
    }
    assert!(world.guard_storage().is_empty());
    assert_eq!(world.accounts.borrow().rows().count(), 0);
    assert!(world.keys("").is_empty());
}

#[test]
fn an_invented_address_is_limited_like_any_other() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    let attempts = |email: &str| {
        let reply = || try_log_in(&world, email, "wrong horse");
        let replies = std::iter::repeat_with(reply).take(12);
        let seen = |reply: tokenkeep::http::reply::Reply| {
            (
                reply.status,
                header(&reply, "Retry-After").map(str::to_owned),
            )
        };
        replies.map(seen).collect::<Vec<_>>()
    };
    let known = attempts(EMAIL);
    assert_eq!(attempts("nobody@example.com"), known);
    assert_eq!(known[11], (429, Some("60".to_owned())));
}

#[test]
fn attempts_at_an_account_are_remembered_when_its_guard_has_slept() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    for _ in 0..10 {
        world.guards_fall_asleep();
        let reply = try_log_in(&world, EMAIL, "wrong horse");
        expect_error(&reply, 401, "invalid_credentials");
    }
    world.guards_fall_asleep();
    expect_error(
        &try_log_in(&world, EMAIL, PASSWORD),
        429,
        "too_many_attempts",
    );
    world.pass(MINUTE);
    log_in(&world);
    assert!(
        world.guard_storage().is_empty(),
        "the right password clears it"
    );
}

#[test]
fn attempts_at_an_account_that_was_deleted_are_not_stored_by_the_alarm() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    let wrong = || try_log_in(&world, EMAIL, "wrong horse");
    expect_error(&wrong(), 401, "invalid_credentials");
    world.ring_alarm(EMAIL);
    assert_eq!(world.guard_storage().len(), 1, "an account's stay");
    world.accounts.borrow_mut().remove(EMAIL);
    expect_error(&wrong(), 401, "invalid_credentials");
    assert!(world.guard_storage().is_empty(), "nobody's go at once");
    world.ring_alarm(EMAIL);
    assert!(world.guard_storage().is_empty());
    for _ in 0..8 {
        expect_error(&wrong(), 401, "invalid_credentials");
    }
    expect_error(&wrong(), 429, "too_many_attempts");
}

#[test]
fn a_flood_slows_wrong_passwords_and_sign_ups_and_refuses_nobody() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    let took = |send: &dyn Fn() -> u16| {
        let started = world.now();
        (send(), world.now() - started)
    };
    let right = || try_log_in(&world, EMAIL, PASSWORD).status;
    let wrong = || try_log_in(&world, EMAIL, "wrong horse").status;
    let unknown = || try_log_in(&world, "nobody@example.com", PASSWORD).status;
    let sign_up = || {
        let body = json!({"email": "eve@example.com", "password": PASSWORD});
        world.post("/auth/signup", &body).status
    };
    assert_eq!(took(&wrong), (401, 0));
    world.is_flooded.set(true);
    assert_eq!(took(&right), (200, 0));
    assert_eq!(took(&wrong), (401, FLOOD_PAUSE_MS));
    assert_eq!(took(&unknown), (401, FLOOD_PAUSE_MS));
    assert_eq!(took(&sign_up), (200, FLOOD_PAUSE_MS));
}

#[test]
fn a_flood_of_logouts_with_one_token_is_one_write() {
    let world = World::new();
    let [here, there] = [world.log_in(), world.log_in()];
    for _ in 0..100 {
        assert_eq!(world.log_out(&there.refresh).status, 200);
        let path = format!("/auth/sessions/{}", there.session);
        let end = world.send(Method::Delete, &path, &here.access, &json!({}));
        assert_eq!(end.status, 200);
        let one = json!({"userId": "ada", "sessionId": there.session});
        let revoke = world.send(Method::Post, "/auth/revoke", SERVICE_KEY, &one);
        assert_eq!(revoke.status, 200);
        world.refuses(&there.refresh, 401, "session_revoked");
    }
    assert_eq!(world.operations().writes.len(), 1);
}

/// A session of Ada's account that began now, in the same shard as all others of these.
fn put_session(world: &World, number: u8) -> String {
    let id = SessionId::from_random(
        [[7, number].as_slice(), &[0; 14]]
            .concat()
            .try_into()
            .expect("16"),
    );
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
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let login = call(Method::Post, "/auth/login", None, &body);
    world.set_chance_so_that(&login, |copy, reply| {
        tokens(reply).session.starts_with(&shard) && has_looked(copy)
    });
    let login = tokens(&world.answer(&login));
    world.settle();
    login
}

#[test]
fn of_too_many_sessions_those_that_were_not_used_for_longest_end() {
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
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
    world.refresh(&login.refresh);
    let ended: Vec<bool> = unused.iter().map(|id| is_ended(&world, id)).collect();
    let number = ended.iter().filter(|ended| **ended).count();
    assert!(ended[..number].iter().all(|ended| *ended), "{ended:?}");
    assert!(number >= 22 - SESSIONS_PER_SHARD, "{ended:?}");
    let lines = world.lines("sessions_revoked");
    assert!(lines.len() >= number);
    for id in &unused[..number] {
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
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
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
fn what_is_too_much_ends_though_a_later_page_cannot_be_listed() {
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
    let ids: Vec<String> = (0..120).map(|number| put_session(&world, number)).collect();
    world.pass(HOUR);
    world.inject(later_pages(Trouble::Fails));
    log_in_with_a_look(&world);
    assert!(alive(&world, &ids) <= 120 - 50 + SESSIONS_PER_SHARD);
}

#[test]
fn sessions_that_a_cut_off_has_ended_push_nobody_out() {
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
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

#[test]
fn a_user_of_another_back_end_may_have_any_number_of_sessions() {
    let world = World::new();
    let first = world.log_in();
    for _ in 0..2_000 {
        world.log_in();
    }
    world.settle();
    world.refresh(&first.refresh);
    assert_eq!(world.keys("session:").len(), 2_001);
}

#[test]
fn headers_that_are_too_long_are_not_worked_on() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    let long = "x".repeat(100_000);
    let mut login = call(
        Method::Post,
        "/auth/login",
        Some(&format!("Bearer {long}")),
        &json!({"email": EMAIL, "password": PASSWORD}).to_string(),
    );
    login.ip = Some(long.clone());
    login.ray = Some(long.clone());
    login.page_origin = Some(long.clone());
    assert_eq!(world.answer(&login).status, 200);

    world.settle();
    world.operations();
    for path in ["/auth/me", "/auth/sessions"] {
        expect_error(&world.get(path, &long), 401, "access_token_invalid");
    }
    let user = json!({"userId": "ada"});
    let opened = world.send(Method::Post, "/auth/session", &long, &user);
    expect_error(&opened, 401, "service_key_invalid");
    assert_eq!(world.operations().reads.len(), 0);

    let mut preflight = call(Method::Options, "/auth/token", None, "");
    preflight.wanted_headers = Some(long.clone());
    preflight.ray = Some(long);
    let reply = world.answer(&preflight);
    assert_eq!(header(&reply, "Access-Control-Allow-Headers"), None);
    let unknown = call(Method::Get, "/nothing", None, "");
    assert_eq!(
        body(&world.answer(&unknown))["requestId"]
            .as_str()
            .map(str::len),
        Some(16)
    );
}
