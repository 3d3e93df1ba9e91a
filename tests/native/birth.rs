//! A store of sessions that was lost and made anew is younger than the tokens of its sessions.

use serde_json::json;
use tokenkeep_world::trouble::Trouble;

use crate::{
    client::{PASSWORD, logged_in},
    codes::{EXPIRED, REVOKED, UNAVAILABLE},
    world::{BIRTH_KEY, DAY, HOUR, World, next_writes},
};

/// The namespace is replaced by an empty one, with a deployment.
fn lose_the_store(world: &World) {
    for prefix in [
        "session:",
        "service:",
        "activity:",
        "revoked:",
        "service-revoked:",
    ] {
        for key in world.keys(prefix) {
            world.forget(&key);
        }
    }
    world.forget(BIRTH_KEY);
    world.has_birth_mark.set(false);
}

#[test]
fn a_lost_store_is_a_fault_that_ends_nothing_until_the_owner_says_so() {
    let (world, login) = logged_in();
    let full = world.copy();
    world.pass(HOUR);
    lose_the_store(&world);
    world.operations();
    world.refuses(&login, UNAVAILABLE);
    assert_eq!(world.operations().writes, Vec::<String>::new());
    assert_eq!(world.lines("store_younger_than_token").len(), 1);

    // Others log in again meanwhile.
    let bob = world.open_for("bob");
    world.settle();
    world.pass(DAY);
    world.refuses(&login, UNAVAILABLE);
    world.refresh(&bob);

    full.pass(DAY);
    full.refresh(&login);
    world.put(BIRTH_KEY, &json!({"v": 1, "at": 0}));
    world.refuses(&login, EXPIRED);
}

#[test]
fn a_store_whose_data_comes_back_during_a_refresh_ends_nothing() {
    let (world, login) = logged_in();
    world.pass(DAY);
    let lost = world.empty_store();
    let (cloud, pace_ms) = (world.cloud(), 100);
    world.set_pace(pace_ms);
    // The first read is over, the second is not.
    world
        .timeline
        .spawn_at(world.now() + pace_ms + pace_ms / 2, async move {
            cloud.restore_store(&lost);
        });
    world.refuses(&login, UNAVAILABLE);
    world.refresh(&login);
}

#[test]
fn the_first_login_marks_the_store_for_good_and_no_later_one_asks() {
    let world = World::new();
    lose_the_store(&world);
    world.open_for("ada");
    world.settle();
    let operations = world.operations();
    assert_eq!(operations.reads, [[BIRTH_KEY]]);
    assert_eq!(operations.writes[1..], [BIRTH_KEY]);
    let mark = world.entry(BIRTH_KEY).expect("written");
    assert_eq!(*mark.value, format!(r#"{{"v":1,"at":{}}}"#, world.now()));
    assert_eq!(mark.expires_at, u64::MAX);

    world.open_for("ada");
    world.settle();
    assert_eq!(world.operations().writes.len(), 1);

    // Another isolate finds it.
    world.has_birth_mark.set(false);
    world.pass(HOUR);
    world.open_for("ada");
    world.settle();
    assert_eq!(world.operations().writes.len(), 1);
    assert_eq!(world.entry(BIRTH_KEY).expect("there").value, mark.value);
}

#[test]
fn a_mark_that_cannot_be_written_is_written_by_the_next_login() {
    let world = World::new();
    lose_the_store(&world);
    world.open_for("ada");
    world.inject(next_writes(2, Trouble::Fails));
    world.settle();
    assert!(world.entry(BIRTH_KEY).is_none());
    world.recover();
    world.open_for("ada");
    world.settle();
    assert!(world.entry(BIRTH_KEY).is_some());
}

#[test]
fn a_device_of_a_deleted_account_is_logged_out_without_a_mark_too() {
    let world = World::new();
    let here = world.sign_up();
    let there = world.log_in_with(PASSWORD);
    assert_eq!(world.delete_account(&here, PASSWORD).status, 200);
    world.forget(BIRTH_KEY);
    world.pass(DAY);
    world.refuses(&there, REVOKED);
}
