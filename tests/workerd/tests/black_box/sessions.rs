//! `POST /auth/session`: the user IDs, names and claims that the runtime has to pass on.

use rstest::rstest;
use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    workerd::SessionsIn::{self, Kv, Objects},
};

use crate::stage::{Stage, use_sessions_in};

fn client() -> &'static Client {
    Stage::shared().client()
}

#[rstest]
fn user_ids_of_other_systems_are_taken(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    for user in [
        "7".to_owned(),
        "auth0|5f7c8ec7".to_owned(),
        "ada.lovelace+1@example.com".to_owned(),
        "x".repeat(128),
    ] {
        let tokens = client().open_session(&json!({"userId": user})).tokens();
        assert_eq!(tokens.user, user);
        assert_eq!(client().refresh(&tokens.refresh).tokens().user, user);
        assert_eq!(client().me(&tokens.access).json()["id"], user);
    }
}

#[rstest]
fn the_largest_session_that_is_allowed_works(#[values(Kv, Objects)] sessions: SessionsIn) {
    use_sessions_in(sessions);
    let filler = "x".repeat(2048 - r#"{"a":""}"#.len());
    let body = json!({
        "userId": format!("{}{}", random_user(), "x".repeat(80)),
        "device": "é".repeat(100),
        "claims": {"a": filler},
        "unknown": {"is": "ignored"},
    });
    let tokens = client().open_session(&body).tokens();
    let refreshed = client().refresh(&tokens.refresh).tokens();
    assert_eq!(client().me(&refreshed.access).json()["claims"]["a"], filler);
}
