//! When the store fails, as far as the sweep of all faults does not show it: a fault of ours is
//! never a 401.

use serde_json::json;
use tokenkeep::http::request::REQUEST_TIMEOUT_MS;
use tokenkeep_world::trouble::Trouble::{Fails, Refuses, Silent};

use crate::{
    client::{expect_error, logged_in, post},
    codes::{MISCONFIGURED, REUSED, UNAVAILABLE},
    world::{HOUR, next_writes, reads},
};

#[test]
fn a_note_that_is_lost_leaves_the_predecessor_valid_and_a_line_for_the_owner() {
    for trouble in [Refuses, Fails, Silent] {
        let (world, login) = logged_in();
        let first = world.refresh_after(HOUR, &login);
        world.inject(next_writes(2, trouble));
        world.refresh(&first);
        assert_eq!(world.lines("activity_write_lost").len(), 1);
        world.refresh_after(HOUR, &login);
        world.refresh(&first);
    }
}

#[test]
fn a_note_that_is_refused_or_not_answered_once_is_written_a_second_later() {
    for trouble in [Refuses, Fails, Silent] {
        let (world, login) = logged_in();
        let first = world.refresh_after(HOUR, &login);
        world.inject(next_writes(1, trouble));
        world.refresh(&first);
        assert!(world.lines("activity_write_lost").is_empty());
        world.pass(HOUR);
        world.refuses(&login, REUSED);
    }
}

#[test]
fn rubbish_in_the_store_is_a_503_and_not_a_logout() {
    let (world, login) = logged_in();
    for key in [
        format!("activity:{}", login.session),
        "service-revoked:ada".to_owned(),
    ] {
        world.put(&key, &json!({"v": 99}));
        world.refuses(&login, UNAVAILABLE);
        world.forget(&key);
    }
    world.refresh(&login);
}

#[test]
fn a_missing_binding_is_named_with_its_remedy() {
    let (world, login) = logged_in();
    world.unbind("SESSIONS");
    let reply = world.try_refresh(&login);
    expect_error(&reply, MISCONFIGURED);
    assert!(
        reply.body.contains("SESSIONS is not bound"),
        "{}",
        reply.body
    );
    let [line] = world.lines("fault").try_into().expect("one line");
    assert_eq!(line["cause"], "SESSIONS");
}

#[test]
fn the_time_that_a_body_took_is_part_of_the_time_of_its_request() {
    let (world, login) = logged_in();
    world.inject(reads(Silent));
    let left_ms = 1_000;
    let mut late = post("/auth/token", &json!({"refreshToken": login.refresh}));
    late.waited_ms = REQUEST_TIMEOUT_MS - left_ms;
    expect_error(&world.answer(&late), UNAVAILABLE);
    let line = world.lines("request").pop().expect("a request");
    assert_eq!(line["ms"], left_ms);
}
