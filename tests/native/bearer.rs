//! Routes that ask for an access token.

use serde_json::json;
use tokenkeep::http::method::Method;

use crate::world::{HOUR, Operations, World, body, call, expect_error, header};

#[test]
fn me_tells_the_user_and_the_claims_of_the_session() {
    let world = World::new();
    let login = world.log_in();
    let reply = world.get("/auth/me", &login.access);
    assert_eq!(reply.status, 200);
    assert_eq!(
        body(&reply),
        json!({"id": "ada", "claims": {"role": "admin"}})
    );
}

#[test]
fn the_session_is_looked_at_in_one_read_of_two_keys() {
    let world = World::new();
    let login = world.log_in();
    world.get("/auth/me", &login.access);
    let keys = vec![
        format!("session:ada:{}", login.session),
        "revoked:ada".to_owned(),
    ];
    assert_eq!(
        world.operations(),
        Operations {
            reads: vec![keys],
            writes: vec![]
        }
    );
}

#[test]
fn without_a_token_the_challenge_is_plain() {
    let world = World::new();
    for authorization in [None, Some("Bearer"), Some("Basic eDp5"), Some("")] {
        let reply = world.answer(&call(Method::Get, "/auth/me", authorization, ""));
        expect_error(&reply, 401, "access_token_invalid");
        assert_eq!(header(&reply, "WWW-Authenticate"), Some("Bearer"));
    }
}

#[test]
fn a_bad_token_is_challenged_and_costs_no_read() {
    let world = World::new();
    let login = world.log_in();
    for token in ["x", "x.y.z", login.refresh.as_str(), &login.access[1..]] {
        let reply = world.get("/auth/me", token);
        expect_error(&reply, 401, "access_token_invalid");
        assert_eq!(
            header(&reply, "WWW-Authenticate"),
            Some(r#"Bearer error="invalid_token""#)
        );
    }
    assert_eq!(world.operations(), Operations::default());
}

#[test]
fn an_access_token_ends_after_its_lifetime() {
    let world = World::new();
    let login = world.log_in();
    world.pass(HOUR - 1);
    assert_eq!(world.get("/auth/me", &login.access).status, 200);
    world.pass(1);
    expect_error(
        &world.get("/auth/me", &login.access),
        401,
        "access_token_expired",
    );
}

#[test]
fn an_ended_session_denies_its_access_tokens() {
    let world = World::new();
    let login = world.log_in();
    assert_eq!(world.log_out(&login.refresh).status, 200);
    expect_error(
        &world.get("/auth/me", &login.access),
        401,
        "session_revoked",
    );
}

#[test]
fn a_cut_off_denies_access_tokens_from_before_even_if_the_session_cannot_be_seen() {
    let world = World::new();
    let login = world.log_in();
    world.pass(6000);
    world.put("revoked:ada", &json!({"v": 1, "before": world.now()}));
    expect_error(
        &world.get("/auth/me", &login.access),
        401,
        "session_revoked",
    );
    world.forget(&format!("session:ada:{}", login.session));
    expect_error(
        &world.get("/auth/me", &login.access),
        401,
        "session_revoked",
    );
}

#[test]
fn a_session_that_cannot_be_seen_yet_is_no_reason_to_deny() {
    let world = World::new();
    world.put("revoked:ada", &json!({"v": 1, "before": world.now()}));
    world.pass(1);
    let login = world.log_in();
    world.forget(&format!("session:ada:{}", login.session));
    assert_eq!(world.get("/auth/me", &login.access).status, 200);
}

#[test]
fn nor_is_it_one_when_the_cut_off_came_from_a_clock_that_is_ahead() {
    let world = World::new();
    let login = world.log_in();
    world.forget(&format!("session:ada:{}", login.session));
    world.put(
        "revoked:ada",
        &json!({"v": 1, "before": world.now() + 4000}),
    );
    assert_eq!(world.get("/auth/me", &login.access).status, 200);
}

#[test]
fn the_issuer_is_the_address_of_the_request_unless_configured() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = |world: &World| -> serde_json::Value {
        let access = world.log_in().access;
        let claims = access.split('.').nth(1).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON")
    };
    let by_default = claims(&World::new());
    assert_eq!(by_default["iss"], "https://api.example.com");
    assert_eq!(by_default["aud"], "https://api.example.com");
    let configured = claims(&World::with(&[
        ("ISSUER", "https://id.example"),
        ("AUDIENCE", "shop"),
    ]));
    assert_eq!(configured["iss"], "https://id.example");
    assert_eq!(configured["aud"], "shop");
}
