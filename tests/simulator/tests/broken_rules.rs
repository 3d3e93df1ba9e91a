//! Rules that are broken on purpose. The simulator must find out each of them.

use tokenkeep_simulator::{
    report::is_found_in_time,
    rule::Variant,
    run::{Plan, detections, honest_stories},
    schedule::{Climate, Thief},
};

fn with(variant: Variant) -> Plan {
    Plan {
        seed: 1,
        climate: Climate::default(),
        variant,
    }
}

fn logged_out(variant: Variant, sessions: u64) -> u64 {
    honest_stories(with(variant), sessions, &|_| {}).logged_out
}

fn revived(variant: Variant, sessions: u64) -> u64 {
    honest_stories(with(variant), sessions, &|_| {}).revived
}

#[test]
fn without_the_sibling_check_thieves_stay() {
    let plan = with(Variant::SiblingCheckOff);
    let found = detections(plan, Thief::OwnSchedule, 100, 48, &|_| {});
    assert!(!is_found_in_time(Thief::OwnSchedule, &found));
}

#[test]
fn without_the_two_minute_rule_people_are_logged_out() {
    assert!(logged_out(Variant::TwoMinuteRuleOff, 500) > 0);
}

#[test]
fn without_the_branch_at_take_up_people_are_logged_out() {
    assert!(logged_out(Variant::BranchAtTakeUpOff, 1_000) > 0);
}

#[test]
fn where_only_one_step_may_be_behind_people_are_logged_out() {
    assert!(logged_out(Variant::SecondStepOff, 1_000) > 0);
}

#[test]
fn where_tokens_ahead_of_a_stale_copy_are_refused_people_are_logged_out() {
    assert!(logged_out(Variant::AheadRefused, 100) > 0);
}

#[test]
fn a_delete_in_place_of_a_tombstone_lets_an_ended_session_go_on() {
    assert!(revived(Variant::TombstoneReplacedByDelete, 500) > 0);
}

#[test]
fn stamps_by_the_clocks_of_places_end_sessions_that_began_later_or_spare_earlier_ones() {
    let variant = Variant::StampsOfThePlace;
    assert!(logged_out(variant, 2_000) > 0);
    assert!(revived(variant, 2_000) > 0);
}
