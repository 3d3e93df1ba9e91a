//! Rules that are broken on purpose. The simulator must find out each of them.

use tokenkeep_simulator::{
    report::is_found_in_time,
    rule::Variant,
    run::{Plan, Totals, detections, honest_stories},
    schedule::{Climate, Stores, Thief},
};
use tokenkeep_world::conditions::Flaw;

fn with(variant: Variant) -> Plan {
    Plan {
        seed: 1,
        climate: Climate::default(),
        variant,
    }
}

fn totals(variant: Variant, stores: Stores, sessions: u64) -> Totals {
    let climate = Climate {
        stores,
        ..Climate::default()
    };
    let plan = Plan {
        climate,
        ..with(variant)
    };
    honest_stories(plan, sessions, &|_| {})
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
    assert!(revived(Variant::Flawed(Flaw::DeletesEndedSessions), 500) > 0);
}

#[test]
fn where_the_session_that_changed_the_password_goes_on_a_thief_stays() {
    let variant = Variant::Flawed(Flaw::OldSessionKept);
    assert!(revived(variant, 500) > 0);
    let found = detections(with(variant), Thief::Sharing, 20, 0, &|_| {});
    assert!(!is_found_in_time(Thief::Sharing, &found), "{found:?}");
}

#[test]
fn without_a_grace_a_repeated_change_of_the_password_logs_people_out() {
    assert!(logged_out(Variant::Flawed(Flaw::NoGrace), 500) > 0);
}

#[test]
fn without_the_birth_mark_an_empty_store_logs_people_out() {
    assert!(logged_out(Variant::Flawed(Flaw::BirthMarkIgnored), 500) > 0);
}

#[test]
fn where_a_missing_row_is_taken_for_a_deletion_people_are_logged_out() {
    assert!(logged_out(Variant::Flawed(Flaw::MissingRowIsDeletion), 500) > 0);
}

#[test]
fn stamps_by_the_clocks_of_places_end_sessions_that_began_later_or_spare_earlier_ones() {
    let totals = honest_stories(with(Variant::StampsOfThePlace), 1_000, &|_| {});
    assert!(totals.logged_out > 0 && totals.revived > 0);
}

#[test]
fn where_a_guard_does_not_know_the_stamps_at_the_earlier_address_sessions_go_on() {
    assert!(revived(Variant::Flawed(Flaw::MoveForgotten), 2_000) > 0);
}

#[test]
fn an_object_that_replies_before_it_has_stored_loses_what_it_acknowledged() {
    let variant = Variant::Flawed(Flaw::ObjectWritesLate);
    let totals = totals(variant, Stores::Objects, 500);
    assert!(totals.revived > 0 && totals.logged_out + totals.strange > 0);
}

#[test]
fn an_object_without_a_grace_for_duplicates_logs_people_out() {
    let variant = Variant::LateDuplicatesRefused;
    assert!(totals(variant, Stores::Objects, 500).logged_out > 0);
}

#[test]
fn an_object_that_asks_kv_again_after_a_revocation_revives_sessions() {
    let variant = Variant::Flawed(Flaw::ObjectForgetsEnded);
    assert!(totals(variant, Stores::SwitchedOn, 1_000).revived > 0);
}

#[test]
fn an_alarm_that_removes_too_early_gives_people_up_and_revives_sessions() {
    let variant = Variant::Flawed(Flaw::ObjectAlarmEarly);
    assert!(totals(variant, Stores::Objects, 200).strange > 0);
    assert!(totals(variant, Stores::SwitchedOn, 1_000).revived > 0);
}
