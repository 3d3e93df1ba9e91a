//! A store that fails, lags, refuses or holds rubbish: nobody is logged out, and a clear answer
//! comes before a phone gives up.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Answer, Client, random_user},
    kv::{Calls, Failure, Kv},
    time::{HOUR, MINUTE, SECOND, minute_of, now},
};

use crate::stage::{Chain, Stage};

/// Bravo gives a request up after 10 s (a `GET` after 5); some of it is spent on the way.
const BEFORE_THE_PHONE_GIVES_UP: Duration = Duration::from_secs(9);
const BEFORE_A_GET_IS_GIVEN_UP: Duration = Duration::from_secs(4);

fn client() -> &'static Client {
    Stage::shared().client()
}

fn kv() -> &'static Kv {
    Stage::shared().kv()
}

#[track_caller]
fn assert_in_time(limit: Duration, call: impl FnOnce() -> Answer) -> Answer {
    let started = Instant::now();
    let answer = call();
    let took = started.elapsed();
    assert!(took < limit, "{took:?}");
    answer
}

/// The requests that read a session's keys, sent at once; the last one would end it.
fn readers(chain: &Chain) -> [Answer; 3] {
    let token = chain.first_token();
    thread::scope(|scope| {
        let refresh = scope.spawn(|| client().refresh(&token));
        let me = scope.spawn(|| client().me(&chain.access_token(now())));
        let log_out = scope.spawn(|| client().log_out(&token));
        [refresh, me, log_out].map(|call| call.join().expect("an answer"))
    })
}

#[test]
fn reads_that_fail_are_a_503_and_log_nobody_out() {
    for status in [400, 429, 500, 503] {
        let chain = Chain::begun_before(10 * MINUTE);
        kv().fail_for_ever(Calls::Reads, &chain.user, Failure::Status(status));
        for answer in readers(&chain) {
            answer.assert_error(503, "temporarily_unavailable");
        }
        kv().mend(&chain.user);
        assert_eq!(client().refresh(&chain.first_token()).status, 200);
    }
}

#[test]
fn reads_that_hang_are_a_503_before_the_phone_gives_up() {
    for failure in [Failure::Silence, Failure::Delay(Duration::from_secs(20))] {
        let chain = Chain::begun_before(10 * MINUTE);
        kv().fail_for_ever(Calls::Reads, &chain.user, failure);
        let started = Instant::now();
        for answer in readers(&chain) {
            answer.assert_error(503, "temporarily_unavailable");
        }
        assert!(started.elapsed() < BEFORE_A_GET_IS_GIVEN_UP);
        kv().mend(&chain.user);
        assert_eq!(client().refresh(&chain.first_token()).status, 200);
    }
}

#[test]
fn a_slow_read_is_waited_for() {
    let chain = Chain::begun_before(10 * MINUTE);
    let delay = Duration::from_millis(1_200);
    kv().fail_for_ever(Calls::Reads, &chain.user, Failure::Delay(delay));
    assert_eq!(client().refresh(&chain.first_token()).status, 200);
    assert_eq!(client().me(&chain.access_token(now())).status, 200);
}

#[test]
fn a_new_session_that_is_refused_once_is_written_again() {
    for status in [429, 500] {
        let user = random_user();
        kv().fail(Calls::Writes, &user, Failure::Status(status), 1);
        let opened = client().open_session(&json!({"userId": user})).tokens();
        assert_eq!(kv().wait_for_writes(&user, 2).len(), 2);
        assert_eq!(client().refresh(&opened.refresh).status, 200);
    }
}

#[test]
fn a_new_session_that_is_refused_for_ever_is_a_503() {
    for failure in [Failure::Status(429), Failure::Status(500), Failure::Silence] {
        let user = random_user();
        kv().fail_for_ever(Calls::Writes, &user, failure);
        assert_in_time(BEFORE_THE_PHONE_GIVES_UP, || {
            client().open_session(&json!({"userId": user}))
        })
        .assert_error(503, "temporarily_unavailable");
    }
}

#[test]
fn a_logout_that_cannot_be_written_says_so() {
    let chain = Chain::begun_before(10 * MINUTE);
    kv().fail_for_ever(Calls::Writes, &chain.user, Failure::Status(500));
    client()
        .log_out(&chain.first_token())
        .assert_error(503, "temporarily_unavailable");
    assert_eq!(client().refresh(&chain.first_token()).status, 200);
    kv().mend(&chain.user);
    assert_eq!(client().log_out(&chain.first_token()).status, 200);
    client()
        .refresh(&chain.first_token())
        .assert_error(401, "session_revoked");
}

#[test]
fn a_theft_that_cannot_be_written_down_is_found_out_the_next_time() {
    let chain = Chain::begun_before(HOUR).taken_up(1, now() - 10 * MINUTE);
    kv().fail_for_ever(Calls::Writes, &chain.user, Failure::Status(500));
    client()
        .refresh(&chain.first_token())
        .assert_error(503, "temporarily_unavailable");
    kv().mend(&chain.user);
    client()
        .refresh(&chain.first_token())
        .assert_error(401, "refresh_token_reused");
}

#[test]
fn a_note_that_is_lost_harms_nobody() {
    let chain = Chain::begun_before(10 * MINUTE);
    let first = chain.first_token();
    let successor = client().refresh(&first).tokens().refresh;
    kv().fail_for_ever(Calls::Writes, &chain.session, Failure::Status(429));
    assert_eq!(client().refresh(&successor).status, 200);
    assert_eq!(kv().wait_for_writes(&chain.activity_key(), 2).len(), 2);
    assert_eq!(kv().value(&chain.activity_key()), None);
    for token in [&first, &successor] {
        assert_eq!(client().refresh(token).status, 200);
    }
    kv().mend(&chain.session);
    assert_eq!(client().refresh(&successor).status, 200);
    drop(kv().wait_for_writes(&chain.activity_key(), 3));
}

#[test]
fn a_note_that_is_refused_once_is_written_again() {
    let chain = Chain::begun_before(10 * MINUTE);
    let token = chain.token(1, minute_of(now()));
    kv().fail(Calls::Writes, &chain.session, Failure::Status(429), 1);
    assert_eq!(client().refresh(&token).status, 200);
    assert_eq!(kv().wait_for_writes(&chain.activity_key(), 2).len(), 2);
    drop(chain.operations());
    let note = kv().value(&chain.activity_key()).expect("the note");
    assert_eq!(note["gen"], 1);
}

#[test]
fn no_answer_waits_for_a_note() {
    let chain = Chain::begun_before(10 * MINUTE);
    kv().fail_for_ever(Calls::Writes, &chain.session, Failure::Silence);
    let token = chain.token(1, minute_of(now()));
    let answer = assert_in_time(Duration::from_secs(2), || client().refresh(&token));
    assert_eq!(answer.status, 200);
    // The write that hangs keeps no other request waiting.
    let answer = assert_in_time(Duration::from_secs(2), || client().refresh(&token));
    assert_eq!(answer.status, 200);
}

#[test]
fn rubbish_in_the_store_is_a_503_and_not_a_logout() {
    for rubbish in [
        "",
        "rubbish",
        "null",
        "[]",
        r#"{"v":2}"#,
        r#"{"v":1}"#,
        "\u{fffd}\u{0}",
    ] {
        let chain = Chain::begun_before(10 * MINUTE);
        for key in [
            chain.session_key(),
            chain.activity_key(),
            chain.cut_off_key(),
        ] {
            let before = kv().value(&key);
            kv().put_text(&key, rubbish);
            client()
                .refresh(&chain.first_token())
                .assert_error(503, "temporarily_unavailable");
            match before {
                Some(value) => kv().put(&key, &value),
                None => kv().remove(&key),
            }
        }
        assert_eq!(client().refresh(&chain.first_token()).status, 200);
    }
}

#[test]
fn health_names_a_store_that_fails() {
    let stage = Stage::start();
    let health = || stage.client().get("/health");
    assert_eq!(health().status, 200, "{}", health().text);
    for failure in [Failure::Status(500), Failure::Silence] {
        stage.kv().fail_for_ever(Calls::Reads, "", failure);
        let answer = assert_in_time(BEFORE_A_GET_IS_GIVEN_UP, health);
        assert_eq!(answer.status, 503, "{}", answer.text);
        let checks = &answer.json()["checks"];
        assert_eq!(checks["config"], "ok");
        assert_ne!(checks["sessions"], "ok");
        stage.kv().mend("");
    }
    assert_eq!(health().status, 200);
}

#[test]
fn one_hanging_session_keeps_no_other_waiting() {
    let stuck = Chain::begun_before(10 * MINUTE);
    let other = Chain::begun_before(10 * MINUTE);
    kv().fail_for_ever(Calls::Reads, &stuck.user, Failure::Silence);
    thread::scope(|scope| {
        let hanging = scope.spawn(|| client().refresh(&stuck.first_token()));
        thread::sleep(Duration::from_millis(SECOND / 5));
        let answer = assert_in_time(Duration::from_secs(2), || {
            client().refresh(&other.first_token())
        });
        assert_eq!(answer.status, 200);
        hanging
            .join()
            .expect("an answer")
            .assert_error(503, "temporarily_unavailable");
    });
}
