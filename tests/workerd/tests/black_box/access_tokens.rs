//! Access tokens: what they say, who signed them, and what `GET /auth/me` makes of them.

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    time::{HOUR, MINUTE, now},
    tokens::{claims, derived_access_key, header, is_signed_with, sign},
    workerd::{Settings, Workerd},
};

use crate::stage::{Chain, Stage};

fn client() -> &'static Client {
    Stage::shared().client()
}

#[test]
fn an_access_token_says_who_where_and_for_how_long() {
    let user = random_user();
    let body = json!({"userId": user, "claims": {"role": "admin", "email": user}});
    let since = now() / 1000;
    let opened = client().open_session(&body);
    let tokens = opened.tokens();
    assert_eq!(
        header(&tokens.access),
        json!({"alg": "HS256", "typ": "at+jwt"})
    );
    let key = derived_access_key(&Stage::shared().refresh_secret);
    assert!(is_signed_with(&tokens.access, &key));

    let claims = claims(&tokens.access);
    let issued_at = claims["iat"].as_u64().expect("a time");
    assert!((since - 1..=now() / 1000).contains(&issued_at));
    let token_id = claims["jti"].as_str().expect("an id");
    assert!(token_id.len() >= 22, "{token_id}");
    let place = claims["gen"].as_str().expect("a place");
    assert!(place.starts_with("0."), "{place}");
    let origin = &client().origin;
    assert_eq!(
        claims,
        json!({
            "iss": origin,
            "sub": user,
            "aud": origin,
            "iat": issued_at,
            "exp": issued_at + 3600,
            "jti": token_id,
            "sid": tokens.session,
            "gen": claims["gen"],
            "role": "admin",
            "email": user,
        })
    );
    assert_eq!(
        opened.json(),
        json!({
            "accessToken": tokens.access,
            "refreshToken": tokens.refresh,
            "tokenType": "Bearer",
            "expiresIn": 3600,
            "expiresAt": (issued_at + 3600) * 1000,
            "userId": user,
            "sessionId": tokens.session,
        })
    );
}

#[test]
fn claims_of_a_session_are_in_every_access_token_of_it() {
    let body = json!({"userId": random_user(), "claims": {"n": [1, null, "é"]}});
    let tokens = client().open_session(&body).tokens();
    let refreshed = client().refresh(&tokens.refresh).tokens();
    for token in [&tokens.access, &refreshed.access] {
        let me = client().me(token).json();
        assert_eq!(
            me,
            json!({"id": tokens.user, "claims": {"n": [1, null, "é"]}})
        );
    }
}

#[test]
fn settings_say_issuer_audience_lifetime_and_key() {
    let secret = "an access secret of the tests, of 32 bytes or more";
    let workerd = Workerd::start(&[
        Settings::fresh()
            .with("ISSUER", "https://login.example.com")
            .with_number("ACCESS_TOKEN_SECONDS", 120)
            .with("access_token_secret", secret),
        Settings::fresh()
            .with("ISSUER", "https://login.example.com")
            .with("AUDIENCE", "my-app"),
    ]);
    let tokens = |index: usize| workerd.clients[index].new_session();

    let with_secret = tokens(0);
    let said = claims(&with_secret.access);
    assert_eq!(said["iss"], "https://login.example.com");
    assert_eq!(said["aud"], "https://login.example.com");
    let seconds = said["exp"].as_u64().zip(said["iat"].as_u64());
    assert_eq!(seconds.map(|(end, begin)| end - begin), Some(120));
    assert!(is_signed_with(&with_secret.access, secret.as_bytes()));
    assert_eq!(workerd.clients[0].me(&with_secret.access).status, 200);

    let with_audience = tokens(1);
    let said = claims(&with_audience.access);
    assert_eq!(said["iss"], "https://login.example.com");
    assert_eq!(said["aud"], "my-app");
    assert_eq!(workerd.clients[1].me(&with_audience.access).status, 200);
}

#[test]
fn without_a_token_the_way_in_is_told() {
    for authorization in ["", "Bearer", "Basic eDp5", "x.y.z"] {
        let request = client()
            .request("GET", "/auth/me")
            .header("authorization", authorization);
        let answer = client().send(request, ());
        answer.assert_error(401, "access_token_invalid");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let answer = client().get("/auth/me");
    answer.assert_error(401, "access_token_invalid");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}

#[track_caller]
fn assert_refused(token: &str, code: &str) {
    let answer = client().me(token);
    answer.assert_error(401, code);
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
    assert!(!answer.text.contains(token), "the token is in the answer");
}

#[test]
fn a_token_that_is_no_access_token_of_ours_is_refused() {
    let chain = Chain::begun_before(10 * MINUTE);
    let good = chain.access_token(now());
    assert_eq!(client().me(&good).status, 200);

    let key = derived_access_key(&Stage::shared().refresh_secret);
    let typed = |header: Value| sign(&header, &claims(&good), &key);
    let (content, signature) = good.rsplit_once('.').expect("three parts");
    for token in [
        chain.first_token(),
        typed(json!({"alg": "HS256", "typ": "rt+jwt"})),
        typed(json!({"alg": "HS256", "typ": "JWT"})),
        typed(json!({"alg": "HS256"})),
        typed(json!({"alg": "none", "typ": "at+jwt"})),
        sign(
            &header(&good),
            &claims(&good),
            &Stage::shared().refresh_secret,
        ),
        format!("{content}."),
        content.to_owned(),
        format!("{good}.{signature}"),
        format!("{content}.{}", signature.to_lowercase()),
        "x".repeat(5 * 1024),
    ] {
        assert_refused(&token, "access_token_invalid");
    }
    assert_eq!(client().me(&good).status, 200);
}

#[test]
fn an_access_token_past_its_end_says_so() {
    let chain = Chain::begun_before(3 * HOUR);
    assert_refused(
        &chain.access_token(now() - 2 * HOUR),
        "access_token_expired",
    );
    let nearly_over = chain.access_token(now() - HOUR + MINUTE);
    assert_eq!(client().me(&nearly_over).status, 200);
}

#[test]
fn a_session_that_has_not_arrived_yet_is_no_reason_to_refuse() {
    let chain = Chain::unstored(now(), now() + HOUR);
    assert_eq!(client().me(&chain.access_token(now())).status, 200);
    chain.store_cut_off(now() - MINUTE, None);
    assert_eq!(client().me(&chain.access_token(now())).status, 200);
    chain.store_cut_off(now() + MINUTE, None);
    assert_refused(&chain.access_token(now()), "session_revoked");
}

#[test]
fn a_variable_that_was_not_filled_in_is_bad_input() {
    let answer = client().me("${accessToken}");
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.json()["code"], "invalid_request");
}
