//! Sessions in the objects of their users: exact, in the real runtime and on disk.

use std::{sync::LazyLock, thread};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, Tokens, random_user},
    time::{HOUR, MINUTE, minute_of, now},
    tokens::RefreshClaims,
    workerd::{Settings, Workerd},
};

use crate::stage::leak;

fn shared() -> &'static Workerd {
    static SHARED: LazyLock<Workerd> = LazyLock::new(|| Workerd::start(&[settings()]));
    assert_eq!(leak(&SHARED.log()), None, "logged by some test");
    &SHARED
}

fn settings() -> Settings {
    Settings::fresh().with_accounts().with_sessions_in_objects()
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
fn twenty_refreshes_at_once_are_all_answered_with_one_token() {
    let login = client().new_session();
    let given: Vec<String> = thread::scope(|scope| {
        let refresh = || client().refresh(&login.refresh).tokens().refresh;
        let all: Vec<_> = (0..20).map(|_| scope.spawn(refresh)).collect();
        let given = all.into_iter().map(|thread| thread.join().expect("200"));
        given.collect()
    });
    assert!(given.iter().all(|refresh| *refresh == given[0]));
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
fn a_session_comes_over_from_kv_and_a_reused_token_meets_the_latest_state_of_its_chain() {
    let settings = settings();
    let workerd = Workerd::start(std::slice::from_ref(&settings));
    let (client, kv) = (&workerd.clients[0], &workerd.kv);
    let (user, session) = (random_user(), client.new_session().session);
    let (created_at, expires_at) = (now() - 2 * HOUR, now() + 24 * HOUR);
    let adopted_at = now() - 10 * MINUTE;
    let record = json!({"v": 1, "created_at": created_at, "expires_at": expires_at, "claims": {}, "account": true});
    kv.put(&format!("session:{user}:{session}"), &record);
    let iat = minute_of(now() - HOUR);
    let activity =
        json!({"v": 1, "gen": 1, "iat": iat, "gen_at": adopted_at, "seen_at": adopted_at});
    kv.put(&format!("activity:{session}"), &activity);
    let token = |generation, issued_at| {
        let claims = RefreshClaims {
            user: user.clone(),
            session: session.clone(),
            generation,
            issued_at,
            expires_at: expires_at / 1000,
        };
        claims.sign(&settings.refresh_secret)
    };
    let [first, successor] = [token(0, minute_of(created_at)), token(1, iat)];
    assert_eq!(client.refresh(&successor).status, 200);
    client
        .refresh(&first)
        .assert_error(401, "refresh_token_reused");
    for token in [&first, &successor] {
        client.refresh(token).assert_error(401, "session_revoked");
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
