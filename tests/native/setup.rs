//! What a worker that is not set up says.

use serde_json::json;
use tokenkeep::route::Method;

use crate::world::{Mood, World, body, call, expect_error};

fn health(world: &World) -> (u16, serde_json::Value) {
    let reply = world.answer(&call(Method::Get, "/health", None, ""));
    (reply.status, body(&reply))
}

#[test]
fn a_worker_in_order_is_healthy() {
    let (status, body) = health(&World::new());
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"), "checks": {"accounts": "ok", "config": "ok", "sessions": "ok"}})
    );
}

#[test]
fn what_is_missing_weak_or_out_of_range_is_named() {
    for (name, value) in [
        ("refresh_token_secret", ""),
        ("refresh_token_secret", "short"),
        ("access_token_secret", crate::world::REFRESH_SECRET),
        ("refresh_token_secret_previous", "short"),
        ("SESSION_MAX_SECONDS", "1"),
        ("SESSION_IDLE_SECONDS", "soon"),
        ("ACCESS_TOKEN_SECONDS", "0"),
    ] {
        let world = World::with(&[(name, value)]);
        let reply = world.post("/auth/token", &json!({"refreshToken": "x"}));
        expect_error(&reply, 500, "misconfigured");
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
fn a_store_that_fails_is_named() {
    let world = World::new();
    world.reads_are(Mood::Failing);
    let (status, body) = health(&world);
    assert_eq!(
        (status, &body["checks"]["sessions"]),
        (503, &json!("the store failed"))
    );
}

#[test]
fn a_table_of_accounts_that_fails_is_named() {
    let world = World::new();
    world.accounts_fail(true);
    let (status, body) = health(&world);
    assert_eq!(
        (status, &body["checks"]["accounts"]),
        (503, &json!("the store failed"))
    );
}

#[test]
fn a_new_secret_can_be_had_before_there_is_one() {
    let world = World::with(&[("refresh_token_secret", "")]);
    let new = |method| body(&world.answer(&call(method, "/generate_jwt_secret", None, "")));
    let [one, two] = [new(Method::Get), new(Method::Post)];
    assert_eq!(one["name"], "refresh_token_secret");
    assert_eq!(
        one["command"],
        "npx wrangler secret put refresh_token_secret"
    );
    assert_eq!(one["secret"].as_str().map(str::len), Some(86));
    assert_ne!(one["secret"], two["secret"]);
}

#[test]
fn an_earlier_secret_still_lets_its_users_in_and_they_get_tokens_of_the_new_one() {
    let world = World::new();
    let login = world.log_in();
    let changed = World::with(&[
        (
            "refresh_token_secret",
            "a-new-refresh-secret-of-at-least-32-bytes",
        ),
        (
            "refresh_token_secret_previous",
            crate::world::REFRESH_SECRET,
        ),
    ]);
    let key = format!("session:ada:{}", login.session);
    let stored = serde_json::from_str(&world.entry(&key).expect("written").value).expect("JSON");
    changed.put(&key, &stored);
    assert_eq!(changed.get("/auth/me", &login.access).status, 200);
    let answer = changed.refresh(&login.refresh);
    assert_ne!(answer.refresh, login.refresh);
    assert_eq!(changed.refresh(&answer.refresh).refresh, answer.refresh);
}
