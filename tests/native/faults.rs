//! When the store fails: a fault of ours is never a 401.

use serde_json::json;

use tokenkeep_world::trouble::Trouble::{self, Fails, Refuses, Silent};

use crate::world::{HOUR, World, expect_error, header, next_writes, reads};

const BAD: [Trouble; 3] = [Fails, Refuses, Silent];

#[test]
fn a_store_that_cannot_be_read_is_a_503_on_every_route_and_ends_nothing() {
    let world = World::new();
    let login = world.log_in();
    for trouble in BAD {
        world.inject(reads(trouble));
        let before = world.now();
        for reply in [
            world.try_refresh(&login.refresh),
            world.get("/auth/me", &login.access),
            world.log_out(&login.refresh),
        ] {
            expect_error(&reply, 503, "temporarily_unavailable");
            assert_eq!(header(&reply, "Retry-After"), Some("2"));
        }
        assert!(
            world.now() - before < 3 * 5_000,
            "each within the 5 s that a phone gives a GET"
        );
        world.recover();
        world.refresh(&login.refresh);
    }
}

#[test]
fn a_write_that_is_refused_once_is_tried_again() {
    let world = World::new();
    for trouble in [Fails, Refuses] {
        world.inject(next_writes(1, trouble));
        let before = world.now();
        let reply = world.open(&json!({"userId": "ada"}));
        assert_eq!(reply.status, 200, "{trouble:?}");
        assert!(world.now() - before < 10_000);
    }
}

#[test]
fn a_session_that_cannot_be_written_is_not_given_out() {
    let world = World::new();
    for trouble in BAD {
        world.recover();
        world.inject(next_writes(2, trouble));
        let before = world.now();
        let reply = world.open(&json!({"userId": "ada"}));
        expect_error(&reply, 503, "temporarily_unavailable");
        assert!(
            world.now() - before < 9_000,
            "well before the phone gives up"
        );
    }
}

#[test]
fn a_note_that_is_refused_is_written_a_second_later() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.inject(next_writes(1, Refuses));
    world.refresh(&first.refresh);
    world.pass(HOUR);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_note_that_is_lost_leaves_the_predecessor_good_and_a_line_for_the_owner() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.inject(next_writes(2, Refuses));
    world.refresh(&first.refresh);
    assert_eq!(world.lines("activity_write_lost").len(), 1);
    world.pass(HOUR);
    world.refresh(&login.refresh);
    world.refresh(&first.refresh);
}

#[test]
fn a_note_that_is_never_answered_is_given_up_and_tried_again() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.inject(next_writes(2, Silent));
    world.refresh(&first.refresh);
    assert_eq!(world.lines("activity_write_lost").len(), 1);
    world.inject(next_writes(1, Silent));
    world.refresh(&first.refresh);
    assert_eq!(world.lines("activity_write_lost").len(), 1);
    world.pass(HOUR);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_reuse_that_cannot_be_written_down_is_a_503_and_found_again() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.refresh(&first.refresh);
    world.pass(HOUR);
    world.inject(next_writes(2, Fails));
    world.refuses(&login.refresh, 503, "temporarily_unavailable");
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_logout_that_cannot_be_written_down_is_not_confirmed() {
    let world = World::new();
    let login = world.log_in();
    world.inject(next_writes(2, Fails));
    expect_error(
        &world.log_out(&login.refresh),
        503,
        "temporarily_unavailable",
    );
    assert_eq!(world.log_out(&login.refresh).status, 200);
}

#[test]
fn rubbish_in_the_store_is_a_503_and_not_a_logout() {
    let world = World::new();
    let login = world.log_in();
    for key in [
        format!("activity:{}", login.session),
        "revoked:ada".to_owned(),
    ] {
        world.put(&key, &json!({"v": 99}));
        world.refuses(&login.refresh, 503, "temporarily_unavailable");
        world.forget(&key);
    }
    world.refresh(&login.refresh);
}

#[test]
fn a_missing_binding_is_named_with_its_remedy() {
    let world = World::new();
    let login = world.log_in();
    world.unbind("SESSIONS");
    let reply = world.try_refresh(&login.refresh);
    expect_error(&reply, 500, "misconfigured");
    assert!(
        reply.body.contains("SESSIONS is not bound"),
        "{}",
        reply.body
    );
    let [line] = world.lines("fault").try_into().expect("one line");
    assert_eq!(line["cause"], "SESSIONS");
}
