//! What each request costs: calls on KV, counted in workerd, with lifetimes and metadata.

use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    kv::{Kv, Operation, Write, writes},
    time::{HOUR, MINUTE, SECOND, minute_of, now},
    tokens::RefreshClaims,
};

use crate::stage::{Chain, IDLE, LIFETIME, Stage};

fn client() -> &'static Client {
    Stage::shared().client()
}

fn kv() -> &'static Kv {
    Stage::shared().kv()
}

/// The lifetime of a write, in milliseconds, is this one, but for the moment that the test took.
#[track_caller]
fn assert_lives(write: &Write, expected: u64) {
    let ttl = write.ttl_seconds.expect("a lifetime") * SECOND;
    assert!(ttl.abs_diff(expected) < MINUTE, "{ttl} for {expected}");
}

#[test]
fn a_steady_refresh_reads_three_keys_in_one_call_and_writes_nothing() {
    let chain = Chain::begun_before(10 * MINUTE);
    for refreshes in 1..=3 {
        assert_eq!(client().refresh(&chain.first_token()).status, 200);
        assert_eq!(chain.operations(), vec![chain.three_keys(); refreshes]);
    }
}

#[test]
fn a_refresh_that_takes_up_a_successor_writes_once_and_only_once() {
    let chain = Chain::begun_before(10 * MINUTE);
    let successor = client().refresh(&chain.first_token()).tokens().refresh;
    assert_eq!(client().refresh(&successor).status, 200);
    let write = kv().wait_for_writes(&chain.activity_key(), 1).remove(0);
    assert_eq!(write.metadata, None);
    assert_lives(&write, IDLE + IDLE / 3);
    let read = chain.three_keys();
    assert_eq!(
        chain.operations(),
        [read.clone(), read.clone(), Operation::Write(write.clone())]
    );

    assert_eq!(client().refresh(&successor).status, 200);
    assert_eq!(
        chain.operations(),
        [read.clone(), read.clone(), Operation::Write(write), read]
    );
}

#[test]
fn a_note_lives_no_longer_than_its_session_but_as_long_as_the_store_asks() {
    for (left, lives) in [(2 * HOUR, 2 * HOUR), (20 * SECOND, 60 * SECOND)] {
        let chain = Chain::unstored(now() - HOUR, now() + left);
        chain.store();
        let token = chain.token(1, minute_of(now()));
        assert_eq!(client().refresh(&token).status, 200);
        assert_lives(&kv().wait_for_writes(&chain.activity_key(), 1)[0], lives);
        assert!(kv().value(&chain.activity_key()).is_some(), "not refused");
    }
}

#[test]
fn a_new_session_is_one_write_that_lives_to_the_absolute_end() {
    let user = random_user();
    let since = now();
    let claims = json!({"role": "admin", "org": {"id": 7}});
    let body = json!({"userId": user, "device": "Ada's phone", "claims": claims});
    let opened = client().open_session(&body).tokens();
    let operations = kv().settled_operations(&[&user, &opened.session]);
    let [Operation::Write(write)] = operations.as_slice() else {
        panic!("one write: {operations:?}");
    };
    assert_eq!(write.key, format!("service:{user}:{}", opened.session));
    assert_lives(write, LIFETIME);
    let stored = write.json();
    let created_at = stored["created_at"].as_u64().expect("a time");
    assert!((since - SECOND..=now()).contains(&created_at));
    assert_eq!(
        stored,
        json!({
            "v": 1,
            "created_at": created_at,
            "expires_at": created_at + LIFETIME,
            "device": "Ada's phone",
            "claims": claims,
        })
    );
    let shown = json!({"device": "Ada's phone", "created_at": created_at});
    assert_eq!(write.metadata, Some(shown));
    let token = RefreshClaims::read(&opened.refresh, &Stage::shared().refresh_secret);
    assert_eq!(token.generation, 0);
    assert_eq!(token.issued_at, minute_of(created_at));
    assert_eq!(token.expires_at, (created_at + LIFETIME) / 1000);
}

#[test]
fn a_logout_is_one_write_and_a_second_one_is_none() {
    let chain = Chain::begun_before(10 * MINUTE);
    assert_eq!(client().log_out(&chain.first_token()).status, 200);
    let operations = chain.operations();
    let [write] = writes(&operations).try_into().expect("one write");
    assert_eq!(write.key, chain.session_key());
    assert_lives(&write, chain.expires_at - now());
    let revoked_at = write.json()["revoked_at"].as_u64().expect("a time");
    let metadata = Some(json!({"revoked_at": revoked_at}));
    assert_eq!(write.metadata, metadata, "nothing personal stays");
    assert_eq!(write.json(), json!({"v": 1, "revoked_at": revoked_at}));

    let again = client().log_out(&chain.first_token());
    assert_eq!(again.json(), json!({"loggedOut": true}));
    assert_eq!(writes(&chain.operations()).len(), 1);
    client()
        .refresh(&chain.first_token())
        .assert_error(401, "session_revoked");
    assert_eq!(writes(&chain.operations()).len(), 1);
}

#[test]
fn a_bearer_route_reads_two_keys_in_one_call() {
    let session = client().new_session();
    assert_eq!(client().me(&session.access).status, 200);
    let operations = kv().settled_operations(&[&session.user, &session.session]);
    let keys = Operation::bulk_read([
        format!("service:{}:{}", session.user, session.session),
        format!("service-revoked:{}", session.user),
    ]);
    assert_eq!(operations[1..], [keys]);
}
