//! Sessions in the objects of their users, as far as they differ from those in KV: what is exact, what
//! is stored and for how long, and how sessions come over from KV.

use serde_json::json;
use tokenkeep::{
    config::SessionStore::DurableObjects, http::reply::Reply, session::port::UserObjects as _,
};
use tokenkeep_world::{
    Place,
    trouble::{Plan, Store, Trouble},
};

use crate::{
    client::{BCRYPT, EMAIL, PASSWORD, Tokens, body, expect_error, post, signed, tokens},
    codes::{EXPIRED, MISCONFIGURED, REUSED, REVOKED, UNAVAILABLE},
    world::{DAY, HOUR, IN_OBJECTS, MINUTE, World, use_store},
};

/// How long KV may go on showing what it showed.
const SETTLED: u64 = 11 * MINUTE;

fn in_objects() -> World {
    use_store(DurableObjects);
    World::new()
}

/// A session of Ada's from before the switch, and the world after it, which shares the stores.
fn switched_on() -> (World, World, Tokens) {
    let before = World::new();
    let login = before.log_in();
    let after = before.elsewhere(&[IN_OBJECTS]);
    (before, after, login)
}

/// The calls on stores since the last time, but not that of the rate limits.
fn calls(world: &World) -> Vec<String> {
    let calls = world.take_calls().into_iter();
    let calls = calls.filter(|call| call.store != Store::Flood);
    calls.map(|call| call.to_string()).collect()
}

fn is_about_kv(call: &str) -> bool {
    call.starts_with("KV")
}

/// The keys of a user's object.
fn rows(world: &World, name: &str) -> Vec<String> {
    let stored = world.object_storage();
    let keys = stored.get(name).map(|stored| stored.keys().cloned());
    keys.map(Iterator::collect).unwrap_or_default()
}

#[test]
fn a_request_of_the_worker_is_one_of_the_object_and_an_unchanged_refresh_writes_nothing() {
    let world = in_objects();
    let login = world.open_for("ada");
    let opened = [
        "object: create",
        "object's storage: get alarm",
        "object's storage: set alarm",
        "object's storage: put",
    ];
    assert_eq!(calls(&world), opened);
    world.open_for("ada");
    // The alarm of the first session comes first.
    let again = [opened[0], opened[1], opened[3]];
    assert_eq!(calls(&world), again);

    let unchanged = ["object: refresh", "object's storage: get rows"];
    let first = world.refresh_after(HOUR, &login);
    assert_eq!(calls(&world), unchanged);
    world.refresh(&first);
    assert_eq!(
        calls(&world),
        [unchanged[0], unchanged[1], "object's storage: put"]
    );
    world.refresh_after(HOUR, &first);
    assert_eq!(calls(&world), unchanged);

    let login = world.refresh(&first);
    world.take_calls();
    assert_eq!(world.me(&login).status, 200);
    assert_eq!(
        calls(&world),
        ["object: look_up", "object's storage: get rows"]
    );
    world.log_out(&login);
    let ended = [
        "object: end_if_known",
        "object's storage: get rows",
        "object's storage: get alarm",
        "object's storage: put",
        "object's storage: delete",
    ];
    assert_eq!(calls(&world), ended);
}

#[test]
fn twenty_refreshes_at_once_get_the_same_token() {
    let world = in_objects();
    let login = world.log_in();
    let first = world.refresh_after(HOUR, &login);
    let call = post("/auth/token", &json!({"refreshToken": first.refresh}));
    let replies = world.answer_at_once(&vec![call; 20]);
    let given: Vec<String> = replies.iter().map(|it| tokens(it).refresh).collect();
    assert!(given.iter().all(|refresh| *refresh == given[0]));
    world.pass(HOUR);
    world.refuses(&login, REUSED);
    world.refuses(&first, REVOKED);
}

#[test]
fn a_restart_between_two_requests_loses_nothing() {
    let world = in_objects();
    let login = world.log_in();
    let first = world.refresh_after(HOUR, &login);
    world.refresh(&first);
    world.restart_objects();
    world.pass(HOUR);
    world.refuses(&login, REUSED);
    world.restart_objects();
    world.refuses(&first, REVOKED);
}

#[test]
fn after_its_last_token_nothing_is_left_of_a_user() {
    let world = in_objects();
    let [ended, kept] = [world.open_for("ada"), world.open_for("ada")];
    world.log_out(&ended);
    assert_eq!(world.log_out_all(&kept).status, 200);
    for days in [120, 364] {
        world.pass(days * DAY);
        world.ring_object_alarms();
        if days == 120 {
            world.refuses(&ended, REVOKED);
            world.refuses(&kept, REVOKED);
        }
    }
    // The cut-off stays for as long as KV could still have a session.
    assert_eq!(rows(&world, "service:ada"), Vec::<String>::new());
    assert!(world.object_alarms().is_empty());
    assert!(world.object_storage().is_empty());
}

#[test]
fn an_alarm_removes_what_no_token_can_name_and_nothing_else() {
    let world = World::with(&[IN_OBJECTS, ("SESSION_MAX_SECONDS", "86400")]);
    let first = world.open_for("ada");
    world.pass(DAY / 2);
    let [second, third] = [world.open_for("ada"), world.open_for("ada")];
    world.log_out(&third);
    for (time, left) in [(DAY / 2 - 1, 3), (2 * MINUTE, 2), (DAY / 2 - 3 * MINUTE, 2)] {
        world.pass(time);
        world.ring_object_alarms();
        assert_eq!(rows(&world, "service:ada").len(), left);
        world.refresh(&second);
        world.refuses(&third, REVOKED);
    }
    world.refuses(&first, EXPIRED);
    world.pass(2 * HOUR);
    world.ring_object_alarms();
    assert!(world.object_storage().is_empty());
    assert!(world.object_alarms().is_empty());
}

#[test]
fn a_row_that_cannot_be_read_is_a_fault_and_stays() {
    let world = in_objects();
    let login = world.open_for("ada");
    let key = format!("session:{}", login.session);
    world.put_row("service:ada", &key, r#"{"session":{"v":2}}"#);
    world.refuses(&login, UNAVAILABLE);
    expect_error(&world.me(&login), UNAVAILABLE);
    world.pass(500 * DAY);
    world.ring_object_alarms();
    assert_eq!(rows(&world, "service:ada"), [key]);
}

#[test]
fn sessions_that_no_store_knows_are_a_fault_until_the_owner_gives_them_up() {
    let world = in_objects();
    let login = world.open_for("ada");
    world.pass(DAY);
    world.lose_objects();
    for _ in 0..2 {
        world.refuses(&login, UNAVAILABLE);
        world.pass(DAY);
    }
    assert_eq!(world.lines("store_younger_than_token").len(), 2);
    let later = world.open_for("ada");
    world.refresh(&later);
    let now = world.now();
    world.put("tokenkeep:given-up", &json!({"v": 1, "at": now - HOUR}));
    world.refuses(&login, EXPIRED);
    world.refresh(&later);
    world.lose_objects();
    world.pass(DAY);
    world.refuses(&later, UNAVAILABLE);
}

#[test]
fn switching_on_logs_nobody_out_and_asks_kv_no_longer_than_it_may_be_behind() {
    let (before, world, login) = switched_on();
    let first = before.refresh_after(HOUR, &login);
    before.refresh_after(HOUR, &first);
    world.take_calls();
    let second = world.refresh(&first);
    let adopted = [
        "object: refresh",
        "object's storage: get rows",
        "KV: read service, activity, service-revoked",
        "object's storage: get alarm",
        "object's storage: set alarm",
        "object's storage: put",
    ];
    assert_eq!(calls(&world), adopted);
    world.refresh_after(SETTLED, &second);
    assert!(calls(&world).iter().any(|call| is_about_kv(call)));
    for _ in 0..3 {
        world.refresh_after(HOUR, &second);
        assert!(!calls(&world).iter().any(|call| is_about_kv(call)));
    }
    // Its chain came along.
    world.refuses(&login, REUSED);
}

#[test]
fn what_kv_shows_late_counts_until_it_has_settled() {
    let (before, world, login) = switched_on();
    world.pass(HOUR);
    world.refresh(&login);
    before.log_out(&login);
    world.refuses(&login, REVOKED);
    assert!(rows(&world, "service:ada")[0].starts_with("ended:"));

    let (before, world, login) = switched_on();
    let login = world.refresh_after(HOUR, &login);
    assert_eq!(before.log_out_all(&login).status, 200);
    world.refuses(&login, REVOKED);
    world.pass(1);
    world.refresh(world.open_for("ada"));

    let (before, world, login) = switched_on();
    let first = world.refresh_after(HOUR, &login);
    before.refresh(&first);
    world.pass(2 * MINUTE);
    world.refuses(&login, REUSED);
}

#[test]
fn a_session_that_was_ended_here_stays_so_whatever_kv_has() {
    let (_, world, login) = switched_on();
    world.log_out(&login);
    world.take_calls();
    for pause in [0, SETTLED, 300 * DAY] {
        world.pass(pause);
        world.refuses(&login, REVOKED);
        assert!(!calls(&world).iter().any(|call| is_about_kv(call)));
    }

    // All at once, and before KV was ever asked.
    let (_, world, login) = switched_on();
    assert_eq!(world.revoke(&json!({"userId": "ada"})).status, 200);
    for pause in [0, SETTLED, 300 * DAY] {
        world.pass(pause);
        world.ring_object_alarms();
        world.refuses(&login, REVOKED);
    }
}

#[test]
fn without_kv_sessions_in_objects_go_on_and_others_are_a_fault() {
    let (_, world, login) = switched_on();
    let here = world.open_for("ada");
    world.unbind("SESSIONS");
    let here = world.refresh_after(HOUR, &here);
    assert_eq!(world.me(&here).status, 200);
    world.refuses(&login, UNAVAILABLE);
    let health = body(&world.get("/health", ""));
    assert!(
        health["checks"]["sessions"]
            .as_str()
            .expect("a verdict")
            .contains("SESSIONS")
    );
}

#[test]
fn a_missing_binding_and_an_unknown_store_are_named() {
    let (_, world, login) = switched_on();
    world.unbind("USER_SESSIONS");
    let reply = world.try_refresh(&login);
    expect_error(&reply, MISCONFIGURED);
    assert!(
        reply.body.contains("USER_SESSIONS is not bound"),
        "{}",
        reply.body
    );
    let health = body(&world.get("/health", ""));
    assert!(
        health["checks"]["sessions"]
            .as_str()
            .expect("a verdict")
            .contains("USER_SESSIONS")
    );

    let world = World::with(&[("SESSION_STORE", "redis")]);
    let reply = world.try_refresh("a.b.c");
    expect_error(&reply, MISCONFIGURED);
    for hint in ["SESSION_STORE", "kv", "durable_objects"] {
        assert!(reply.body.contains(hint), "{}", reply.body);
    }
}

#[test]
fn an_object_that_fails_hangs_or_talks_nonsense_is_a_503() {
    for trouble in Trouble::ALL {
        for store in [Store::Object, Store::Rows] {
            if trouble == Trouble::Refuses || trouble == Trouble::Rubbish && store == Store::Object
            {
                continue;
            }
            let world = in_objects();
            let login = world.open_for("ada");
            world.inject(Plan::new(store, "", trouble));
            world.refuses(&login, UNAVAILABLE);
            world.recover();
            world.restart_objects();
            world.refresh(&login);
        }
    }
}

#[test]
fn an_object_that_restarts_in_the_middle_of_a_request_is_a_503_and_loses_nothing() {
    const PACE_MS: u64 = 100;
    type Request = fn(&World, &Tokens) -> Reply;
    let requests: [Request; 3] = [
        |world, tokens| world.try_refresh(tokens),
        |world, tokens| world.log_out(tokens),
        |world, _| world.open(&json!({"userId": "ada"})),
    ];
    let mut faults = 0;
    for (which, request) in requests.into_iter().enumerate() {
        for at in (0..6).map(|call| call * PACE_MS + PACE_MS / 2) {
            let world = in_objects();
            let login = world.log_in();
            let first = world.refresh_after(HOUR, &login);
            world.set_pace(PACE_MS);
            let cloud = world.cloud();
            let restart = async move { cloud.restart_objects() };
            world.timeline.spawn_at(world.now() + at, restart);
            let reply = request(&world, &first);
            world.settle();
            world.set_pace(0);
            if reply.status != 200 {
                faults += 1;
                expect_error(&reply, UNAVAILABLE);
                assert_eq!(request(&world, &first).status, 200);
            }
            world.restart_objects();
            world.pass(HOUR);
            match which {
                0 => world.refuses(&login, REUSED),
                1 => world.refuses(&first, REVOKED),
                _ => drop(world.refresh(&first)),
            }
        }
    }
    assert!(faults > 6, "{faults}");
}

#[test]
fn a_full_storage_refuses_what_it_would_have_to_store_and_nothing_else() {
    let world = in_objects();
    let login = world.open_for("ada");
    let first = world.refresh_after(HOUR, &login);
    world.inject(Plan::new(Store::Rows, "put", Trouble::Fails));
    let here = world.refresh(&login);
    assert_eq!(world.me(&here).status, 200);
    world.refuses(&first, UNAVAILABLE);
    for reply in [
        world.log_out(&here),
        world.log_out_all(&here),
        world.open(&json!({"userId": "ada"})),
    ] {
        expect_error(&reply, UNAVAILABLE);
    }
    world.recover();
    world.restart_objects();
    world.refresh(&first);
    world.log_out(&first);
    world.refuses(&first, REVOKED);
}

#[test]
fn a_request_that_only_another_version_understands_is_a_fault_and_changes_nothing() {
    let world = in_objects();
    world.open_for("ada");
    let stored = world.object_storage();
    let place = Place::new(world.cloud(), 0, 0);
    for request in [
        r#"{"list_by_device":{}}"#,
        r#"{"end_all":{}}"#,
        r#"{"refresh":{"token":"x"}}"#,
    ] {
        let reply = world.timeline.answer(place.ask("service:ada", request));
        assert!(reply.expect("an answer").is_err(), "{request}");
    }
    assert!(world.object_storage() == stored);
}

#[test]
fn the_list_has_what_objects_know_and_then_what_only_kv_has() {
    let (before, world, adopted) = switched_on();
    let in_kv = before.log_in();
    let ended = before.log_in();
    world.refresh(&adopted);
    let opened = world.open_for("ada");
    assert_eq!(world.end_session(&opened, &ended.session).status, 200);
    let mut seen = Vec::new();
    let mut path = "/auth/sessions".to_owned();
    for _ in 0..10 {
        let page = body(&world.get(&path, &opened.access));
        for session in page["sessions"].as_array().expect("a list") {
            seen.push(session["id"].as_str().expect("an id").to_owned());
        }
        let Some(next) = page["nextCursor"].as_str() else {
            break;
        };
        path = format!("/auth/sessions?cursor={next}");
    }
    let mut expected = [adopted.session, in_kv.session, opened.session];
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
}

#[test]
fn ten_thousand_sessions_of_a_user_are_listed_ended_and_removed() {
    let world = in_objects();
    let all: Vec<Tokens> = (0..10_000).map(|_| world.open_for("ada")).collect();
    let page = body(&world.get("/auth/sessions", &all[0].access));
    assert_eq!(page["sessions"].as_array().expect("a list").len(), 50);
    world.take_calls();
    assert_eq!(world.log_out_all(&all[0]).status, 200);
    assert!(calls(&world).len() < 10);
    for login in [&all[0], &all[5_000], &all[9_999]] {
        world.refuses(login, REVOKED);
    }
    world.pass(401 * DAY);
    world.ring_object_alarms();
    assert!(world.object_storage().is_empty());
}

#[test]
fn ten_thousand_sessions_of_an_account_are_erased_with_it() {
    let world = in_objects();
    world.import("u1", EMAIL, BCRYPT);
    let login = world.log_in_with(PASSWORD);
    let key = format!("session:{}", login.session);
    let row = world.object_storage()["account:u1"][&key].clone();
    for number in 0..10_000 {
        world.put_row("account:u1", &format!("session:{number:022}"), &row);
    }
    assert_eq!(world.delete_account(&login, PASSWORD).status, 200);
    assert_eq!(rows(&world, "account:u1"), ["user"]);
}

#[test]
fn an_account_has_exactly_as_many_sessions_as_it_may() {
    use_store(DurableObjects);
    let world = World::with(&[("SESSIONS_PER_USER", "3")]);
    let first = world.sign_up();
    world.pass(MINUTE);
    let second = world.log_in_with(PASSWORD);
    let third = world.log_in_with(PASSWORD);
    // The first is seen last.
    let first = world.refresh_after(40 * DAY, &first);
    let fourth = world.log_in_with(PASSWORD);
    world.refuses(&second, REVOKED);
    for alive in [&first, &third, &fourth] {
        world.refresh(alive);
    }
    // Those of another back end are not limited.
    let many: Vec<Tokens> = (0..5).map(|_| world.open_for("ada")).collect();
    for one in &many {
        world.refresh(one);
    }

    let world = World::with(&[("SESSIONS_PER_USER", "1")]);
    let first = world.sign_up();
    let second = world.log_in_with(PASSWORD);
    world.refuses(&first, REVOKED);
    world.refresh(&second);
}

#[test]
fn a_deletion_erases_everything_in_both_stores() {
    let before = World::new();
    let here = before.sign_up();
    let there = before.log_in_with(PASSWORD);
    let world = before.elsewhere(&[IN_OBJECTS]);
    world.refresh(&here);
    assert_eq!(world.delete_account(&here, PASSWORD).status, 200);
    assert!(world.keys("session:").is_empty());
    let stored = world.object_storage().into_values();
    let keys: Vec<Vec<String>> = stored.map(|it| it.into_keys().collect()).collect();
    assert_eq!(keys, [["user"]]);
    for pause in [0, MINUTE, SETTLED, DAY] {
        world.pass(pause);
        world.refuses(&here, REVOKED);
        world.refuses(&there, REVOKED);
    }
    assert!(world.password_hash(EMAIL).is_none());
}

#[test]
fn a_token_that_was_never_stored_is_a_fault_and_stores_nothing() {
    let world = in_objects();
    let now = world.now();
    let unknown = signed("AAAAAAAAAAAAAAAAAAAAAA", 3, now - HOUR, now + DAY);
    world.refuses(&unknown, UNAVAILABLE);
    assert!(world.object_storage().is_empty());
}
