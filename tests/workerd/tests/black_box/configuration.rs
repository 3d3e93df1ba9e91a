//! Settings that are missing, weak, odd or changed: what is wrong is named with the way to fix
//! it, and what is right goes on working.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::Client,
    workerd::{SECRET_MARK, Settings, Workerd},
};

const REFRESH_SECRET: &str = "refresh_token_secret";
const ACCESS_SECRET: &str = "access_token_secret";

/// Bad settings, the name that the answer must have in it, and the fix on a computer of one's own: one
/// for each way that the runtime hands a setting over.
fn misconfigured() -> [(Settings, &'static str, &'static str); 4] {
    let fresh = Settings::fresh;
    let short = &format!("{SECRET_MARK:-<31}");
    let maximum = "SESSION_MAX_SECONDS";
    let file = "Fix it in wrangler.toml or .dev.vars and start the worker again.";
    [
        (
            fresh().without(REFRESH_SECRET),
            REFRESH_SECRET,
            "Add or replace the line refresh_token_secret=",
        ),
        (
            fresh().with(ACCESS_SECRET, short),
            ACCESS_SECRET,
            "Add or replace the line access_token_secret=",
        ),
        (fresh().with(maximum, "34560001"), maximum, file),
        (fresh().with_number(maximum, 34_560_001), maximum, file),
    ]
}

#[test]
fn what_is_missing_weak_or_out_of_range_is_named_and_logs_nobody_out() {
    let rows = misconfigured();
    let settings = rows.clone().map(|row| row.0);
    let workerd = Workerd::start(&settings);
    for (client, (settings, name, fix)) in workerd.clients.iter().zip(&rows) {
        for answer in [
            client.refresh("x"),
            client.log_out("x"),
            client.me("x"),
            client.open_session(&json!({"userId": "ada"})),
        ] {
            answer.assert_error(500, "misconfigured");
            assert_names(&answer.text, name, settings);
            assert!(answer.text.contains(fix), "{name}: {}", answer.text);
        }
        let health = client.get("/health");
        assert_eq!(health.status, 503, "{name}: {}", health.text);
        assert_names(&health.text, name, settings);
        // Whoever has to fix it needs a new secret and a readable answer.
        assert_eq!(client.get("/generate_jwt_secret").status, 200);
        assert_eq!(client.get("/nowhere").status, 404);
    }
}

fn assert_names(text: &str, name: &str, settings: &Settings) {
    assert!(text.contains(name), "{name} is not in {text}");
    for secret in [SECRET_MARK, &settings.refresh_secret, &settings.service_key] {
        assert!(!text.contains(secret), "a secret is in {text}");
    }
}

#[test]
fn a_var_of_an_earlier_release_is_ignored() {
    let workerd = Workerd::start(&[Settings::fresh().with("SETUP_PAGE", "of")]);
    let client = &workerd.clients[0];
    assert_eq!(client.refresh(&client.new_session().refresh).status, 200);
    let health = client.get("/health");
    assert_eq!(health.status, 200, "{}", health.text);
    assert!(!health.text.contains("SETUP_PAGE"), "{}", health.text);
}

#[test]
fn an_access_token_outlives_a_change_of_its_secret() {
    // Earlier secrets are separated by white space, so there is none within.
    let secret = "the-access-secret-of-the-tests-before-1234";
    let before = Settings::fresh().with(ACCESS_SECRET, secret);
    let changed = before
        .clone()
        .with(ACCESS_SECRET, "the-access-secret-of-the-tests-after-1234");
    let with_previous = changed.clone().with("access_token_secret_previous", secret);
    let workerd = Workerd::start(&[before, with_previous, changed]);
    let session = workerd.clients[0].new_session();
    assert_eq!(workerd.clients[1].me(&session.access).status, 200);
    workerd.clients[2]
        .me(&session.access)
        .assert_error(401, "access_token_invalid");
    for client in &workerd.clients {
        assert_eq!(client.refresh(&session.refresh).status, 200);
    }
}

#[test]
fn numbers_may_be_numbers_and_ranges_include_their_ends() {
    let workerd = Workerd::start(&[
        Settings::fresh().with_number("ACCESS_TOKEN_SECONDS", 60),
        Settings::fresh()
            .with("SESSION_MAX_SECONDS", "34560000")
            .with("SESSION_IDLE_SECONDS", " 34560000\n"),
        Settings::fresh()
            .without("ACCESS_TOKEN_SECONDS")
            .without("SESSION_IDLE_SECONDS")
            .without("SESSION_MAX_SECONDS")
            .without("CORS_ALLOWED_ORIGINS"),
    ]);
    let expires_in = |client: &Client| {
        let opened = client.open_session(&json!({"userId": "ada"}));
        assert_eq!(client.refresh(&opened.tokens().refresh).status, 200);
        opened.json()["expiresIn"].clone()
    };
    assert_eq!(expires_in(&workerd.clients[0]), 60);
    assert_eq!(expires_in(&workerd.clients[1]), 3600);
    assert_eq!(expires_in(&workerd.clients[2]), 3600);
}

#[test]
fn a_store_that_is_not_bound_or_not_reached_logs_nobody_out() {
    let good = Settings::fresh();
    let workerd = Workerd::start(&[
        good.clone(),
        good.clone().with_unreachable_store(),
        good.clone().without_store(),
    ]);
    let session = workerd.clients[0].new_session();
    let refusals = [(503, "temporarily_unavailable"), (500, "misconfigured")];
    for (client, (status, code)) in workerd.clients[1..].iter().zip(refusals) {
        for answer in [
            client.refresh(&session.refresh),
            client.log_out(&session.refresh),
            client.me(&session.access),
            client.open_session(&json!({"userId": "ada"})),
        ] {
            answer.assert_error(status, code);
            assert_eq!(answer.text.contains("SESSIONS is not bound"), status == 500);
        }
        let health = client.get("/health");
        assert_eq!(health.status, 503, "{}", health.text);
        assert_ne!(health.json()["checks"]["sessions"], "ok");
        // What needs no store is told apart without it.
        client
            .refresh("x")
            .assert_error(401, "refresh_token_invalid");
        client.me("x").assert_error(401, "access_token_invalid");
        client.refresh("").assert_invalid(Some("refreshToken"));
    }
}

#[test]
fn a_new_secret_is_new_every_time_and_needs_no_settings() {
    let in_use = Settings::fresh();
    let workerd = Workerd::start(&[
        in_use.clone(),
        in_use
            .clone()
            .without(REFRESH_SECRET)
            .without("service_key")
            .without_store(),
    ]);
    let mut seen = vec![in_use.refresh_secret, in_use.service_key];
    for client in &workerd.clients {
        for answer in [
            client.get("/generate_jwt_secret"),
            client.get("/generate_jwt_secret"),
            client.post("/generate_jwt_secret", &Value::Null),
            client.post_bytes("/generate_jwt_secret", b"not json"),
        ] {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let secret = answer.json()["secret"].as_str().expect("text").to_owned();
            assert_eq!(
                answer.json(),
                json!({"name": REFRESH_SECRET, "secret": secret, "command": "npx tokenkeep secret refresh_token_secret"})
            );
            assert_eq!(
                URL_SAFE_NO_PAD.decode(&secret).map(|bytes| bytes.len()),
                Ok(64)
            );
            assert!(!seen.contains(&secret));
            seen.push(secret);
        }
    }
}
