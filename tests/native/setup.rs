//! What a worker that is not set up says.

use serde_json::json;
use tokenkeep::{http::method::Method, token::access::ISSUER_BYTES};
use tokenkeep_world::trouble::Store;

use crate::{
    client::{REFRESH_SECRET, Tokens, bearer, body, call, expect_error, header, logged_in, tokens},
    codes::{INVALID_REQUEST, MISCONFIGURED, REFRESH_INVALID},
    world::{HOUR, World, all_fail},
};

/// 257 bytes.
const TOO_LONG: &str = concat!(
    "https://an-issuer.example.com/with-a-path-that-somebody-has-made-much-too-long/",
    "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-",
    "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-xx"
);

fn health(world: &World) -> (u16, serde_json::Value) {
    let reply = world.answer(&call(Method::Get, "/health", None, ""));
    (reply.status, body(&reply))
}

/// A world with these settings, and a session in it from before they were changed.
fn logged_in_and_then(settings: &[(&str, &str)]) -> (World, Tokens) {
    let (before, login) = logged_in();
    let world = World::with(settings);
    let key = format!("service:ada:{}", login.session);
    let stored = before.entry(&key).expect("written").value;
    world.put(&key, &serde_json::from_str(&stored).expect("JSON"));
    (world, login)
}

#[test]
fn a_worker_with_valid_settings_is_healthy() {
    let (status, body) = health(&World::new());
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "checks": {"accounts": "ok", "config": "ok", "flood": "ok", "guard": "ok", "lists": "ok", "requests": "ok", "sessions": "ok"},
            "settings": {
                "refresh_token_secret": "ok",
                "refresh_token_secret_previous": "not set",
                "access_token_secret": "not set",
                "access_token_secret_previous": "not set",
                "access_token_private_key": "not set",
                "access_token_private_key_previous": "not set",
                "service_key": "ok",
                "ACCESS_TOKEN_SECONDS": "ok",
                "ACCESS_TOKEN_TYP": "ok",
                "ACCESS_TOKEN_ROLE": "not set",
                "ACCESS_TOKEN_CLAIMS": "not set",
                "SESSION_IDLE_SECONDS": "ok",
                "SESSION_MAX_SECONDS": "ok",
                "SESSION_STORE": "ok",
                "SESSIONS_PER_USER": "not set",
                "SIGN_UP": "ok",
                "SIGN_UPS_PER_HOUR": "not set",
                "ACCOUNT_LOCATION": "ok",
                "ISSUER": "not set",
                "AUDIENCE": "not set",
                "CORS_ALLOWED_ORIGINS": "ok",
                "EMAIL_VERIFICATION": "ok",
                "MAIL": "not set",
                "MAIL_FROM": "not set",
                "MAIL_LANGUAGE": "ok",
                "MAIL_WEBHOOK_URL": "not set",
                "APP_NAME": "not set",
                "resend_api_key": "not set",
                "brevo_api_key": "not set",
                "postmark_token": "not set",
                "mail_webhook_key": "not set",
            },
            "accessTokenSeconds": 3600,
        })
    );
}

#[test]
fn every_problem_is_reported_at_once_without_its_value() {
    let world = World::with(&[
        ("refresh_token_secret", ""),
        ("access_token_secret", "hunter2"),
        ("service_key", ""),
        ("ACCESS_TOKEN_SECONDS", "7200"),
        ("SESSION_IDLE_SECONDS", "soon"),
        ("SESSION_STORE", "redis"),
        ("SESSIONS_PER_USER", "0"),
        ("SIGN_UP", "perhaps"),
        ("ACCOUNT_LOCATION", "atlantis"),
        ("CORS_ALLOWED_ORIGINS", "app.example.com"),
    ]);
    let (status, body) = health(&world);
    assert_eq!(status, 503);
    let settings = body["settings"].as_object().expect("settings");
    for (name, told) in settings {
        let told = told.as_str().expect("text");
        let expected = match name.as_str() {
            "refresh_token_secret" => "the secret refresh_token_secret is not set",
            "access_token_secret" => "the secret access_token_secret ",
            "SESSION_IDLE_SECONDS" => "the var SESSION_IDLE_SECONDS must be",
            "ACCOUNT_LOCATION" => "the var ACCOUNT_LOCATION must be one of wnam, ",
            "SESSION_STORE" => "the var SESSION_STORE must be \"kv\" or \"durable_objects\"",
            "SESSIONS_PER_USER" => "the var SESSIONS_PER_USER must be a whole number from 1 to",
            "SIGN_UP" => "the var SIGN_UP must be",
            "CORS_ALLOWED_ORIGINS" => "the var CORS_ALLOWED_ORIGINS must list origins",
            "ACCESS_TOKEN_SECONDS"
            | "ACCESS_TOKEN_TYP"
            | "SESSION_MAX_SECONDS"
            | "EMAIL_VERIFICATION"
            | "MAIL_LANGUAGE" => "ok",
            _ => "not set",
        };
        assert!(told.starts_with(expected), "{name}: {told}");
    }
    for value in [
        "hunter2",
        "soon",
        "perhaps",
        "redis",
        "atlantis",
        "\"app.example.com",
    ] {
        assert!(!body.to_string().contains(value), "{value} in {body}");
    }
    assert_eq!(body["accessTokenSeconds"], 7200);
}

#[test]
fn one_secret_for_both_kinds_of_tokens_is_reported_for_the_second() {
    let world = World::with(&[("access_token_secret", REFRESH_SECRET)]);
    let (_, body) = health(&world);
    assert_eq!(body["settings"]["refresh_token_secret"], "ok");
    let told = body["settings"]["access_token_secret"].to_string();
    assert!(told.contains("contain the same secret"), "{told}");
}

#[test]
fn a_database_without_guards_or_guards_without_a_database_are_a_mistake() {
    for (missing, check) in [("ACCOUNT_GUARD", "guard"), ("DB", "accounts")] {
        let world = World::new();
        world.unbind(missing);
        let (status, body) = health(&world);
        let reported = json!(format!("{missing} is not bound"));
        assert_eq!((status, &body["checks"][check]), (503, &reported));
    }
    let world = World::new();
    world.unbind("DB");
    world.unbind("ACCOUNT_GUARD");
    let (status, body) = health(&world);
    let checks = json!({"config": "ok", "lists": "ok", "requests": "ok", "sessions": "ok"});
    assert_eq!((status, &body["checks"]), (200, &checks));
}

#[test]
fn what_is_missing_weak_or_out_of_range_is_named() {
    for (name, value) in [
        ("refresh_token_secret", ""),
        ("refresh_token_secret", "short"),
        ("access_token_secret", REFRESH_SECRET),
        ("refresh_token_secret_previous", "short"),
        ("SESSION_MAX_SECONDS", "1"),
        ("SESSION_IDLE_SECONDS", "soon"),
        ("ACCESS_TOKEN_SECONDS", "0"),
        ("ISSUER", TOO_LONG),
        ("AUDIENCE", TOO_LONG),
    ] {
        let world = World::with(&[(name, value)]);
        let reply = world.post("/auth/token", &json!({"refreshToken": "x"}));
        expect_error(&reply, MISCONFIGURED);
        let message = body(&reply)["message"].to_string();
        assert!(message.contains(name), "{message}");
        let (status, body) = health(&world);
        assert_eq!(status, 503);
        assert!(
            body["checks"]["config"].to_string().contains(name),
            "{body}"
        );
    }
}

#[test]
fn a_weak_service_key_stops_new_sessions_and_nothing_else() {
    let (world, login) = logged_in_and_then(&[("service_key", "short")]);
    let reply = world.open(&json!({"userId": "ada"}));
    expect_error(&reply, MISCONFIGURED);
    assert!(reply.body.contains("npx tokenkeep secret service_key"));
    assert_eq!(health(&world).0, 503);
    world.gives(&login, &login);
    assert_eq!(world.me(&login).status, 200);
}

#[test]
fn what_is_wrong_is_fixed_where_the_worker_runs() {
    for (setting, online, at_home) in [
        (
            ("service_key", "short"),
            "npx tokenkeep secret service_key",
            r#"the line service_key=\"…\" in .dev.vars and start the worker again"#,
        ),
        (
            ("SIGN_UP", "perhaps"),
            "Fix it in wrangler.toml and deploy again",
            "Fix it in wrangler.toml or .dev.vars and start the worker again",
        ),
    ] {
        let (world, _) = logged_in_and_then(&[setting]);
        for (origin, fix, other) in [
            ("https://api.example.com", online, at_home),
            ("http://127.0.0.1:8787", at_home, online),
            ("http://localhost:8787", at_home, online),
        ] {
            let mut health = call(Method::Get, "/health", None, "");
            health.origin = origin.into();
            let mut open = call(Method::Post, "/auth/session", None, r#"{"userId":"ada"}"#);
            open.origin = origin.into();
            for told in [world.answer(&health).body, world.answer(&open).body] {
                assert!(told.contains(fix), "{told}");
                assert!(!told.contains(other), "{told}");
            }
        }
    }
}

#[test]
fn a_rate_limit_that_is_not_bound_is_reported_and_is_no_failure() {
    for (binding, check) in [
        ("ATTEMPTS", "flood"),
        ("REQUESTS", "requests"),
        ("LISTS", "lists"),
    ] {
        let (world, login) = logged_in();
        world.unbind(binding);
        let (status, body) = health(&world);
        assert_eq!((status, &body["status"]), (200, &json!("ok")));
        assert_eq!(body["checks"][check], "not bound");
        assert_eq!(world.get("/auth/sessions", &login.access).status, 200);
    }
}

#[test]
fn the_largest_access_token_of_the_longest_settings_is_taken() {
    let longest = "i".repeat(ISSUER_BYTES);
    let quotes = "\"".repeat(ISSUER_BYTES / 2);
    let world = World::with(&[("ISSUER", &longest), ("AUDIENCE", &quotes)]);
    let claims = json!({"text": "x".repeat(2048 - r#"{"text":""}"#.len())});
    let user = json!({"userId": "u".repeat(128), "claims": claims});
    let login = tokens(&world.open(&user));
    assert!(login.access.len() > 3_800, "{}", login.access.len());
    assert_eq!(world.me(&login).status, 200);

    for (name, text) in [("ISSUER", longest), ("AUDIENCE", quotes)] {
        let world = World::with(&[(name, &(text + "/"))]);
        let reply = world.post("/auth/token", &json!({"refreshToken": "x"}));
        expect_error(&reply, MISCONFIGURED);
        let (_, body) = health(&world);
        let told = body["settings"][name].to_string();
        assert!(told.contains("at most 256 bytes"), "{told}");
    }
}

#[test]
fn a_store_that_fails_is_named() {
    for (store, check) in [(Store::Kv, "sessions"), (Store::D1, "accounts")] {
        let world = World::new();
        world.inject(all_fail(store));
        let (status, body) = health(&world);
        let failed = json!("the store failed");
        assert_eq!((status, &body["checks"][check]), (503, &failed));
    }
}

#[test]
fn a_new_secret_can_be_generated_before_one_is_set() {
    let world = World::with(&[("refresh_token_secret", "")]);
    let new = |method| body(&world.answer(&call(method, "/generate_jwt_secret", None, "")));
    let [one, two] = [new(Method::Get), new(Method::Post)];
    assert_eq!(one["name"], "refresh_token_secret");
    assert_eq!(one["command"], "npx tokenkeep secret refresh_token_secret");
    assert_eq!(one["secret"].as_str().map(str::len), Some(86));
    assert_ne!(one["secret"], two["secret"]);
}

#[test]
fn plain_http_is_refused_where_the_worker_is_public() {
    let (world, login) = logged_in();
    let to = |origin: &str| {
        let mut request = call(Method::Get, "/auth/me", Some(&bearer(&login.access)), "");
        request.origin = origin.into();
        world.answer(&request)
    };
    let reply = to("http://api.example.com");
    expect_error(&reply, INVALID_REQUEST);
    assert!(body(&reply)["message"].to_string().contains("https://"));
    let hsts = "Strict-Transport-Security";
    assert_eq!(header(&reply, hsts), None);
    let mut health = call(Method::Get, "/health", None, "");
    health.origin = "http://api.example.com".into();
    assert_eq!(world.answer(&health).status, 200);
    let reply = to("http://127.0.0.1:8787");
    assert_eq!((reply.status, header(&reply, hsts)), (200, None));
    let reply = to("https://api.example.com");
    assert_eq!(
        (reply.status, header(&reply, hsts)),
        (200, Some("max-age=31536000"))
    );
}

#[test]
fn a_secret_is_changed_in_three_steps_while_another_place_is_a_step_behind() {
    const NEW: &str = "a-new-refresh-secret-of-at-least-32-bytes";
    let both = format!("{REFRESH_SECRET} {NEW}");
    let before: &[(&str, &str)] = &[];
    let announced: &[(&str, &str)] = &[("refresh_token_secret_previous", &both)];
    let current: &[(&str, &str)] = &[
        ("refresh_token_secret", NEW),
        ("refresh_token_secret_previous", &both),
    ];
    let dropped: &[(&str, &str)] = &[("refresh_token_secret", NEW)];
    let world = World::with(before);
    let mut login = world.log_in();
    for (behind, ahead) in [(before, announced), (announced, current)] {
        let [behind, ahead] = [behind, ahead].map(|settings| world.elsewhere(settings));
        for place in [&ahead, &behind, &ahead, &behind, &ahead] {
            assert_eq!(place.me(&login).status, 200);
            world.pass(HOUR / 2);
            login = place.refresh(&login);
        }
        let anew = ahead.log_in();
        assert_eq!(behind.me(&anew).status, 200);
        behind.refresh(&anew);
    }
    // By now every token in use is signed with the new secret.
    let [current, dropped] = [current, dropped].map(|settings| world.elsewhere(settings));
    assert_eq!(dropped.me(&login).status, 200);
    let login = dropped.refresh(&login);
    assert_eq!(current.me(&login).status, 200);

    // Without the announcement, a place that is behind refuses what another one has just signed.
    let behind = world.elsewhere(before);
    behind.refuses(&login, REFRESH_INVALID);
}

#[test]
fn an_earlier_secret_still_lets_its_users_in_and_they_get_tokens_of_the_new_one() {
    let (changed, login) = logged_in_and_then(&[
        (
            "refresh_token_secret",
            "a-new-refresh-secret-of-at-least-32-bytes",
        ),
        ("refresh_token_secret_previous", REFRESH_SECRET),
    ]);
    assert_eq!(changed.me(&login).status, 200);
    let answer = changed.refresh(&login);
    assert_ne!(answer.refresh, login.refresh);
    changed.gives(&answer, &answer);
}
