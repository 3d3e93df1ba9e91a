//! Routes that ask for an access token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::http::method::Method;

use crate::{
    client::{body, call, expect_error, header, logged_in},
    codes::{ACCESS_EXPIRED, ACCESS_INVALID, REVOKED},
    world::{HOUR, Operations, World, use_store},
};

#[rstest]
fn me_shows_the_user_and_the_claims_of_the_session_for_one_read(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    let reply = world.me(&login);
    let me = json!({"id": "ada", "claims": {"role": "admin"}});
    assert_eq!((reply.status, body(&reply)), (200, me));
    let keys = [
        format!("service:ada:{}", login.session),
        "service-revoked:ada".to_owned(),
    ];
    let read = match store {
        Kv => keys.to_vec(),
        DurableObjects => vec!["look_up".to_owned()],
    };
    let expected = Operations {
        reads: vec![read],
        writes: vec![],
    };
    assert_eq!(world.operations(), expected);
}

#[rstest]
fn without_a_token_the_challenge_is_plain(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    for authorization in [None, Some("Basic eDp5"), Some("")] {
        let reply = world.answer(&call(Method::Get, "/auth/me", authorization, ""));
        expect_error(&reply, ACCESS_INVALID);
        assert_eq!(header(&reply, "WWW-Authenticate"), Some("Bearer"));
    }
}

#[rstest]
fn a_bad_token_is_challenged_and_costs_no_read(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = logged_in();
    for token in ["x", "x.y.z", &login.refresh, &login.access[1..]] {
        let reply = world.get("/auth/me", token);
        expect_error(&reply, ACCESS_INVALID);
        let challenge = header(&reply, "WWW-Authenticate");
        assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#));
    }
    assert_eq!(world.operations(), Operations::default());
}

#[rstest]
fn an_access_token_ends_after_its_lifetime(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = logged_in();
    world.pass(HOUR - 1);
    assert_eq!(world.me(&login).status, 200);
    world.pass(1);
    expect_error(&world.me(&login), ACCESS_EXPIRED);
}

#[rstest]
fn an_ended_session_denies_its_access_tokens(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = logged_in();
    assert_eq!(world.log_out(&login).status, 200);
    expect_error(&world.me(&login), REVOKED);
}

#[test]
fn a_cut_off_denies_access_tokens_from_before_even_if_the_session_cannot_be_seen() {
    let (world, login) = logged_in();
    world.pass(6000);
    world.put(
        "service-revoked:ada",
        &json!({"v": 1, "before": world.now()}),
    );
    expect_error(&world.me(&login), REVOKED);
    world.forget(&format!("service:ada:{}", login.session));
    expect_error(&world.me(&login), REVOKED);
}

#[test]
fn a_session_that_cannot_be_seen_yet_is_no_reason_to_deny() {
    // Nor is it one when the cut-off came from a clock that is ahead.
    for ahead in [0, 4_000] {
        let world = World::new();
        let before = world.now() + ahead;
        world.pass(1);
        let login = world.log_in();
        world.put("service-revoked:ada", &json!({"v": 1, "before": before}));
        world.forget(&format!("service:ada:{}", login.session));
        assert_eq!(world.me(&login).status, 200);
    }
}

#[rstest]
fn the_issuer_is_the_address_of_the_request_unless_configured(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let issuer_and_audience = |world: &World| {
        let access = world.log_in().access;
        let claims = access.split('.').nth(1).expect("three parts");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        [claims["iss"].clone(), claims["aud"].clone()]
    };
    let origin = "https://api.example.com";
    assert_eq!(issuer_and_audience(&World::new()), [origin, origin]);
    let settings = [("ISSUER", "https://id.example"), ("AUDIENCE", "shop")];
    let configured = issuer_and_audience(&World::with(&settings));
    assert_eq!(configured, ["https://id.example", "shop"]);
}
