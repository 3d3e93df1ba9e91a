//! The rule of refreshing, as clients meet it.

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep_world::trouble::Trouble;

use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};

use crate::{
    client::{Stamp, Tokens, body, expect_bad_field, logged_in, post, signed},
    codes::{EXPIRED, REUSED, REVOKED, UNAVAILABLE},
    world::{DAY, HOUR, MINUTE, Operations, World, is_in_objects, next_writes, use_store},
};

/// The keys of a session of Ada's.
fn session_key(login: &Tokens) -> String {
    format!("service:ada:{}", login.session)
}

fn activity_key(login: &Tokens) -> String {
    format!("activity:{}", login.session)
}

fn noted(world: &World, login: &Tokens) -> Value {
    let noted = world.entry(&activity_key(login)).expect("written");
    serde_json::from_str(&noted.value).expect("JSON")
}

/// A session, its successor, and the successor's successor, an hour apart.
fn advanced_twice() -> (World, [Tokens; 3]) {
    let (world, login) = logged_in();
    let first = world.refresh_after(HOUR, &login);
    let second = world.refresh_after(HOUR, &first);
    (world, [login, first, second])
}

#[rstest]
fn a_young_token_is_answered_with_itself(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = logged_in();
    for milliseconds in [0, 0, 0, 0, 0, 99_999] {
        world.pass(milliseconds);
        world.gives(&login, &login);
    }
}

#[rstest]
fn after_two_minutes_a_successor_of_this_minute_is_offered(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let answer = world.refresh_after(100_000, &login);
    let iat = world.now() / MINUTE * 60;
    assert_eq!(answer.stamp(), Stamp { r#gen: 1, iat });
    // The same minute, the same bytes.
    world.gives(&login, &answer);
}

#[rstest]
fn a_client_works_until_the_absolute_end_whether_it_adopts_successors_or_not(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    for adopts in [true, false] {
        let (world, mut shown) = logged_in();
        for day in 1..365 {
            let answer = world.refresh_after(DAY, &shown);
            if adopts {
                assert_eq!(answer.stamp().r#gen, day);
                shown = answer;
            }
        }
        world.pass(DAY);
        world.operations();
        world.refuses(&shown, EXPIRED);
        // The token itself says so.
        assert_eq!(world.operations(), Operations::default());
    }
}

#[rstest]
fn a_refresh_token_may_be_spelled_with_an_underscore(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let input = json!({"refresh_token": login.refresh, "unknown": [1, {"x": null}]});
    assert_eq!(world.post("/auth/token", &input).status, 200);
    assert_eq!(world.post("/auth/logout", &input).status, 200);
    world.refuses(&login, REVOKED);
}

#[rstest]
fn an_unfilled_variable_is_answered_with_what_to_do(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let reply = World::new().try_refresh("${refreshToken}");
    expect_bad_field(&reply, "refreshToken");
    for hint in ["log in first", "Test Values"] {
        assert!(reply.body.contains(hint), "{}", reply.body);
    }
}

#[rstest]
fn a_session_that_is_not_used_for_its_idle_window_ends_up_to_a_third_later(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    world.refresh_after(90 * DAY, &login);
    world.refresh_after(120 * DAY - 1, &login);
    world.pass(120 * DAY + 1);
    world.refuses(&login, EXPIRED);

    let unused = world.log_in();
    world.pass(120 * DAY + MINUTE);
    world.refuses(&unused, EXPIRED);
}

#[rstest]
fn no_pause_within_the_idle_window_logs_anyone_out(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    // The first refresh is not worth a note yet, and the pause after it is as long as may be.
    for first in [1, 10, 19, 29, 30] {
        for adopts in [true, false] {
            let (world, login) = logged_in();
            let answer = world.refresh_after(first * DAY, &login);
            world.refresh_after(90 * DAY, if adopts { answer } else { login });
        }
    }
}

#[test]
fn a_lost_note_does_not_shorten_the_idle_window() {
    let (world, login) = logged_in();
    world.inject(next_writes(2, Trouble::Refuses));
    let adopted = world.refresh_after(50 * DAY, &login);
    world.refresh_after(90 * DAY, &adopted);
}

#[test]
fn a_steady_refresh_reads_three_keys_in_one_call_and_writes_nothing() {
    let (world, login) = logged_in();
    for _ in 0..24 {
        world.refresh_after(HOUR, &login);
        let keys = vec![
            session_key(&login),
            activity_key(&login),
            "service-revoked:ada".into(),
        ];
        let expected = Operations {
            reads: vec![keys],
            writes: vec![],
        };
        assert_eq!(world.operations(), expected);
    }
}

#[test]
fn adopting_a_successor_costs_one_write_after_the_response() {
    let (world, login) = logged_in();
    let first = world.refresh_after(HOUR, &login);
    world.operations();
    world.refresh_after(HOUR, &first);
    let Operations { reads, writes } = world.operations();
    assert_eq!((reads.len(), writes), (1, vec![activity_key(&login)]));
    let noted = world.entry(&activity_key(&login)).expect("written");
    let (Stamp { iat, .. }, now) = (first.stamp(), world.now());
    let json = format!(r#"{{"v":1,"gen":1,"iat":{iat},"gen_at":{now},"seen_at":{now}}}"#);
    assert_eq!(*noted.value, json);
    // The idle window and a third of it.
    assert_eq!(noted.expires_at - now, 120 * DAY);
    world.refresh(&first);
    assert!(world.operations().writes.is_empty(), "noted once");
}

#[test]
fn a_third_of_the_idle_window_later_the_client_is_noted_as_seen() {
    let (world, login) = logged_in();
    world.refresh_after(30 * DAY + 1, &login);
    assert_eq!(world.operations().writes, [activity_key(&login)]);
    let noted = noted(&world, &login);
    assert_eq!(
        (&noted["gen"], &noted["seen_at"]),
        (&json!(0), &json!(world.now()))
    );
    world.refresh_after(HOUR, &login);
    assert!(world.operations().writes.is_empty());
}

#[test]
fn activity_is_forgotten_with_the_session_at_the_latest() {
    let (world, mut token) = logged_in();
    for _ in 0..12 {
        token = world.refresh_after(30 * DAY, &token);
    }
    let noted = world.entry(&activity_key(&token)).expect("written");
    assert_eq!(noted.expires_at - world.now(), 5 * DAY);
}

#[rstest]
fn a_late_duplicate_gets_the_current_token(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, [login, first, _]) = advanced_twice();
    // A minute, by two clocks that differ by 5 s.
    world.pass(MINUTE + 5_000);
    world.gives(&login, &first);
    world.pass(1);
    world.refuses(&login, REUSED);
}

#[rstest]
fn an_old_copy_ends_the_session_for_thief_and_owner(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, [login, first, second]) = advanced_twice();
    world.pass(HOUR);
    world.refuses(&login, REUSED);
    let [(_, tombstone)] = Vec::from_iter(world.session_rows())
        .try_into()
        .expect("it stands");
    let revoked_at = format!(r#""revoked_at":{}}}"#, world.now());
    assert!(tombstone.contains(&revoked_at), "{tombstone}");
    for token in [&login, &first, &second] {
        world.refuses(token, REVOKED);
    }
    assert_eq!(world.lines("refresh_token_reused").len(), 1);
}

#[rstest]
fn two_generations_behind_is_reuse_even_at_once(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, [login, _, second]) = advanced_twice();
    world.refresh_after(HOUR, &second);
    world.refuses(&login, REUSED);
}

#[rstest]
fn a_client_that_advances_twice_at_once_may_still_repeat_its_request_before_that(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    for (first_step_was_elsewhere, between, still, no_more) in [
        // The app slept on an answer, uses it on waking, and the next one at once.
        (false, 2_000, MINUTE - 2_000 + 5_000, 1),
        (true, 0, MINUTE, 2 * MINUTE),
    ] {
        if first_step_was_elsewhere && is_in_objects() {
            // There, every step is known at once.
            continue;
        }
        let (world, [login, _, second]) = advanced_twice();
        if first_step_was_elsewhere {
            world.forget(&activity_key(&login));
        }
        world.refresh_after(between, &second);
        world.pass(still);
        world.gives(&login, &second);
        world.pass(no_more);
        world.refuses(&login, REUSED);
    }
}

#[rstest]
fn a_token_two_generations_behind_is_a_copy_if_the_current_one_cannot_descend_from_it(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let end = world.now() + 365 * DAY;
    world.pass(3 * MINUTE);
    let two_ahead = signed(&login.session, 2, world.now() / MINUTE * MINUTE, end);
    world.refresh(&two_ahead);
    world.refuses(&login, REUSED);
}

#[rstest]
fn a_sibling_ends_the_session_once_the_other_branch_was_adopted(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let owners = world.refresh_after(HOUR, &login);
    let thiefs = world.refresh_after(2 * MINUTE, &login);
    assert_ne!(owners.refresh, thiefs.refresh);
    world.refresh_after(30 * MINUTE, &thiefs);
    world.pass(30 * MINUTE);
    world.refuses(&owners, REUSED);
    world.refuses(&thiefs, REVOKED);
}

#[rstest]
fn a_sibling_that_comes_while_the_other_is_adopted_is_a_late_duplicate(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let early = world.refresh_after(HOUR, &login);
    let late = world.refresh_after(10 * MINUTE, &login);
    world.refresh_after(HOUR, &late);
    world.pass(MINUTE);
    world.gives(&early, &late);
}

#[rstest]
fn a_branch_issued_while_the_other_was_adopted_stays_valid(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let asleep = world.refresh_after(HOUR, &login);
    // On waking, the app uses the answer it slept on, and a duplicate of its older request is
    // answered from a place that has not heard of it.
    world.refresh_after(5 * HOUR, &asleep);
    let issued_at = world.refresh(&asleep).stamp().iat * 1000;
    let branch = signed(&asleep.session, 1, issued_at, world.now() + DAY);
    world.refresh_after(HOUR, &branch);
}

#[rstest]
fn a_branch_is_compared_by_time_and_not_by_the_starts_of_minutes(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let end = world.now() + 365 * DAY;
    let slept_on = world.refresh_after(HOUR, &login);
    // Adopted in the last second of a minute; a copy of the old request is answered, by a place
    // that does not know it and whose clock is ahead, in the minute after the next.
    world.refresh_after(HOUR + 39_500, &slept_on);
    let branch = world.now() / MINUTE * MINUTE + 2 * MINUTE;
    world.refresh_after(HOUR, signed(&login.session, 1, branch, end));
}

#[rstest]
fn a_newer_token_is_valid_however_stale_the_stored_activity(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let end = world.now() + 100 * DAY;
    world.pass(HOUR);
    let far_ahead = signed(&login.session, 40, world.now() / MINUTE * MINUTE, end);
    world.refresh(&far_ahead);
    world.refuses(&login, REUSED);
}

#[test]
fn a_lost_note_does_not_log_the_user_out() {
    let (world, login) = logged_in();
    let first = world.refresh_after(HOUR, &login);
    world.pass(HOUR);
    world.answer(&post(
        "/auth/token",
        &json!({"refreshToken": first.refresh}),
    ));
    world.crash();
    world.refresh_after(HOUR, &login);
    world.refresh(&first);
}

#[test]
fn a_login_that_has_not_arrived_here_yet_is_a_503_and_not_a_logout() {
    for is_successor in [false, true] {
        let (world, login) = logged_in();
        let now = world.now();
        let token = if is_successor {
            signed(&login.session, 1, now / MINUTE * MINUTE, now + DAY)
        } else {
            login.refresh.clone()
        };
        world.forget(&session_key(&login));
        for _ in 0..5 {
            world.refuses(&token, UNAVAILABLE);
            world.pass(MINUTE);
        }
        world.pass(MINUTE);
        world.refuses(&token, EXPIRED);
    }
}

#[test]
fn a_login_just_after_a_cut_off_may_be_early_in_a_place_whose_clock_is_behind() {
    let world = World::new();
    world.put(
        "service-revoked:ada",
        &json!({"v": 1, "before": world.now() + 2000}),
    );
    let login = world.log_in();
    world.forget(&session_key(&login));
    world.refuses(&login, UNAVAILABLE);
}

#[rstest]
fn a_cut_off_ends_older_sessions_and_spares_newer_ones_and_the_kept_one(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let [older, kept] = [world.log_in(), world.log_in()];
    let cut_off = json!({"v": 1, "before": world.now(), "keep": kept.session});
    world.put_cut_off("ada", &cut_off);
    world.pass(1);
    let newer = world.log_in();
    world.refuses(&older, REVOKED);
    world.refresh(&kept);
    world.refresh(&newer);
}

#[rstest]
fn no_token_outlives_its_session(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::with(&[("SESSION_MAX_SECONDS", "5400")]);
    let login = world.log_in();
    world.pass(HOUR);
    assert_eq!(body(&world.try_refresh(&login))["expiresIn"], 1800);
    let last = world.refresh_after(HOUR / 2 - 1, &login);
    world.pass(1);
    world.refuses(&last, EXPIRED);
}
