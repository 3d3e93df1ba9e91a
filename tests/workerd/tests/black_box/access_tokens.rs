//! Access tokens: what they say, and who signed them.

use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    time::now,
    tokens::{claims, derived_access_key, header, is_signed_with},
    workerd::{Settings, Workerd},
};

use crate::stage::Stage;

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
