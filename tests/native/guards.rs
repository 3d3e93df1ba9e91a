//! The guards as objects: at once, asleep, restarted, and their alarms.

use serde_json::json;
use tokenkeep::http::request::Call;
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    client::{BCRYPT, EMAIL, PASSWORD, expect_error, post},
    codes::{TOO_MANY_ATTEMPTS, UNAVAILABLE},
    world::{DAY, World},
};

fn with_password(path: &str, password: &str) -> Call {
    post(path, &json!({"email": EMAIL, "password": password}))
}

fn world_with_ada() -> World {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    world
}

#[test]
fn the_alarm_clears_what_is_stored_of_attempts() {
    let world = world_with_ada();
    let rings_at = world.now() + DAY;
    world.fail_to_log_in();
    assert_eq!(world.guard_storage().len(), 1);
    assert_eq!(world.guard_alarms()[EMAIL], rings_at);

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
fn thirty_days_after_the_last_login_nothing_is_stored_and_no_alarm_is_set() {
    let world = world_with_ada();
    world.fail_to_log_in();
    world.log_in_with(PASSWORD);
    let rings_at = world.guard_alarms()[EMAIL];
    assert!(rings_at >= world.now() + 30 * DAY);
    world.guards_fall_asleep();
    world.pass(rings_at - world.now());
    world.ring_alarm(EMAIL);
    assert!(world.guard_storage().is_empty());
    assert!(world.guard_alarms().is_empty());
}

#[test]
fn a_guard_that_restarts_between_check_and_write_has_counted_every_attempt_it_replied_to() {
    let world = world_with_ada();
    for _ in 0..5 {
        world.fail_to_log_in();
    }

    world.inject(Plan::new(Store::Storage, "put", Trouble::Silent).times(1));
    let reply = world.answer(&with_password("/auth/login", "wrong horse"));
    expect_error(&reply, UNAVAILABLE);
    world.recover();
    world.settle();
    world.guards_fall_asleep();

    for _ in 0..5 {
        world.fail_to_log_in();
    }
    let reply = world.try_log_in(EMAIL, "wrong horse");
    expect_error(&reply, TOO_MANY_ATTEMPTS);
}

#[test]
fn sign_ups_of_one_address_at_once_make_one_account() {
    let world = World::new();
    world.set_pace(10);
    let passwords = ["first horse", "second horse", "third horse"];
    let calls = passwords.map(|password| with_password("/auth/signup", password));
    let replies = world.answer_at_once(&calls);
    let mut seen: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    seen.sort_unstable();
    assert_eq!(seen, [200, 409, 409]);
    assert_eq!(world.accounts.borrow().rows().count(), 1);
}

#[test]
fn attempts_at_once_are_no_more_than_attempts_one_by_one() {
    let world = world_with_ada();
    world.set_pace(10);
    let attempts = [(); 15].map(|()| with_password("/auth/login", "wrong horse"));
    let replies = world.answer_at_once(&attempts);
    let checked = replies.iter().filter(|reply| reply.status == 401).count();
    let refused = replies.iter().filter(|reply| reply.status == 429).count();
    assert_eq!((checked, refused), (10, 5));
}
