//! Sign-up, login and passwords: the Durable Objects run in workerd, the SQL in `SQLite`.

use std::{collections::BTreeMap, sync::LazyLock, thread};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens, random_user},
    workerd::{Settings, Workerd},
};

use crate::stage::leak;

const PASSWORD: &str = "correct horse";

fn workerd() -> &'static Workerd {
    static SHARED: LazyLock<Workerd> =
        LazyLock::new(|| Workerd::start(&[Settings::fresh().with_accounts()]));
    assert_eq!(leak(&SHARED.log()), None, "logged by some test");
    &SHARED
}

fn client() -> &'static Client {
    &workerd().clients[0]
}

/// An address that no other test has, as the worker spells it.
fn address() -> String {
    random_user().to_lowercase()
}

fn sign_up(email: &str) -> Tokens {
    try_sign_up(email, PASSWORD).tokens()
}

fn try_sign_up(email: &str, password: &str) -> Answer {
    client().post(
        "/auth/signup",
        &json!({"email": email, "password": password}),
    )
}

fn log_in(email: &str) -> Tokens {
    try_log_in(email, PASSWORD).tokens()
}

fn try_log_in(email: &str, password: &str) -> Answer {
    client().post(
        "/auth/login",
        &json!({"email": email, "password": password}),
    )
}

fn change_password(tokens: &Tokens, current: &str, new: &str) -> Answer {
    let body = json!({"currentPassword": current, "newPassword": new});
    client().send_as(&tokens.access, "POST", "/auth/password/change", &body)
}

fn delete(tokens: &Tokens, password: &str) -> Answer {
    client().send_as(
        &tokens.access,
        "DELETE",
        "/auth/me",
        &json!({"password": password}),
    )
}

/// How often each status and code was answered.
fn tally(answers: &[Answer]) -> BTreeMap<(u16, String), usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let code = answer.json()["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        *tally.entry((answer.status, code)).or_default() += 1;
    }
    tally
}

/// So many requests at once.
fn at_once(times: usize, request: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let request = &request;
        let threads: Vec<_> = (0..times)
            .map(|number| scope.spawn(move || request(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    })
}

fn assert_tally<const N: usize>(answers: &[Answer], expected: [(u16, &str, usize); N]) {
    let expected = expected.map(|(status, code, times)| ((status, code.to_owned()), times));
    assert_eq!(tally(answers), BTreeMap::from(expected));
}

#[test]
fn the_life_of_an_account_on_two_devices() {
    let email = address();
    let welcome = client().post(
        "/auth/signup",
        &json!({"email": format!(" {} ", email.to_uppercase()), "password": PASSWORD, "name": "Ada", "device": "phone"}),
    );
    assert_eq!(welcome.json()["email"], email.as_str());
    assert_eq!(welcome.json()["name"], "Ada");
    let [phone, tablet] = [welcome.tokens(), log_in(&email)];
    assert_eq!(phone.user, tablet.user);

    for tokens in [&phone, &tablet] {
        let me = client().me(&tokens.access).json();
        assert_eq!(me["id"], phone.user.as_str());
        assert_eq!((&me["email"], &me["name"]), (&json!(email), &json!("Ada")));
        assert!(me["createdAt"].is_u64());
        assert_eq!(me["claims"], json!({"email": email}));
        assert_eq!(
            client().refresh(&tokens.refresh).tokens().session,
            tokens.session
        );
    }
    let renamed = client().send_as(
        &phone.access,
        "PATCH",
        "/auth/me",
        &json!({"name": "Ada L."}),
    );
    assert_eq!(renamed.json()["name"], "Ada L.");
    assert_eq!(client().me(&tablet.access).json()["name"], "Ada L.");

    let changed = change_password(&phone, PASSWORD, "better horse").tokens();
    assert_ne!(changed.session, phone.session);
    let again = change_password(&phone, PASSWORD, "better horse").tokens();
    assert_eq!(
        (&again.session, &again.refresh),
        (&changed.session, &changed.refresh)
    );
    client().assert_ended(&tablet);
    let phone = client().refresh(&changed.refresh).tokens();
    try_log_in(&email, PASSWORD).assert_error(401, "invalid_credentials");
    let tablet = try_log_in(&email, "better horse").tokens();

    assert_eq!(
        delete(&phone, "better horse").json(),
        json!({"deleted": true})
    );
    assert!(workerd().d1.was_deleted(&phone.user));
    for tokens in [&phone, &tablet] {
        client().assert_ended(tokens);
        delete(tokens, "better horse").assert_error(401, "session_revoked");
    }
    try_log_in(&email, "better horse").assert_error(401, "invalid_credentials");
    assert_ne!(
        sign_up(&email).user,
        phone.user,
        "the address is free again"
    );
}

#[test]
fn sign_ups_of_one_person_at_once_make_one_account() {
    let email = address();
    let answers = at_once(5, |_| try_sign_up(&email, PASSWORD));
    assert_tally(&answers, [(200, "", 5)]);
    let user = answers[0].tokens().user;
    assert!(answers.iter().all(|answer| answer.tokens().user == user));
    assert_eq!(workerd().d1.users(&email), [user]);
}

/// What the runtime does: `normalize` and `URL`.
#[test]
fn every_spelling_of_an_address_is_one_account() {
    let name = format!("{}é", address().split('@').next().expect("a name"));
    let decomposed = name.replace('é', "E\u{301}");
    let user = sign_up(&format!("\u{202a}{decomposed}＠BÜCHER．example\u{202c}")).user;
    for domain in [
        "bücher.example",
        "bu\u{308}cher。example",
        "xn--bcher-kva.example",
    ] {
        for name in [&name, &decomposed] {
            let answer = try_log_in(&format!("{name}@{domain}"), PASSWORD);
            assert_eq!(answer.tokens().user, user, "{domain}");
        }
    }
    assert_eq!(
        workerd().d1.users(&format!("{name}@xn--bcher-kva.example")),
        [user]
    );
    for no_address in ["ada@é/x", "ﬁ@example.com"] {
        try_sign_up(no_address, PASSWORD).assert_error(400, "invalid_request");
    }
}

/// The forms that take the most memory, one with the most lanes, and the one that asks the runtime
/// for NFKC.
#[test]
fn hashes_of_other_systems_log_in_and_are_replaced() {
    const WIDE: &str = "ﬁｎｅ\u{3000}①②③";
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("../../../vectors/passwords/passwords.json"))
            .expect("JSON");
    for (start, password) in [
        ("{scrypt@SpringSecurity_v5_8}", "pässwörd ✓ 密码"),
        ("$argon2id$v=19$m=65536,t=3,p=4", "correct horse battery"),
        ("scrypt:32768:8:1$", "pässwörd ✓ 密码"),
        ("5", WIDE),
    ] {
        let hashes = vectors.iter().filter_map(|vector| vector["hash"].as_str());
        let mut hashes = hashes.filter(|hash| hash.starts_with(start));
        let hash = hashes.next().expect("a vector");
        let email = address();
        let user = sign_up(&email).user;
        workerd().d1.use_hash(&email, hash);
        try_log_in(&email, "another password").assert_error(401, "invalid_credentials");
        assert_eq!(try_log_in(&email, password).tokens().user, user, "{start}");
        let is_replaced = workerd().d1.password_hash(&email) != hash;
        assert_eq!(is_replaced, password != WIDE, "{start}");
    }
}

#[test]
fn fifty_wrong_passwords_at_once_are_not_checked_more_often_than_allowed() {
    let email = address();
    let tokens = sign_up(&email);
    workerd().d1.use_quick_hash(&email);
    let answers = at_once(50, |i| try_log_in(&email, &format!("horse number {i}")));
    assert_tally(
        &answers,
        [
            (401, "invalid_credentials", 10),
            (429, "too_many_attempts", 40),
        ],
    );

    let refused = try_log_in(&email, PASSWORD);
    refused.assert_error(429, "too_many_attempts");
    let seconds: u32 = refused
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    change_password(&tokens, PASSWORD, "better horse").assert_error(429, "too_many_attempts");
    // Who is logged in stays so.
    let _ = client().refresh(&tokens.refresh).tokens();
    assert_eq!(client().me(&tokens.access).status, 200);
}

#[test]
fn what_looks_like_a_command_is_only_text() {
    for (mark, text) in [
        ("a", "'; DROP TABLE users; --"),
        ("b", "\" OR 1=1 --"),
        ("c", r#"{"$ne": null}"#),
        ("d", "🦀🦀🦀🦀🦀🦀🦀🦀"),
        ("e", "%00\u{1}\\x00\\"),
    ] {
        let email = format!("{mark}'--{}", address());
        let body = json!({"email": email, "password": text, "name": text});
        let tokens = client().post("/auth/signup", &body).tokens();
        assert_eq!(client().me(&tokens.access).json()["name"], text);
        let _ = try_log_in(&email, text).tokens();
        try_log_in(&email, PASSWORD).assert_error(401, "invalid_credentials");
    }
    let unicode = format!("äda.{}", address());
    let tokens = sign_up(&unicode.to_uppercase());
    assert_eq!(
        client().me(&tokens.access).json()["email"],
        unicode.as_str()
    );
}

#[test]
fn a_row_that_the_rules_for_new_ones_would_refuse_is_read() {
    let old = address();
    let tokens = sign_up(&old);
    let (email, name) = (format!("with a space {old}"), "x".repeat(201));
    workerd().d1.rewrite(&old, &email, &name);
    let me = client().me(&tokens.access).json();
    assert_eq!((&me["email"], &me["name"]), (&json!(email), &json!(name)));
    let login = json!({"email": email, "password": PASSWORD});
    let tokens = client().post("/auth/login", &login).tokens();
    let password = json!({"password": PASSWORD});
    let deleted = client().send_as(&tokens.access, "DELETE", "/auth/me", &password);
    assert_eq!(deleted.status, 200);
}

#[test]
fn sign_ups_are_limited_by_the_hour_and_people_with_an_account_log_in() {
    let settings = Settings::fresh().with_accounts();
    let workerd = Workerd::start(&[settings.with("SIGN_UPS_PER_HOUR", "2")]);
    let client = &workerd.clients[0];
    let people = [0, 1, 2].map(|_| json!({"email": address(), "password": PASSWORD}));
    let sign_up = |number: usize| client.post("/auth/signup", &people[number]);
    let _ = sign_up(0).tokens();
    let _ = sign_up(1).tokens();
    // Once more if the hour has just ended.
    if sign_up(2).status == 200 {
        return sign_ups_are_limited_by_the_hour_and_people_with_an_account_log_in();
    }
    sign_up(2).assert_error(429, "too_many_requests");
    let _ = sign_up(0).tokens();
    let _ = client.post("/auth/login", &people[1]).tokens();
}
