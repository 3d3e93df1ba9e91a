//! What people type, paste and import, and what app builders send.

use serde_json::json;
use tokenkeep::http::method::Method;

use crate::{
    client::{body, call, expect_bad_field, expect_error, logged_in},
    codes::{ACCESS_INVALID, REFRESH_INVALID, REVOKED, SERVICE_KEY_INVALID},
    world::{HOUR, World},
};

/// What app builders send for a variable that has no value.
const UNFILLED: [&str; 14] = [
    "",
    " ",
    "${refreshToken}",
    "{{refreshToken}}",
    "<refreshToken>",
    "[refreshToken]",
    "%refreshToken%",
    "undefined",
    "null",
    "None",
    "nil",
    "[object Object]",
    "Bearer",
    "\"{{x}}\"",
];

#[test]
fn an_unfilled_variable_is_bad_input_in_a_body_and_in_a_header() {
    let (world, login) = logged_in();
    for text in UNFILLED {
        for path in ["/auth/token", "/auth/logout"] {
            let reply = world.post(path, &json!({ "refreshToken": text }));
            expect_bad_field(&reply, "refreshToken");
            assert!(reply.body.contains("variable"), "{text} {}", reply.body);
        }
        for path in ["/auth/me", "/auth/sessions"] {
            let reply = world.get(path, text);
            expect_bad_field(&reply, "Authorization");
            assert!(reply.body.contains("variable"), "{text} {}", reply.body);
        }
        let header = format!("Bearer {text}");
        let open = call(
            Method::Post,
            "/auth/session",
            Some(&header),
            r#"{"userId":"ada"}"#,
        );
        expect_bad_field(&world.answer(&open), "Authorization");
    }
    let null = world.post("/auth/token", &json!({ "refreshToken": null }));
    assert!(null.body.contains("variable"), "{}", null.body);
    world.refresh(&login);
}

#[test]
fn what_stands_around_a_token_does_no_harm() {
    let (world, login) = logged_in();
    let around = |token: &str| {
        [
            format!("{token}\n"),
            format!("\u{feff} {token}\r\n"),
            format!("\"{token}\""),
            format!("Bearer {token}"),
            format!("'bearer  \u{201c}{token}\u{201d}'"),
        ]
    };
    for text in around(&login.refresh) {
        world.gives(&text, &login);
    }
    for text in around(&login.access) {
        assert_eq!(world.get("/auth/me", &text).status, 200, "{text:?}");
    }
    let quoted = call(
        Method::Get,
        "/auth/me",
        Some(&format!("\"Bearer {}\"", login.access)),
        "",
    );
    assert_eq!(world.answer(&quoted).status, 200);
    assert_eq!(world.log_out(format!("{}\n", login.refresh)).status, 200);
    world.refuses(&login, REVOKED);
}

#[test]
fn a_service_key_may_be_any_text() {
    let key = "\"<a service key in its own quotation marks>\"";
    let world = World::with(&[("service_key", key)]);
    let open = |shown: &str| {
        let header = format!("Bearer {shown}");
        world.answer(&call(
            Method::Post,
            "/auth/session",
            Some(&header),
            r#"{"userId":"ada"}"#,
        ))
    };
    assert_eq!(open(key).status, 200);
    expect_error(&open("another"), SERVICE_KEY_INVALID);
    expect_bad_field(&open("{{service_key}}"), "Authorization");
    let without = World::with(&[("service_key", "")]);
    for shown in ["", "undefined"] {
        let header = format!("Bearer {shown}");
        let call = call(Method::Post, "/auth/session", Some(&header), "{}");
        expect_bad_field(&without.answer(&call), "Authorization");
    }
    let plain = World::new();
    let quoted = format!("Bearer \"{}\"", crate::client::SERVICE_KEY);
    let call = call(
        Method::Post,
        "/auth/session",
        Some(&quoted),
        r#"{"userId":"ada"}"#,
    );
    assert_eq!(plain.answer(&call).status, 200);
}

#[test]
fn logout_ends_the_session_of_any_token_of_ours() {
    for wait in [0, HOUR + 1] {
        let (world, login) = logged_in();
        world.pass(wait);
        assert_eq!(world.log_out(&login.access).status, 200);
        world.refuses(&login, REVOKED);
        world.operations();
        assert_eq!(world.log_out(&login.access).status, 200);
        assert!(world.operations().writes.is_empty());
    }
    let (world, login) = logged_in();
    let forged = format!("{}x", login.access);
    assert_eq!(world.log_out(forged).status, 200);
    world.refresh(&login);
}

#[test]
fn an_access_token_in_place_of_the_refresh_token_is_named() {
    let (world, login) = logged_in();
    for wait in [0, HOUR + 1] {
        world.pass(wait);
        let reply = world.try_refresh(&login.access);
        expect_error(&reply, REFRESH_INVALID);
        assert!(body(&reply)["message"] == "This is the accessToken; send the refreshToken.");
    }
    expect_error(&world.get("/auth/me", &login.refresh), ACCESS_INVALID);
}
