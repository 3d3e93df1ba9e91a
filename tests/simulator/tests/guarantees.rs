//! The guarantees, on some thousands of stories.

use tokenkeep_simulator::{
    report::is_found_in_time,
    rule::Variant,
    run::{Plan, Totals, detections, honest_stories},
    schedule::{Climate, Stores, Thief},
};
use tokenkeep_world::conditions::LandingOrder;

fn plan(seed: u64, climate: Climate) -> Plan {
    Plan {
        seed,
        climate,
        variant: Variant::Product,
    }
}

fn in_stores(stores: Stores) -> Climate {
    Climate {
        stores,
        ..Climate::default()
    }
}

#[track_caller]
fn keeps_every_guarantee(plan: Plan, sessions: u64) -> Totals {
    let totals = honest_stories(plan, sessions, &|_| {});
    assert!(totals.is_clean(), "{:?}: {:?}", plan, totals.broken);
    totals
}

#[test]
fn nobody_is_logged_out_by_accident_and_nothing_is_revived() {
    let totals = keeps_every_guarantee(plan(1, Climate::default()), 2_500);
    assert!(totals.operations.refreshes > 80_000);
}

#[test]
fn nor_where_sessions_are_in_objects() {
    let totals = keeps_every_guarantee(plan(6, in_stores(Stores::Objects)), 2_000);
    let operations = totals.operations;
    assert!(operations.refreshes > 60_000 && operations.objects > operations.refreshes);
}

#[test]
fn nor_where_they_come_into_objects_halfway() {
    keeps_every_guarantee(plan(7, in_stores(Stores::SwitchedOn)), 2_500);
}

#[test]
fn a_thief_is_found_out_in_objects_too() {
    for thief in Thief::ALL {
        let climate = in_stores(Stores::Objects);
        let found = detections(plan(8, climate), thief, 100, 150, &|_| {});
        assert!(is_found_in_time(thief, &found), "{thief:?}: {found:?}");
    }
}

#[test]
fn nor_where_places_are_two_minutes_behind() {
    let climate = Climate {
        lag_ms: 120_000,
        ..Climate::default()
    };
    keeps_every_guarantee(plan(2, climate), 1_200);
}

#[test]
fn nobody_is_logged_out_even_where_a_late_write_covers_a_newer_one() {
    let climate = Climate {
        order: LandingOrder::Landed,
        ..Climate::default()
    };
    // Sessions may be revived in such a world: a login's own write may cover the tombstone.
    let totals = honest_stories(plan(3, climate), 1_200, &|_| {});
    assert_eq!(totals.logged_out, 0, "{:?}", totals.broken);
}

#[test]
fn one_seed_gives_one_course_of_events() {
    let run = || {
        let totals = honest_stories(plan(4, Climate::default()), 100, &|_| {});
        let operations = totals.operations;
        (operations.reads, operations.writes, operations.refreshes)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_thief_with_a_schedule_of_his_own_is_found_out() {
    for thief in Thief::ALL {
        let found = detections(plan(5, Climate::default()), thief, 150, 150, &|_| {});
        assert!(is_found_in_time(thief, &found), "{thief:?}: {found:?}");
    }
}
