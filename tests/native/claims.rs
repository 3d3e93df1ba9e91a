//! What the owner has added to access tokens.

use serde_json::{Value, json};

use crate::{
    client::{EMAIL, body, expect_error, post, tokens},
    codes::MISCONFIGURED,
    keys::part,
    world::World,
};

const HASURA: &str = r#"{
    "https://hasura.io/jwt/claims": {
        "x-hasura-user-id": "{{userId}}",
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"]
    },
    "org": "{{claims.team}}",
    "mail": "{{email}}"
}"#;
const CLAIMS: &str = "ACCESS_TOKEN_CLAIMS";
const ROLE: &str = "ACCESS_TOKEN_ROLE";
const TYPE: &str = "ACCESS_TOKEN_TYP";

#[test]
fn the_claims_of_the_settings_are_in_every_access_token() {
    let key = include_str!("../vectors/keys/es256.pem");
    for own in [&[][..], &[("access_token_private_key", key)]] {
        let settings = [own, &[(CLAIMS, HASURA), (ROLE, "authenticated")]].concat();
        let world = World::with(&settings);
        let of_service = json!({"userId": "ada", "claims": {"team": "red", "role": "admin"}});
        let opened = tokens(&world.open(&of_service));
        for login in [&opened, &world.refresh(&opened)] {
            let claims = part(&login.access, 1);
            let hasura = &claims["https://hasura.io/jwt/claims"];
            assert_eq!(hasura["x-hasura-user-id"], "ada");
            assert_eq!(claims["org"], "red");
            assert_eq!(claims["role"], "admin", "the session's own");
            assert_eq!(claims.get("mail"), None);
            // They are no claims of the session.
            let me = body(&world.me(login));
            assert_eq!(me["claims"], json!({"team": "red", "role": "admin"}));
        }
        let account = world.sign_up();
        let claims = part(&account.access, 1);
        assert_eq!(claims["role"], "authenticated");
        assert_eq!(
            (&claims["mail"], &claims["email"]),
            (&json!(EMAIL), &json!(EMAIL))
        );
        assert_eq!(
            claims["https://hasura.io/jwt/claims"]["x-hasura-user-id"],
            claims["sub"]
        );
        assert_eq!(world.log_out_all(&account).status, 200);
    }
}

#[test]
fn without_settings_the_claims_are_those_of_the_session_alone() {
    let claims = part(&World::new().log_in().access, 1);
    let names: Vec<&String> = claims.as_object().expect("claims").keys().collect();
    let expected = [
        "aud", "exp", "gen", "iat", "iss", "jti", "role", "sid", "sub",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_type_may_be_changed_and_tokens_of_either_are_accepted() {
    let world = World::new();
    let before = world.log_in();
    assert_eq!(part(&before.access, 0)["typ"], "at+jwt");
    let changed = world.here_with(&[(TYPE, "JWT")]);
    let after = changed.log_in();
    assert_eq!(
        part(&after.access, 0),
        json!({"alg": "HS256", "typ": "JWT"})
    );
    for place in [&world, &changed] {
        for login in [&before, &after] {
            assert_eq!(place.me(login).status, 200);
        }
    }
}

#[test]
fn claims_that_cannot_be_added_are_reported() {
    for (name, value, told) in [
        (CLAIMS, "role=user", "must be a JSON object"),
        (CLAIMS, r#"{"sub":"root"}"#, "reserved names"),
        (CLAIMS, r#"{"id":"{{user}}"}"#, "{{userId}}"),
        (ROLE, "{{role}}", "{{userId}}"),
        (TYPE, "jws", "one of at+jwt, JWT"),
    ] {
        let world = World::with(&[(name, value)]);
        let refused = world.answer(&post("/auth/token", &json!({"refreshToken": "x"})));
        expect_error(&refused, MISCONFIGURED);
        let message = body(&refused)["message"].to_string();
        assert!(
            message.contains(name) && message.contains(told),
            "{message}"
        );
    }
    let none: Value = part(&World::with(&[(CLAIMS, " ")]).log_in().access, 1);
    assert_eq!(none["role"], "admin");
}
