//! Sessions in the objects of their users: exact, in the real runtime and on disk.

use std::{fs, path::Path, sync::LazyLock, thread, time::Duration};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, Tokens, random_user},
    time::{HOUR, MINUTE, now},
    tokens::random_name,
    workerd::{SessionsIn::Objects, Settings, Workerd},
};

use crate::stage::leak;

fn shared() -> &'static Workerd {
    static SHARED: LazyLock<Workerd> = LazyLock::new(|| Workerd::start(&[settings()]));
    assert_eq!(leak(&SHARED.log()), None, "logged by some test");
    &SHARED
}

fn settings() -> Settings {
    Settings::fresh().with_accounts().with_sessions_in(Objects)
}

fn client() -> &'static Client {
    &shared().clients[0]
}

fn revoked(client: &Client, tokens: &Tokens) {
    client
        .refresh(&tokens.refresh)
        .assert_error(401, "session_revoked");
    client
        .me(&tokens.access)
        .assert_error(401, "session_revoked");
}

#[test]
fn a_revocation_is_refused_on_the_very_next_request() {
    for _ in 0..10 {
        let tokens = client().new_session();
        assert_eq!(client().log_out(&tokens.refresh).status, 200);
        revoked(client(), &tokens);

        let tokens = client().new_session();
        assert_eq!(client().revoke(&json!({"userId": tokens.user})).status, 200);
        revoked(client(), &tokens);
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let settings = [settings()];
    let mut workerd = Workerd::start(&settings);
    let [open, ended] = [(); 2].map(|()| workerd.clients[0].new_session());
    assert_eq!(workerd.clients[0].log_out(&ended.refresh).status, 200);
    for _ in 0..2 {
        workerd.kill();
        workerd = workerd.start_again(&settings);
        assert_eq!(workerd.clients[0].refresh(&open.refresh).status, 200);
        revoked(&workerd.clients[0], &ended);
    }
    assert_eq!(workerd.clients[0].log_out(&open.refresh).status, 200);
    workerd.kill();
    workerd = workerd.start_again(&settings);
    revoked(&workerd.clients[0], &open);
}

fn sign_up(client: &Client) -> (Value, Tokens) {
    let person = json!({"email": random_user().to_lowercase(), "password": "correct horse"});
    let tokens = client.post("/auth/signup", &person).tokens();
    (person, tokens)
}

#[test]
fn an_account_lists_and_ends_its_sessions_and_leaves_nothing() {
    let (person, here) = sign_up(client());
    let there = client().post("/auth/login", &person).tokens();
    let page = client().sessions(&here.access, "").json();
    let listed = page["sessions"].as_array().expect("a list");
    assert_eq!(listed.len(), 2);
    let path = format!("/auth/sessions/{}", there.session);
    let end = client().send_as(&here.access, "DELETE", &path, &json!({}));
    assert_eq!(end.status, 200);
    revoked(client(), &there);
    let change = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    let changed = client().send_as(&here.access, "POST", "/auth/password/change", &change);
    let changed = changed.tokens();
    assert_eq!(client().refresh(&changed.refresh).status, 200);
    let again = json!({"password": "battery staple"});
    let deleted = client().send_as(&changed.access, "DELETE", "/auth/me", &again);
    assert_eq!(deleted.status, 200);
    revoked(client(), &changed);
    revoked(client(), &here);
}

/// How many rows the objects with sessions have stored, all together.
fn rows(workerd: &Workerd) -> i64 {
    let files = fs::read_dir(workerd.objects().join("worker-0-sessions"));
    let files = files
        .expect("a folder")
        .map(|file| file.expect("a file").path());
    let databases = files.filter(|path| path.extension().is_some_and(|it| it == "sqlite"));
    databases.map(|path| rows_of(&path)).sum()
}

fn rows_of(path: &Path) -> i64 {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let database = database.expect("a database");
    let count = |query: &str| database.query_row(query, [], |row| row.get::<_, i64>(0));
    match count("SELECT count(*) FROM sqlite_schema WHERE name = '_cf_KV'") {
        Ok(1) => count("SELECT count(*) FROM _cf_KV").expect("a number"),
        other => other.expect("a number"),
    }
}

/// A session whose last token has expired is all that KV has of this user: ending it writes a tombstone
/// whose alarm is due.
#[test]
fn nothing_is_left_in_the_storage_of_a_user_whose_sessions_are_over() {
    let workerd = Workerd::start(&[settings()]);
    let client = &workerd.clients[0];
    let end_one_that_expires_at = |expires_at: u64| {
        let (user, session) = (random_user(), random_name());
        let record = json!({"v": 1, "created_at": now() - HOUR, "expires_at": expires_at, "claims": {}, "account": true});
        workerd
            .kv
            .put(&format!("session:{user}:{session}"), &record);
        let one = json!({"userId": user, "sessionId": session});
        assert_eq!(client.revoke(&one).status, 200);
    };
    let is_empty_within = |tries: u32| {
        (0..tries).any(|_| {
            thread::sleep(Duration::from_millis(100));
            rows(&workerd) == 0
        })
    };
    end_one_that_expires_at(now() - 2 * MINUTE);
    assert!(is_empty_within(200), "{} rows", rows(&workerd));
    end_one_that_expires_at(now() + HOUR);
    assert!(!is_empty_within(10), "its token is still valid");
}

#[test]
fn with_one_session_per_user_a_login_ends_the_one_before() {
    let workerd = Workerd::start(&[settings().with("SESSIONS_PER_USER", "1")]);
    let client = &workerd.clients[0];
    let (person, first) = sign_up(client);
    let second = client.post("/auth/login", &person).tokens();
    revoked(client, &first);
    assert_eq!(client.refresh(&second.refresh).status, 200);
}

#[test]
fn without_its_objects_the_worker_says_what_is_missing() {
    let settings = Settings::fresh().with("SESSION_STORE", "durable_objects");
    let workerd = Workerd::start(&[settings]);
    let health = workerd.clients[0].get("/health");
    assert_eq!(health.status, 503);
    assert!(health.text.contains("USER_SESSIONS is not bound"));
    let body = json!({"userId": "ada"});
    workerd.clients[0]
        .open_session(&body)
        .assert_error(500, "misconfigured");
}
