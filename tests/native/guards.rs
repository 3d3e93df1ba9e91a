//! The guards as objects: at once, asleep, restarted, and their alarms.

use serde_json::json;
use tokenkeep::http::{method::Method, reply::Reply, request::Call};

use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::world::{DAY, World, call, expect_error};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";
/// A bcrypt hash of the password: cheap to check.
const BCRYPT: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

fn post(path: &str, password: &str) -> Call {
    let body = json!({"email": EMAIL, "password": password});
    call(Method::Post, path, None, &body.to_string())
}

fn world_with_ada() -> World {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    world
}

fn fail_to_log_in(world: &World) -> Reply {
    world.answer(&post("/auth/login", "wrong horse"))
}

#[test]
fn the_alarm_clears_what_is_stored_of_attempts() {
    let world = world_with_ada();
    expect_error(&fail_to_log_in(&world), 401, "invalid_credentials");
    assert_eq!(world.guard_storage().len(), 1);
    let rings_at = world.guard_alarms()[EMAIL];
    assert_eq!(rings_at, world.now() + DAY);

    world.guards_fall_asleep();
    world.pass(rings_at - 1 - world.now());
    world.ring_alarm(EMAIL);
    assert_eq!(world.guard_storage().len(), 1, "a millisecond too early");
    assert_eq!(world.guard_alarms()[EMAIL], rings_at, "so it is set again");

    world.guards_fall_asleep();
    world.pass(1);
    world.ring_alarm(EMAIL);
    assert!(world.guard_storage().is_empty());
    assert!(world.guard_alarms().is_empty());
}

#[test]
fn the_right_password_clears_attempts_and_alarm() {
    let world = world_with_ada();
    expect_error(&fail_to_log_in(&world), 401, "invalid_credentials");
    assert_eq!(world.answer(&post("/auth/login", PASSWORD)).status, 200);
    assert!(world.guard_storage().is_empty());
    assert!(world.guard_alarms().is_empty());
}

#[test]
fn a_guard_that_restarts_between_check_and_write_has_counted_every_attempt_it_replied_to() {
    let world = world_with_ada();
    for _ in 0..5 {
        expect_error(&fail_to_log_in(&world), 401, "invalid_credentials");
    }

    world.inject(Plan::new(Store::Storage, "put", Trouble::Silent));
    expect_error(&fail_to_log_in(&world), 503, "temporarily_unavailable");
    world.recover();
    world.settle();
    world.guards_fall_asleep();

    for _ in 0..5 {
        expect_error(&fail_to_log_in(&world), 401, "invalid_credentials");
    }
    expect_error(&fail_to_log_in(&world), 429, "too_many_attempts");
}

#[test]
fn sign_ups_of_one_address_at_once_make_one_account() {
    let world = World::new();
    world.set_pace(10);
    let passwords = ["first horse", "second horse", "third horse"];
    let replies = world.answer_at_once(&passwords.map(|password| post("/auth/signup", password)));
    let mut seen: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    seen.sort_unstable();
    assert_eq!(seen, [200, 409, 409]);
    assert!(world.password_hash(EMAIL).is_some());
}

#[test]
fn attempts_at_once_are_no_more_than_attempts_one_by_one() {
    let world = world_with_ada();
    world.set_pace(10);
    let attempts = [(); 15].map(|()| post("/auth/login", "wrong horse"));
    let replies = world.answer_at_once(&attempts);
    let checked = replies.iter().filter(|reply| reply.status == 401).count();
    let refused = replies.iter().filter(|reply| reply.status == 429).count();
    assert_eq!((checked, refused), (10, 5));
}
