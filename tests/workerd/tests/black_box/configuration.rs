//! Settings that are missing, weak, odd or changed: what is wrong is named with the way to mend
//! it, and what is right goes on working.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::Client,
    tokens::{RefreshClaims, is_signed_with},
    workerd::{SECRET_MARK, Settings, Workerd},
};

const REFRESH_SECRET: &str = "refresh_token_secret";
const ACCESS_SECRET: &str = "access_token_secret";
const PREVIOUS: &str = "refresh_token_secret_previous";
const PUT_REFRESH_SECRET: &str = "npx wrangler secret put refresh_token_secret";

/// Bad settings, the name that the answer must have in it, and the command that mends it.
fn misconfigured() -> Vec<(Settings, &'static str, &'static str)> {
    let fresh = Settings::fresh;
    let short = &format!("{SECRET_MARK:-<31}");
    let same = fresh();
    let same_refresh_secret = same.refresh_secret.clone();
    let mut rows = vec![
        (
            fresh().without(REFRESH_SECRET),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            fresh().with(REFRESH_SECRET, ""),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            fresh().with(REFRESH_SECRET, " \n"),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            fresh().with(REFRESH_SECRET, short),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            fresh().with(REFRESH_SECRET, &format!("{short}{}", "\n ".repeat(9))),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            fresh().with(REFRESH_SECRET, r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#),
            REFRESH_SECRET,
            PUT_REFRESH_SECRET,
        ),
        (
            same.with(ACCESS_SECRET, &format!("{same_refresh_secret}\n")),
            ACCESS_SECRET,
            "npx wrangler secret put access_token_secret",
        ),
        (
            fresh().with(ACCESS_SECRET, short),
            ACCESS_SECRET,
            "npx wrangler secret put access_token_secret",
        ),
        (
            fresh().with(PREVIOUS, short),
            PREVIOUS,
            "npx wrangler secret put refresh_token_secret_previous",
        ),
    ];
    for (name, bad) in [
        (
            "ACCESS_TOKEN_SECONDS",
            ["0", "-60", "1h", "1e3", "99999999"],
        ),
        (
            "SESSION_IDLE_SECONDS",
            ["0", "599", "90d", "34560001", "99999999999999999999"],
        ),
        ("SESSION_MAX_SECONDS", ["0", "-1", "x", "34560001", "0x60"]),
    ] {
        for text in bad {
            rows.push((fresh().with(name, text), name, "cargo xtask deploy"));
        }
    }
    rows.push((
        fresh().with_number("SESSION_MAX_SECONDS", 34_560_001),
        "SESSION_MAX_SECONDS",
        "cargo xtask deploy",
    ));
    rows
}

#[test]
fn what_is_missing_weak_or_out_of_range_is_named_and_logs_nobody_out() {
    let rows = misconfigured();
    let settings: Vec<Settings> = rows.iter().map(|row| row.0.clone()).collect();
    let workerd = Workerd::start(&settings);
    for (client, (settings, name, command)) in workerd.clients.iter().zip(&rows) {
        for answer in [
            client.refresh("x"),
            client.log_out("x"),
            client.me("x"),
            client.open_session(&json!({"userId": "ada"})),
        ] {
            answer.assert_error(500, "misconfigured");
            assert_names(&answer.text, name, settings);
            assert!(answer.text.contains(command), "{name}: {}", answer.text);
        }
        let health = client.get("/health");
        assert_eq!(health.status, 503, "{name}: {}", health.text);
        assert_names(&health.text, name, settings);
        // Whoever has to mend it needs a new secret and a readable answer.
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
fn without_a_good_service_key_users_are_served_and_nobody_can_open_sessions() {
    let good = Settings::fresh();
    let with_secret = || Settings::fresh().with(REFRESH_SECRET, &good.refresh_secret);
    let workerd = Workerd::start(&[
        good.clone(),
        with_secret().without("service_key"),
        with_secret().with("service_key", "\n"),
        with_secret().with("service_key", "short"),
    ]);
    let session = workerd.clients[0].new_session();
    let [_, missing, blank, short] = workerd.clients.as_slice() else {
        unreachable!("four settings")
    };
    let bodies = || json!({"userId": "ada"});
    for client in [missing, blank] {
        client
            .open_session(&bodies())
            .assert_error(401, "service_key_invalid");
    }
    let answer = short.open_session(&bodies());
    answer.assert_error(500, "misconfigured");
    assert!(answer.text.contains("npx wrangler secret put service_key"));
    assert_eq!(short.get("/health").status, 503);
    for client in [missing, blank, short] {
        assert_eq!(client.refresh(&session.refresh).status, 200);
        assert_eq!(client.me(&session.access).status, 200);
    }
}

#[test]
fn a_secret_is_taken_without_white_space_at_its_ends_and_as_a_jwk() {
    let good = Settings::fresh();
    let secret = &good.refresh_secret;
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)}).to_string();
    let with_secret = |text: &str| {
        let padded_key = format!("{}\r\n", good.service_key);
        good.clone()
            .with(REFRESH_SECRET, text)
            .with("service_key", &padded_key)
    };
    let workerd = Workerd::start(&[
        good.clone(),
        with_secret(&format!("{secret}\n")),
        with_secret(&format!("{secret}\r\n")),
        with_secret(&format!(" \t{secret} ")),
        with_secret(&jwk),
        with_secret(&format!("{jwk}\n")),
    ]);
    let session = workerd.clients[0].new_session();
    for client in &workerd.clients {
        let refreshed = client.refresh(&session.refresh).tokens();
        assert_eq!(refreshed.refresh, session.refresh);
        assert_eq!(client.me(&session.access).status, 200);
        assert_eq!(client.get("/health").status, 200);
        drop(client.new_session());
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
fn a_session_outlives_a_change_of_the_secret() {
    let before = Settings::fresh();
    let older = Settings::fresh();
    let after = |previous: &str| Settings::fresh().with(PREVIOUS, previous);
    let both = format!("{} \n{}", older.refresh_secret, before.refresh_secret);
    let all = [
        before.clone(),
        after(&before.refresh_secret),
        after(&both),
        after(&older.refresh_secret),
    ];
    let workerd = Workerd::start(&all);
    let session = workerd.clients[0].new_session();
    for index in [1, 2] {
        let client = &workerd.clients[index];
        let refreshed = client.refresh(&session.refresh).tokens();
        let now = RefreshClaims::read(&refreshed.refresh, &all[index].refresh_secret);
        let then = RefreshClaims::read(&session.refresh, &before.refresh_secret);
        assert_eq!(now, then, "the same place, signed anew");
        assert!(!is_signed_with(
            &refreshed.refresh,
            before.refresh_secret.as_bytes()
        ));
        assert_eq!(client.refresh(&refreshed.refresh).status, 200);
        // The derived key of the earlier secret is still good for checking, too.
        assert_eq!(client.me(&session.access).status, 200);
        assert_eq!(client.me(&refreshed.access).status, 200);
        // The other way round there is no trust.
        workerd.clients[0]
            .refresh(&refreshed.refresh)
            .assert_error(401, "refresh_token_invalid");
    }
    workerd.clients[3]
        .refresh(&session.refresh)
        .assert_error(401, "refresh_token_invalid");
    workerd.clients[3]
        .me(&session.access)
        .assert_error(401, "access_token_invalid");
}

#[test]
fn an_access_token_outlives_a_change_of_its_secret() {
    // Earlier secrets are separated by white space, so there is none within.
    let secret = "the-access-secret-of-the-tests-before";
    let before = Settings::fresh().with(ACCESS_SECRET, secret);
    let changed = before
        .clone()
        .with(ACCESS_SECRET, "the-access-secret-of-the-tests-after");
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
                json!({"name": REFRESH_SECRET, "secret": secret, "command": PUT_REFRESH_SECRET})
            );
            assert_eq!(
                URL_SAFE_NO_PAD.decode(&secret).map(|bytes| bytes.len()),
                Ok(64)
            );
            assert!(!seen.contains(&secret));
            seen.push(secret);
        }
    }
    // It works as it is given out.
    let secret = seen.pop().expect("a secret");
    let settings = Settings::fresh().with(REFRESH_SECRET, &secret);
    let workerd = Workerd::start(&[settings]);
    let session = workerd.clients[0].new_session();
    assert!(is_signed_with(&session.refresh, secret.as_bytes()));
}
