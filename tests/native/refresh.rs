//! The rule of refreshing, as clients meet it.

use serde_json::json;

use tokenkeep_world::trouble::Trouble;

use crate::world::{DAY, HOUR, MINUTE, Operations, Stamp, World, body, next_writes, signed};

fn keys(session: &str) -> Vec<String> {
    vec![
        format!("session:ada:{session}"),
        format!("activity:{session}"),
        "revoked:ada".to_owned(),
    ]
}

#[test]
fn a_young_token_is_answered_with_itself() {
    let world = World::new();
    let login = world.log_in();
    for _ in 0..5 {
        assert_eq!(world.refresh(&login.refresh).refresh, login.refresh);
    }
    world.pass(99_999);
    assert_eq!(world.refresh(&login.refresh).refresh, login.refresh);
}

#[test]
fn after_two_minutes_a_successor_of_this_minute_is_offered() {
    let world = World::new();
    let login = world.log_in();
    world.pass(100_000);
    let answer = world.refresh(&login.refresh);
    assert_eq!(
        answer.stamp(),
        Stamp {
            r#gen: 1,
            iat: world.now() / MINUTE * 60
        }
    );
    assert_eq!(
        world.refresh(&login.refresh).refresh,
        answer.refresh,
        "the same minute, the same bytes"
    );
}

#[test]
fn a_client_that_never_adopts_the_successor_works_until_the_absolute_end() {
    let world = World::new();
    let login = world.log_in();
    for _ in 0..364 {
        world.pass(DAY);
        world.refresh(&login.refresh);
    }
    world.pass(DAY);
    world.refuses(&login.refresh, 401, "refresh_token_expired");
}

#[test]
fn an_adopting_client_works_until_the_absolute_end() {
    let world = World::new();
    let mut token = world.log_in().refresh;
    for day in 1..365 {
        world.pass(DAY);
        token = world.refresh(&token).refresh;
        assert_eq!(Stamp::of(&token).r#gen, day);
    }
    world.pass(DAY);
    world.refuses(&token, 401, "refresh_token_expired");
}

#[test]
fn a_session_that_is_not_used_for_its_idle_window_ends_up_to_a_third_later() {
    let world = World::new();
    let login = world.log_in();
    world.pass(90 * DAY);
    world.refresh(&login.refresh);
    world.pass(120 * DAY - 1);
    world.refresh(&login.refresh);
    world.pass(120 * DAY + 1);
    world.refuses(&login.refresh, 401, "refresh_token_expired");

    let unused = world.log_in();
    world.pass(120 * DAY + MINUTE);
    world.refuses(&unused.refresh, 401, "refresh_token_expired");
}

#[test]
fn no_pause_within_the_idle_window_logs_anyone_out() {
    // The first refresh is not worth a note yet, and the pause after it is as long as may be.
    for first in [1, 10, 19, 29, 30] {
        let world = World::new();
        let login = world.log_in();
        world.pass(first * DAY);
        let answer = world.refresh(&login.refresh);
        world.pass(90 * DAY);
        world.refresh(&login.refresh);

        let world = World::new();
        let login = world.log_in();
        world.pass(first * DAY);
        let adopted = world.refresh(&login.refresh);
        assert_eq!(answer.stamp(), adopted.stamp());
        world.pass(90 * DAY);
        world.refresh(&adopted.refresh);
    }
}

#[test]
fn a_lost_note_does_not_shorten_the_idle_window() {
    let world = World::new();
    let login = world.log_in();
    world.pass(50 * DAY);
    world.inject(next_writes(2, Trouble::Refuses));
    let adopted = world.refresh(&login.refresh);
    world.pass(90 * DAY);
    world.refresh(&adopted.refresh);
}

#[test]
fn a_steady_refresh_reads_three_keys_in_one_call_and_writes_nothing() {
    let world = World::new();
    let login = world.log_in();
    for _ in 0..24 {
        world.pass(HOUR);
        world.refresh(&login.refresh);
        let expected = Operations {
            reads: vec![keys(&login.session)],
            writes: vec![],
        };
        assert_eq!(world.operations(), expected);
    }
}

#[test]
fn taking_up_a_successor_costs_one_write_after_the_answer() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.operations();
    world.pass(HOUR);
    world.refresh(&first.refresh);
    let expected = Operations {
        reads: vec![keys(&login.session)],
        writes: vec![format!("activity:{}", login.session)],
    };
    assert_eq!(world.operations(), expected);
    let noted = world.entry(&expected.writes[0]).expect("written");
    let (Stamp { iat, .. }, now) = (first.stamp(), world.now());
    assert_eq!(
        *noted.value,
        format!(r#"{{"v":1,"gen":1,"iat":{iat},"gen_at":{now},"seen_at":{now}}}"#)
    );
    assert_eq!(
        noted.expires_at - world.now(),
        120 * DAY,
        "the idle window and a third of it"
    );
    world.refresh(&first.refresh);
    assert!(world.operations().writes.is_empty(), "noted once");
}

#[test]
fn a_third_of_the_idle_window_later_the_client_is_noted_as_seen() {
    let world = World::new();
    let login = world.log_in();
    world.pass(30 * DAY + 1);
    world.refresh(&login.refresh);
    let key = format!("activity:{}", login.session);
    assert_eq!(world.operations().writes, std::slice::from_ref(&key));
    let noted: serde_json::Value =
        serde_json::from_str(&world.entry(&key).expect("written").value).expect("JSON");
    assert_eq!(
        (&noted["gen"], &noted["seen_at"]),
        (&json!(0), &json!(world.now()))
    );
    world.pass(HOUR);
    world.refresh(&login.refresh);
    assert!(world.operations().writes.is_empty());
}

#[test]
fn activity_is_forgotten_with_the_session_at_the_latest() {
    let world = World::new();
    let mut token = world.log_in();
    for _ in 0..12 {
        world.pass(30 * DAY);
        token = world.refresh(&token.refresh);
    }
    let noted = world
        .entry(&format!("activity:{}", token.session))
        .expect("written");
    assert_eq!(noted.expires_at - world.now(), 5 * DAY);
}

#[test]
fn a_late_duplicate_gets_the_token_in_force() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    world.refresh(&first.refresh);
    // A minute, by two clocks that differ by 5 s.
    world.pass(MINUTE + 5000);
    assert_eq!(world.refresh(&login.refresh).refresh, first.refresh);
    world.pass(1);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn an_old_copy_ends_the_session_for_thief_and_owner() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    let second = world.refresh(&first.refresh);
    world.pass(HOUR);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
    let tombstone = world
        .entry(&format!("session:ada:{}", login.session))
        .expect("stands");
    assert_eq!(
        *tombstone.value,
        format!(r#"{{"v":1,"revoked_at":{}}}"#, world.now())
    );
    for token in [&login, &first, &second] {
        world.refuses(&token.refresh, 401, "session_revoked");
    }
    assert_eq!(world.lines("refresh_token_reused").len(), 1);
}

#[test]
fn two_generations_behind_is_reuse_even_at_once() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    let second = world.refresh(&first.refresh);
    world.pass(HOUR);
    world.refresh(&second.refresh);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn who_moves_on_twice_at_once_may_still_be_repeating_the_request_before() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    // The app slept on this answer, uses it on waking, and the next one at once.
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    let second = world.refresh(&first.refresh);
    world.pass(2_000);
    world.refresh(&second.refresh);
    world.pass(MINUTE - 2_000 + 5_000);
    assert_eq!(world.refresh(&login.refresh).refresh, second.refresh);
    world.pass(1);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn the_same_where_the_first_of_the_two_steps_was_taken_elsewhere() {
    let world = World::new();
    let login = world.log_in();
    let activity = format!("activity:{}", login.session);
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    let second = world.refresh(&first.refresh);
    world.forget(&activity);
    world.refresh(&second.refresh);
    world.pass(MINUTE);
    assert_eq!(world.refresh(&login.refresh).refresh, second.refresh);
    world.pass(2 * MINUTE);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_token_two_generations_behind_that_the_one_in_force_cannot_have_grown_from_is_a_copy() {
    let world = World::new();
    let login = world.log_in();
    let end = world.now() + 365 * DAY;
    world.pass(3 * MINUTE);
    let two_ahead = signed(&login.session, 2, world.now() / MINUTE * MINUTE, end);
    world.refresh(&two_ahead);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_sibling_ends_the_session_once_the_other_branch_was_taken_up() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let owners = world.refresh(&login.refresh);
    world.pass(2 * MINUTE);
    let thiefs = world.refresh(&login.refresh);
    assert_ne!(owners.refresh, thiefs.refresh);
    world.pass(30 * MINUTE);
    world.refresh(&thiefs.refresh);
    world.pass(30 * MINUTE);
    world.refuses(&owners.refresh, 401, "refresh_token_reused");
    world.refuses(&thiefs.refresh, 401, "session_revoked");
}

#[test]
fn a_sibling_that_comes_while_the_other_is_taken_up_is_a_late_duplicate() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let early = world.refresh(&login.refresh);
    world.pass(10 * MINUTE);
    let late = world.refresh(&login.refresh);
    world.pass(HOUR);
    world.refresh(&late.refresh);
    world.pass(MINUTE);
    assert_eq!(world.refresh(&early.refresh).refresh, late.refresh);
}

#[test]
fn a_branch_born_while_the_other_was_taken_up_lives() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let asleep = world.refresh(&login.refresh);
    world.pass(5 * HOUR);
    // On waking, the app uses the answer it slept on, and a duplicate of its older request is
    // answered from a place that has not heard of it.
    world.refresh(&asleep.refresh);
    let taken_up = world.refresh(&asleep.refresh).stamp().iat * 1000;
    let end = world.now() + DAY;
    let branch = signed(&asleep.session, 1, taken_up, end);
    world.pass(HOUR);
    world.refresh(&branch);
}

#[test]
fn however_stale_the_stored_activity_a_newer_token_is_live() {
    let world = World::new();
    let login = world.log_in();
    let end = world.now() + 100 * DAY;
    world.pass(HOUR);
    let far_ahead = signed(&login.session, 40, world.now() / MINUTE * MINUTE, end);
    world.refresh(&far_ahead);
    world.refuses(&login.refresh, 401, "refresh_token_reused");
}

#[test]
fn a_lost_note_does_not_log_the_user_out() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR);
    let first = world.refresh(&login.refresh);
    world.pass(HOUR);
    let call = crate::world::call(
        tokenkeep::http::method::Method::Post,
        "/auth/token",
        None,
        &json!({"refreshToken": first.refresh}).to_string(),
    );
    world.answer(&call);
    world.crash();
    world.pass(HOUR);
    world.refresh(&login.refresh);
    world.refresh(&first.refresh);
}

#[test]
fn a_login_that_has_not_arrived_yet_is_to_be_tried_again_and_not_a_logout() {
    let world = World::new();
    let login = world.log_in();
    world.forget(&format!("session:ada:{}", login.session));
    for _ in 0..5 {
        world.refuses(&login.refresh, 503, "temporarily_unavailable");
        world.pass(MINUTE);
    }
    world.pass(MINUTE);
    world.refuses(&login.refresh, 401, "refresh_token_expired");
}

#[test]
fn a_successor_too_may_come_to_a_place_that_its_login_has_not_reached() {
    let world = World::new();
    let login = world.log_in();
    let end = world.now() + DAY;
    let token = signed(&login.session, 1, world.now() / MINUTE * MINUTE, end);
    world.forget(&format!("session:ada:{}", login.session));
    world.refuses(&token, 503, "temporarily_unavailable");
    world.pass(6 * MINUTE);
    world.refuses(&token, 401, "refresh_token_expired");
}

#[test]
fn a_login_just_after_a_cut_off_may_be_early_in_a_place_whose_clock_is_behind() {
    let world = World::new();
    world.put(
        "revoked:ada",
        &json!({"v": 1, "before": world.now() + 2000}),
    );
    let login = world.log_in();
    world.forget(&format!("session:ada:{}", login.session));
    world.refuses(&login.refresh, 503, "temporarily_unavailable");
}

#[test]
fn a_branch_of_the_minute_of_the_take_up_is_told_by_time_and_not_by_the_begins_of_minutes() {
    let world = World::new();
    let login = world.log_in();
    let end = world.now() + 365 * DAY;
    world.pass(HOUR);
    let slept_on = world.refresh(&login.refresh);
    // Taken up in the last second of a minute; a copy of the old request is answered, by a place
    // that does not know it and whose clock is ahead, in the minute after the next.
    world.pass(HOUR + 39_500);
    world.refresh(&slept_on.refresh);
    let branch = world.now() / MINUTE * MINUTE + 2 * MINUTE;
    world.pass(HOUR);
    world.refresh(&signed(&login.session, 1, branch, end));
}

#[test]
fn a_cut_off_ends_older_sessions_and_spares_newer_ones_and_the_kept_one() {
    let world = World::new();
    let [older, kept] = [world.log_in(), world.log_in()];
    world.put(
        "revoked:ada",
        &json!({"v": 1, "before": world.now(), "keep": kept.session}),
    );
    world.pass(1);
    let newer = world.log_in();
    world.refuses(&older.refresh, 401, "session_revoked");
    world.refresh(&kept.refresh);
    world.refresh(&newer.refresh);
}

#[test]
fn no_token_outlives_its_session() {
    let world = World::with(&[("SESSION_MAX_SECONDS", "5400")]);
    let login = world.log_in();
    world.pass(HOUR);
    let answer = body(&world.try_refresh(&login.refresh));
    assert_eq!(answer["expiresIn"], 1800);
    world.pass(HOUR / 2 - 1);
    let last = world.refresh(&login.refresh);
    world.pass(1);
    world.refuses(&last.refresh, 401, "refresh_token_expired");
}
