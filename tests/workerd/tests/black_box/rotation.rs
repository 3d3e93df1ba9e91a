//! The rule of sessions: who gets a successor, who is a late duplicate, who is a thief.
//!
//! Times are far from every limit of the rule, so that no test hangs on how fast it runs.

use std::{
    collections::HashSet,
    thread::{self, ScopedJoinHandle},
};

use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens},
    kv::Kv,
    time::{DAY, HOUR, MINUTE, SECOND, is_minute_since, minute_of, now},
};

use crate::stage::{Chain, IDLE, LIFETIME, Stage};

/// The longest that an [`Chain::store_activity`] counts: the idle window and a third.
const ACTIVITY: u64 = IDLE / 3 * 4;

fn client() -> &'static Client {
    Stage::shared().client()
}

fn kv() -> &'static Kv {
    Stage::shared().kv()
}

fn refresh(token: &str) -> Answer {
    client().refresh(token)
}

/// A session whose generation 1 was taken up so long ago, and the token of generation 1.
fn moved_on(before: u64) -> (Chain, String) {
    let taken_up_at = now() - before;
    let chain = Chain::begun_before(HOUR).taken_up(1, taken_up_at);
    let in_force = chain.token(1, minute_of(taken_up_at));
    (chain, in_force)
}

#[test]
fn a_young_token_is_answered_with_itself() {
    let session = client().new_session();
    for _ in 0..3 {
        let refreshed = refresh(&session.refresh).tokens();
        assert_eq!(refreshed.refresh, session.refresh);
    }
}

#[test]
fn an_older_token_gets_a_successor_of_this_minute() {
    let chain = Chain::begun_before(10 * MINUTE);
    let since = now();
    let refreshed = refresh(&chain.first_token()).tokens();
    let successor = chain.read(&refreshed.refresh);
    assert!(is_minute_since(since, successor.issued_at), "{successor:?}");
    assert_eq!(successor, chain.claims(1, successor.issued_at));
    assert_eq!(refreshed.user, chain.user);
    assert_eq!(refreshed.session, chain.session);
}

#[test]
fn a_token_gets_no_successor_before_its_second_minute_is_over() {
    let chain = Chain::begun_before(HOUR);
    // Generation 1, given out in this minute: it is younger than two minutes for all of this test.
    let token = chain.token(1, minute_of(now()));
    let refreshed = refresh(&token).tokens().refresh;
    assert_eq!(chain.read(&refreshed), chain.read(&token));
}

#[test]
fn twenty_calls_at_once_get_twenty_answers_and_one_successor() {
    let chain = Chain::begun_before(10 * MINUTE);
    let token = chain.first_token();
    let since = now();
    let answers: Vec<Tokens> = thread::scope(|scope| {
        let call = || scope.spawn(|| refresh(&token).tokens());
        let calls: Vec<_> = (0..20).map(|_| call()).collect();
        let done = calls.into_iter().map(ScopedJoinHandle::join);
        done.map(|answer| answer.expect("an answer")).collect()
    });
    assert_eq!(answers.len(), 20);
    let successors: HashSet<&str> = answers.iter().map(|answer| &*answer.refresh).collect();
    let minutes = (minute_of(now()) - minute_of(since)) / 60 + 1;
    assert!(successors.len() as u64 <= minutes, "{successors:?}");
    let access: HashSet<&str> = answers.iter().map(|answer| &*answer.access).collect();
    assert_eq!(access.len(), 20, "each access token has its own `jti`");
    for successor in successors {
        assert_eq!(refresh(successor).tokens().session, chain.session);
    }
}

#[test]
fn a_client_that_never_takes_up_a_successor_goes_on_working() {
    let chain = Chain::begun_before(80 * DAY);
    for _ in 0..5 {
        let refreshed = refresh(&chain.first_token()).tokens();
        assert_eq!(chain.read(&refreshed.refresh).generation, 1);
    }
}

#[test]
fn taking_up_a_successor_is_noted() {
    let chain = Chain::begun_before(10 * MINUTE);
    let successor = refresh(&chain.first_token()).tokens().refresh;
    let since = now();
    assert_eq!(refresh(&successor).tokens().refresh, successor);
    let write = &kv().wait_for_writes(&chain.activity_key(), 1)[0];
    let note = write.json();
    assert_eq!(note["v"], 1);
    assert_eq!(note["gen"], 1);
    assert_eq!(note["iat"], chain.read(&successor).issued_at);
    for stamp in ["gen_at", "seen_at"] {
        let stamp = note[stamp].as_u64().expect(stamp);
        assert!((since - SECOND..=now()).contains(&stamp), "{note}");
    }
}

#[test]
fn a_copy_of_the_request_that_comes_late_gets_the_token_in_force() {
    let chain = Chain::begun_before(10 * MINUTE);
    let first = chain.first_token();
    let successor = refresh(&first).tokens().refresh;
    assert_eq!(refresh(&successor).status, 200);
    drop(kv().wait_for_writes(&chain.activity_key(), 1));
    assert_eq!(refresh(&first).tokens().refresh, successor);

    let (chain, in_force) = moved_on(30 * SECOND);
    let refreshed = refresh(&chain.first_token()).tokens().refresh;
    assert_eq!(chain.read(&refreshed), chain.read(&in_force));
}

#[test]
fn an_old_copy_ends_the_session_for_everyone() {
    let (chain, in_force) = moved_on(90 * SECOND);
    let live = refresh(&in_force).tokens();
    assert_eq!(live.session, chain.session);

    refresh(&chain.first_token()).assert_error(401, "refresh_token_reused");

    let tombstone = kv().value(&chain.session_key()).expect("a tombstone");
    assert!(tombstone["revoked_at"].is_u64(), "{tombstone}");
    assert_eq!(tombstone.as_object().map(serde_json::Map::len), Some(2));
    let newest = chain.token(2, minute_of(now()));
    for token in [&in_force, &live.refresh, &newest, &chain.first_token()] {
        refresh(token).assert_error(401, "session_revoked");
    }
    client()
        .me(&live.access)
        .assert_error(401, "session_revoked");
}

#[test]
fn a_token_two_steps_behind_ends_the_session_at_once() {
    let taken_up_at = now() - 30 * SECOND;
    let chain = Chain::begun_before(HOUR).taken_up(2, taken_up_at);
    refresh(&chain.first_token()).assert_error(401, "refresh_token_reused");
    let in_force = chain.token(2, minute_of(taken_up_at));
    refresh(&in_force).assert_error(401, "session_revoked");
}

#[test]
fn a_sibling_is_tolerated_for_a_minute_and_a_theft_after_it() {
    let (chain, in_force) = moved_on(30 * SECOND);
    let sibling = |chain: &Chain| chain.token(1, minute_of(now() - 20 * MINUTE));
    let refreshed = refresh(&sibling(&chain)).tokens().refresh;
    assert_eq!(chain.read(&refreshed), chain.read(&in_force));

    let (chain, in_force) = moved_on(5 * MINUTE);
    refresh(&sibling(&chain)).assert_error(401, "refresh_token_reused");
    refresh(&in_force).assert_error(401, "session_revoked");
}

#[test]
fn a_token_of_the_next_minute_is_of_the_same_branch() {
    let given_out_at = now() - 20 * MINUTE;
    let taken_up_at = now() - 10 * MINUTE;
    let chain = Chain::begun_before(HOUR);
    chain.store_activity(1, minute_of(given_out_at), taken_up_at, taken_up_at);
    for issued_at in [
        minute_of(given_out_at) + 60,
        minute_of(given_out_at) - 60,
        // Given out by the predecessor while the other was being taken up.
        minute_of(taken_up_at),
        minute_of(taken_up_at) + 60,
    ] {
        assert_eq!(refresh(&chain.token(1, issued_at)).status, 200);
    }
    assert!(kv().value(&chain.session_key()).expect("a session")["revoked_at"].is_null());
}

#[test]
fn a_copy_of_the_store_that_lags_behind_logs_nobody_out() {
    let (chain, _) = moved_on(30 * MINUTE);
    let far_ahead = chain.token(7, minute_of(now() - 10 * MINUTE));
    let refreshed = refresh(&far_ahead).tokens();
    assert_eq!(chain.read(&refreshed.refresh).generation, 8);
    let note = kv().wait_for_writes(&chain.activity_key(), 1)[0].json();
    assert_eq!(note["gen"], 7);
}

#[test]
fn a_session_ends_when_it_was_not_used_for_its_idle_window_and_a_third() {
    let never_seen = Chain::begun_before(ACTIVITY + HOUR);
    refresh(&never_seen.first_token()).assert_error(401, "refresh_token_expired");
    // It may have been used without a note.
    let just_in_time = Chain::begun_before(ACTIVITY - HOUR);
    assert_eq!(refresh(&just_in_time.first_token()).status, 200);

    for (age, status) in [(ACTIVITY - HOUR, 200), (ACTIVITY + HOUR, 401)] {
        let chain = Chain::begun_before(200 * DAY);
        let seen_at = now() - age;
        chain.store_activity(0, minute_of(chain.created_at), chain.created_at, seen_at);
        let answer = refresh(&chain.first_token());
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 401 {
            answer.assert_error(401, "refresh_token_expired");
        }
    }
}

#[test]
fn a_session_ends_at_its_absolute_end() {
    let created_at = now() - LIFETIME;
    let over = Chain::unstored(created_at, now() - SECOND);
    over.store();
    let token = over.token(4, minute_of(now() - MINUTE));
    refresh(&token).assert_error(401, "refresh_token_expired");
    assert_eq!(over.operations(), [], "the token itself says so");

    let over_by_the_store = Chain::unstored(created_at, now() - SECOND);
    over_by_the_store.store();
    let mut claims = over_by_the_store.claims(0, minute_of(created_at));
    claims.expires_at += 3600;
    let token = claims.sign(&Stage::shared().refresh_secret);
    refresh(&token).assert_error(401, "refresh_token_expired");
}

#[test]
fn no_token_outlives_its_session() {
    let created_at = now() - HOUR;
    let chain = Chain::unstored(created_at, now() + 10 * MINUTE);
    chain.store();
    let answer = refresh(&chain.first_token());
    let refreshed = answer.tokens();
    let end = chain.expires_at / 1000;
    assert_eq!(chain.read(&refreshed.refresh).expires_at, end);
    assert_eq!(answer.json()["expiresAt"], end * 1000);
    let seconds = answer.json()["expiresIn"].as_u64().expect("a number");
    assert!((500..=600).contains(&seconds), "{seconds}");
}

#[test]
fn a_login_that_has_not_arrived_yet_is_asked_to_try_again() {
    let chain = Chain::unstored(now(), now() + LIFETIME);
    refresh(&chain.first_token()).assert_error(503, "temporarily_unavailable");
    chain.store();
    assert_eq!(refresh(&chain.first_token()).status, 200);
}

#[test]
fn a_session_that_the_store_has_forgotten_is_over() {
    let chain = Chain::unstored(now() - HOUR, now() + LIFETIME);
    let successor = chain.token(1, minute_of(now() - 10 * MINUTE));
    for token in [chain.first_token(), successor] {
        refresh(&token).assert_error(401, "refresh_token_expired");
    }
    // What was signed just now is of a session that is there, somewhere.
    let young_successor = chain.token(1, minute_of(now()));
    refresh(&young_successor).assert_error(503, "temporarily_unavailable");
}

#[test]
fn ending_all_sessions_of_a_user_spares_the_one_to_keep_and_newer_ones() {
    let client = client();
    let before = |chain: &Chain| chain.created_at + MINUTE;
    let status = |cut_off: &dyn Fn(&Chain)| {
        let chain = Chain::begun_before(10 * MINUTE);
        let access = refresh(&chain.first_token()).tokens().access;
        cut_off(&chain);
        let answers = [refresh(&chain.first_token()), client.me(&access)];
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.assert_error(401, "session_revoked");
        }
        answers.map(|answer| answer.status)
    };
    let all = |chain: &Chain| chain.store_cut_off(before(chain), None);
    assert_eq!(status(&all), [401, 401]);
    let up_to_this_one = |chain: &Chain| chain.store_cut_off(chain.created_at, None);
    assert_eq!(status(&up_to_this_one), [401, 401]);
    let all_but_this = |chain: &Chain| chain.store_cut_off(before(chain), Some(&chain.session));
    assert_eq!(status(&all_but_this), [200, 200]);
    let other = "BwcHBwcHBwcHBwcHBwcHBw";
    let all_but_another = |chain: &Chain| chain.store_cut_off(before(chain), Some(other));
    assert_eq!(status(&all_but_another), [401, 401]);
    let older = |chain: &Chain| chain.store_cut_off(chain.created_at - 1, None);
    assert_eq!(status(&older), [200, 200]);
}

#[test]
fn a_tombstone_cannot_be_revived_by_a_refresh() {
    let (chain, in_force) = moved_on(10 * MINUTE);
    let successor = refresh(&in_force).tokens().refresh;
    assert_eq!(client().log_out(&in_force).status, 200);
    for token in [&successor, &in_force, &chain.first_token()] {
        refresh(token).assert_error(401, "session_revoked");
    }
    drop(chain.operations());
    let stored = kv().value(&chain.session_key()).expect("a tombstone");
    assert!(stored["revoked_at"].is_u64(), "{stored}");
}
