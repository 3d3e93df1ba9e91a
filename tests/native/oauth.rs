//! The standard endpoints, as OAuth clients and resource servers use them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::{
    config::SessionStore::{self, DurableObjects, Kv},
    http::{method::Method, reply::Reply},
};
use tokenkeep_world::trouble::Trouble;

use crate::{
    client::{EMAIL, SERVICE_KEY, bearer, body, call, expect_error, header, logged_in, tokens},
    codes::{INVALID_REQUEST, REVOKED, SERVICE_KEY_INVALID},
    world::{DAY, HOUR, World, next_writes, reads, use_store},
};

const TOKEN_PATHS: [&str; 2] = ["/auth/token", "/oauth/token"];

impl World {
    fn form(&self, path: &str, form: &str) -> Reply {
        self.form_as(path, None, form)
    }

    fn form_as(&self, path: &str, authorization: Option<&str>, form: &str) -> Reply {
        let reply = self.answer(&call(Method::Post, path, authorization, form));
        self.settle();
        reply
    }

    fn grant(&self, path: &str, refresh_token: &str) -> Reply {
        let form = format!("grant_type=refresh_token&refresh_token={refresh_token}&client_id=app");
        self.form(path, &form)
    }

    fn introspect(&self, token: &str) -> Value {
        let form = format!("token={token}&token_type_hint=access_token");
        let reply = self.form_as("/oauth/introspect", Some(&bearer(SERVICE_KEY)), &form);
        assert_eq!(reply.status, 200, "{}", reply.body);
        body(&reply)
    }
}

/// What an OAuth client sees of an error.
#[track_caller]
fn expect_oauth(reply: &Reply, status: u16, error: &str) {
    let body = body(reply);
    assert_eq!(
        (reply.status, &body["error"]),
        (status, &json!(error)),
        "{body}"
    );
    let description = body["error_description"].as_str().expect("text");
    let is_allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(
        !description.is_empty() && description.chars().all(is_allowed),
        "{body}"
    );
    assert_eq!(header(reply, "Cache-Control"), Some("no-store"));
}

#[rstest]
fn a_form_with_a_grant_type_is_answered_as_rfc_6749_has_it(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = logged_in();
    for path in TOKEN_PATHS {
        let reply = world.grant(path, &login.refresh);
        let answer = body(&reply);
        let names: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        let expected = ["access_token", "expires_in", "refresh_token", "token_type"];
        assert_eq!(
            (reply.status, names),
            (200, expected.map(String::from).iter().collect())
        );
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["expires_in"], 3600);
        assert_eq!(answer["refresh_token"], login.refresh);
        assert_eq!(header(&reply, "Cache-Control"), Some("no-store"));
        assert_eq!(header(&reply, "Pragma"), Some("no-cache"));
        let access = answer["access_token"].as_str().expect("a token");
        assert_eq!(world.get("/auth/me", access).status, 200);
    }
}

#[test]
fn json_and_a_form_without_a_grant_type_are_answered_as_ever() {
    let (world, login) = logged_in();
    let token = &login.refresh;
    for sent in [
        format!(r#"{{"refreshToken":"{token}"}}"#),
        format!(r#" {{"grant_type":"refresh_token","refresh_token":"{token}"}}"#),
        format!("refreshToken={token}"),
        format!("refresh_token={token}&client_id=app"),
    ] {
        let reply = world.form("/auth/token", &sent);
        assert_eq!(tokens(&reply).refresh, *token);
        assert_eq!(header(&reply, "Pragma"), None);
    }
    let refused = world.form("/auth/token", "refreshToken=x");
    assert_eq!((refused.status, body(&refused).get("error")), (401, None));
}

#[test]
fn a_request_that_oauth_does_not_know_is_named_by_its_standard_error() {
    let (world, login) = logged_in();
    let token = &login.refresh;
    let grant = format!("grant_type=refresh_token&refresh_token={token}");
    for (query, form, error) in [
        ("", String::new(), "invalid_request"),
        (
            "",
            format!(r#"{{"grant_type":"refresh_token","refresh_token":"{token}"}}"#),
            "invalid_request",
        ),
        ("", format!("refresh_token={token}"), "invalid_request"),
        (
            "",
            format!("grant_type=&refresh_token={token}"),
            "invalid_request",
        ),
        ("", "grant_type=refresh_token".into(), "invalid_request"),
        (
            "",
            "grant_type=refresh_token&refresh_token=".into(),
            "invalid_request",
        ),
        (
            "",
            "grant_type=refresh_token&refresh_token={{refreshToken}}".into(),
            "invalid_request",
        ),
        (
            "",
            format!("{grant}&refresh_token={token}"),
            "invalid_request",
        ),
        (
            "",
            format!("{grant}&grant_type=refresh_token"),
            "invalid_request",
        ),
        ("", format!("{grant}&x=1&x=2"), "invalid_request"),
        ("?refresh_token=x", grant.clone(), "invalid_request"),
        ("?client_secret=x", grant.clone(), "invalid_request"),
        (
            "",
            "grant_type=password&username=a&password=b".into(),
            "unsupported_grant_type",
        ),
        (
            "",
            format!("grant_type=authorization_code&code={token}"),
            "unsupported_grant_type",
        ),
    ] {
        let reply = world.form(&format!("/oauth/token{query}"), &form);
        expect_oauth(&reply, 400, error);
        if form.starts_with("grant_type") {
            expect_oauth(
                &world.form(&format!("/auth/token{query}"), &form),
                400,
                error,
            );
        }
    }
    let in_url = format!("/oauth/token?{grant}");
    expect_oauth(&world.form(&in_url, ""), 400, "invalid_request");
    world.refresh(&login);
}

#[rstest]
fn a_session_that_is_over_is_an_invalid_grant(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    for path in TOKEN_PATHS {
        let refused = |world: &World, token: &str, code: &str| {
            let reply = world.grant(path, token);
            expect_oauth(&reply, 400, "invalid_grant");
            assert_eq!(body(&reply)["code"], code);
        };
        let (world, login) = logged_in();
        refused(&world, "x", "refresh_token_invalid");
        refused(&world, &"x".repeat(5000), "refresh_token_invalid");
        refused(&world, &login.access, "refresh_token_invalid");
        let first = world.refresh_after(HOUR, &login);
        let second = world.refresh_after(HOUR, &first);
        world.refresh_after(HOUR, &second);
        refused(&world, &login.refresh, "refresh_token_reused");
        refused(&world, &second.refresh, "session_revoked");
        let (world, login) = logged_in();
        world.pass(400 * DAY);
        refused(&world, &login.refresh, "refresh_token_expired");
    }
}

#[test]
fn a_fault_of_ours_is_never_an_invalid_grant() {
    let (world, login) = logged_in();
    for path in TOKEN_PATHS {
        world.inject(reads(Trouble::Fails).times(1));
        let reply = world.grant(path, &login.refresh);
        expect_oauth(&reply, 503, "temporarily_unavailable");
        assert!(header(&reply, "Retry-After").is_some());
        let broken = world.here_with(&[("ACCESS_TOKEN_SECONDS", "1")]);
        expect_oauth(&broken.grant(path, &login.refresh), 500, "server_error");
    }
    assert_eq!(world.grant("/oauth/token", &login.refresh).status, 200);
}

#[rstest]
fn a_revoked_token_of_either_kind_ends_its_session(
    #[values(Kv, DurableObjects)] store: SessionStore,
    #[values(true, false)] is_refresh_token: bool,
    #[values(0, HOUR + 1)] wait: u64,
) {
    use_store(store);
    let (world, login) = logged_in();
    world.pass(wait);
    let token = if is_refresh_token {
        &login.refresh
    } else {
        &login.access
    };
    let form = format!("token={token}&token_type_hint=access_token&client_id=app");
    let reply = world.form("/oauth/revoke", &form);
    assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    world.refuses(&login, REVOKED);
    world.operations();
    assert_eq!(world.form("/oauth/revoke", &form).status, 200);
    assert!(world.operations().writes.is_empty());
}

#[test]
fn a_token_that_is_not_ours_counts_as_revoked() {
    let (world, login) = logged_in();
    for token in ["x", &"x".repeat(5000), &format!("{}x", login.refresh)] {
        assert_eq!(
            world
                .form("/oauth/revoke", &format!("token={token}"))
                .status,
            200
        );
    }
    for form in [
        "",
        "token=",
        "token={{accessToken}}",
        "token=a&token=b",
        r#"{"token":"a"}"#,
    ] {
        expect_oauth(&world.form("/oauth/revoke", form), 400, "invalid_request");
    }
    let in_url = format!("/oauth/revoke?token={}", login.refresh);
    expect_oauth(&world.form(&in_url, "token=x"), 400, "invalid_request");
    world.inject(next_writes(9, Trouble::Fails));
    let reply = world.form("/oauth/revoke", &format!("token={}", login.refresh));
    expect_oauth(&reply, 503, "temporarily_unavailable");
}

#[rstest]
fn only_an_access_token_of_a_live_session_is_active(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let inactive = json!({"active": false});
    let (world, login) = logged_in();
    for token in ["x", &login.refresh, &login.access[1..], &"x".repeat(5000)] {
        assert_eq!(world.introspect(token), inactive);
    }
    let report = world.introspect(&login.access);
    let issued_at = world.now() / 1000;
    let expected = json!({
        "active": true, "token_type": "Bearer", "sub": "ada", "sid": login.session,
        "iss": "https://api.example.com", "aud": "https://api.example.com",
        "iat": issued_at, "exp": issued_at + 3600, "jti": report["jti"], "role": "admin",
    });
    assert_eq!(report, expected);
    world.pass(HOUR);
    assert_eq!(world.introspect(&login.access), inactive);
    let fresh = world.refresh(&login);
    assert_eq!(world.introspect(&fresh.access)["active"], true);
    world.log_out(&fresh);
    assert_eq!(world.introspect(&fresh.access), inactive);
}

#[test]
fn a_claim_of_the_session_cannot_speak_for_the_token() {
    let world = World::new();
    let claims = json!({"active": false, "token_type": "none"});
    let login = tokens(&world.open(&json!({"userId": "ada", "claims": claims})));
    let report = world.introspect(&login.access);
    assert_eq!(
        (&report["active"], &report["token_type"]),
        (&json!(true), &json!("Bearer"))
    );
}

#[test]
fn introspection_takes_the_service_key_as_bearer_or_as_the_password_of_basic() {
    let key = "a+service:key/of 32 bytes & more%";
    let world = World::with(&[("service_key", key)]);
    let login = tokens(&world.form_as("/auth/session", Some(&bearer(key)), r#"{"userId":"ada"}"#));
    let form = format!("token={}", login.access);
    let ask = |header: Option<&str>| world.form_as("/oauth/introspect", header, &form);
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    for header in [
        bearer(key),
        basic(&format!("api:{key}")),
        basic(&format!("api:{encoded}")),
    ] {
        assert_eq!(body(&ask(Some(&header)))["active"], true, "{header}");
    }
    let wrong = [
        bearer("another"),
        bearer(&login.access),
        basic("api:another"),
        basic(key),
        basic(&format!("{key}:")),
        "Basic".into(),
    ];
    for header in wrong.iter().map(|it| Some(it.as_str())).chain([None]) {
        let reply = ask(header);
        expect_oauth(&reply, 401, "invalid_client");
        expect_error(&reply, SERVICE_KEY_INVALID);
        let challenge = crate::client::header(&reply, "WWW-Authenticate").expect("a challenge");
        assert!(
            challenge.contains("Bearer") && challenge.contains("Basic"),
            "{challenge}"
        );
    }
    assert_eq!(world.lines("service_key_invalid").len(), 7);
    let without = World::with(&[("service_key", "")]);
    let reply = without.form_as("/oauth/introspect", Some(&basic("api:")), &form);
    expect_oauth(&reply, 401, "invalid_client");
}

#[test]
fn a_store_that_fails_does_not_make_a_token_inactive() {
    let (world, login) = logged_in();
    world.inject(reads(Trouble::Fails));
    let form = format!("token={}", login.access);
    let reply = world.form_as("/oauth/introspect", Some(&bearer(SERVICE_KEY)), &form);
    expect_oauth(&reply, 503, "temporarily_unavailable");
}

#[test]
fn userinfo_has_the_standard_claims_of_an_account() {
    let world = World::new();
    let login = world.sign_up();
    let id = body(&world.me(&login))["id"].clone();
    let info = |access: &str| body(&world.get("/oauth/userinfo", access));
    let expected = json!({"sub": id, "email": EMAIL, "email_verified": false, "name": "Ada"});
    assert_eq!(info(&login.access), expected);
    world.rename(&login, &json!({"name": null}));
    assert_eq!(info(&login.access).get("name"), None);
}

#[test]
fn userinfo_of_another_back_end_s_user_is_what_that_has_said() {
    let world = World::new();
    let claims = json!({"email": EMAIL, "name": "Ada", "role": "admin"});
    let login = tokens(&world.open(&json!({"userId": "ada", "claims": claims})));
    let info = world.get("/oauth/userinfo", &login.access);
    assert_eq!(
        body(&info),
        json!({"sub": "ada", "email": EMAIL, "name": "Ada"})
    );
    let bare = world.open_for("bob");
    assert_eq!(
        body(&world.get("/oauth/userinfo", &bare.access)),
        json!({"sub": "bob"})
    );
}

#[test]
fn userinfo_challenges_as_rfc_6750_has_it() {
    let (world, login) = logged_in();
    let refused = |header: Option<&str>, challenge: &str| {
        let reply = world.answer(&call(Method::Get, "/oauth/userinfo", header, ""));
        expect_oauth(&reply, 401, "invalid_token");
        assert_eq!(
            crate::client::header(&reply, "WWW-Authenticate"),
            Some(challenge)
        );
    };
    let invalid = r#"Bearer error="invalid_token""#;
    refused(None, "Bearer");
    refused(Some("Bearer x"), invalid);
    world.log_out(&login);
    refused(Some(&bearer(&login.access)), invalid);
    let unfilled = call(
        Method::Get,
        "/oauth/userinfo",
        Some("Bearer {{accessToken}}"),
        "",
    );
    let reply = world.answer(&unfilled);
    expect_oauth(&reply, 400, "invalid_request");
    expect_error(&reply, INVALID_REQUEST);
}
