//! Where a user is logged in, and how sessions are ended from afar.

use std::sync::LazyLock;

use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens, random_user},
    workerd::{
        SessionsIn::{self, Kv, Objects},
        Settings, Workerd,
    },
};

use crate::stage::{leak, sessions_in, use_sessions_in};

fn client() -> &'static Client {
    static SHARED: LazyLock<[Workerd; 2]> = LazyLock::new(|| {
        let settings = Settings::fresh().with_accounts();
        [Kv, Objects].map(|place| Workerd::start(&[settings.clone().with_sessions_in(place)]))
    });
    let shared = &SHARED[usize::from(sessions_in() == Objects)];
    assert_eq!(leak(&shared.log()), None, "logged by some test");
    &shared.clients[0]
}

fn log_in(user: &str, device: &str) -> Tokens {
    client()
        .open_session(&json!({"userId": user, "device": device}))
        .tokens()
}

fn end(tokens: &Tokens, id: &str) -> Answer {
    client().send_as(
        &tokens.access,
        "DELETE",
        &format!("/auth/sessions/{id}"),
        &json!({}),
    )
}

fn log_out_all(tokens: &Tokens) -> Answer {
    client().send_as(&tokens.access, "POST", "/auth/logout/all", &json!({}))
}

fn listed(tokens: &Tokens) -> Vec<Value> {
    let page = client().sessions(&tokens.access, "");
    assert_eq!(page.status, 200, "{}", page.text);
    page.json()["sessions"].as_array().expect("a list").clone()
}

#[rstest]
fn a_user_sees_and_ends_sessions(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    let user = random_user();
    let [phone, tablet] = [log_in(&user, "phone"), log_in(&user, "täblet")];
    let all = listed(&phone);
    assert_eq!(all.len(), 2);
    for (tokens, device) in [(&phone, "phone"), (&tablet, "täblet")] {
        let session = all
            .iter()
            .find(|session| session["id"] == tokens.session.as_str());
        let session = session.expect("it is listed");
        assert_eq!(session["device"], device);
        assert_eq!(session["current"], tokens.session == phone.session);
        assert!(session["createdAt"].is_u64() && session.get("lastSeenAt").is_none());
    }
    let seen = client().sessions(&phone.access, "?lastSeen=true").json();
    let first = &seen["sessions"][0];
    assert_eq!(first["createdAt"], first["lastSeenAt"]);
    assert_eq!(
        end(&phone, &tablet.session).json(),
        json!({"revoked": true})
    );
    client().assert_ended(&tablet);
    assert_eq!(listed(&phone).len(), 1);
    let _ = client().refresh(&phone.refresh).tokens();
}

#[rstest]
fn a_user_with_many_sessions_gets_pages(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    let user = random_user();
    let all: Vec<Tokens> = (0..120).map(|_| log_in(&user, "phone")).collect();
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let page = client().sessions(&all[0].access, &query).json();
        let listed = page["sessions"].as_array().expect("a list");
        assert!(listed.len() <= 50);
        seen.extend(
            listed
                .iter()
                .map(|session| session["id"].as_str().expect("an id").to_owned()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("?cursor={cursor}");
    }
    seen.sort();
    let mut expected: Vec<String> = all.into_iter().map(|tokens| tokens.session).collect();
    expected.sort();
    assert_eq!(seen, expected);
}

#[rstest]
fn logging_out_everywhere_spares_only_what_begins_later(
    #[values(Kv, Objects)] sessions: SessionsIn,
) {
    use_sessions_in(sessions);
    let email = random_user().to_lowercase();
    let account = json!({"email": email, "password": "correct horse"});
    let here = client().post("/auth/signup", &account).tokens();
    let there = client().post("/auth/login", &account).tokens();
    assert_eq!(log_out_all(&here).json(), json!({"loggedOut": true}));
    let again = client().post("/auth/login", &account).tokens();
    for tokens in [&here, &there] {
        client().assert_ended(tokens);
        log_out_all(tokens).assert_error(401, "session_revoked");
    }
    let _ = client().refresh(&again.refresh).tokens();
    assert_eq!(listed(&again).len(), 1);
}
