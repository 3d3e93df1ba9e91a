//! What people type, paste and import, and what app builders send.

use rstest::rstest;
use serde_json::json;
use tokenkeep::{
    account::password::{Password, SALT_BYTES},
    config::SessionStore::{self, DurableObjects, Kv},
    http::method::Method,
};

use crate::{
    client::{
        EMAIL, PASSWORD, SERVICE_KEY, bearer, body, call, expect_bad_field, expect_error,
        logged_in, tokens,
    },
    codes::{ACCESS_INVALID, INVALID_REQUEST, REFRESH_INVALID, REVOKED, SERVICE_KEY_INVALID},
    world::{HOUR, World, use_store},
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

#[rstest]
fn logout_ends_the_session_of_any_token_of_ours(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
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

/// The routes with a body, and how they are called.
const WITH_BODY: [(Method, &str, &str); 9] = [
    (Method::Post, "/auth/signup", "email"),
    (Method::Post, "/auth/login", "email"),
    (Method::Post, "/auth/token", "refreshToken"),
    (Method::Post, "/auth/logout", "refreshToken"),
    (Method::Patch, "/auth/me", "name"),
    (Method::Delete, "/auth/me", "password"),
    (Method::Post, "/auth/me/delete", "password"),
    (Method::Post, "/auth/password/change", "currentPassword"),
    (Method::Post, "/auth/session", "userId"),
];

#[test]
fn what_arrived_is_named_with_an_example_of_the_same_route() {
    let world = World::new();
    let login = world.sign_up();
    for (method, path, field) in WITH_BODY {
        let token = if path == "/auth/session" {
            SERVICE_KEY
        } else {
            &login.access
        };
        let send = |body: &str| world.answer(&call(method, path, Some(&bearer(token)), body));
        for (sent, arrived) in [
            ("", "is empty"),
            ("x=1&y=2", "is a form without the fields"),
            ("<html></html>", "is HTML"),
            ("[]", "is not a JSON object"),
            ("{", "is not valid JSON"),
            ("hello", "is text"),
        ] {
            let reply = send(sent);
            expect_error(&reply, INVALID_REQUEST);
            let message = body(&reply)["message"].as_str().expect("text").to_owned();
            assert!(message.contains(arrived), "{path} {message}");
            assert!(
                message.contains(&format!("{{\"{field}\": ")),
                "{path} {message}"
            );
            let is_of_tokens = field == "refreshToken";
            assert_eq!(message.contains("refreshToken"), is_of_tokens, "{path}");
        }
    }
}

#[test]
fn a_form_is_read_like_json() {
    let world = World::new();
    let send = |method, path, token: &str, form: &str| {
        let reply = world.answer(&call(method, path, Some(&bearer(token)), form));
        world.settle();
        reply
    };
    let post = |path, form: &str| send(Method::Post, path, "x", form);
    let person = format!(
        "email={}&password=correct%20horse&name=Ada",
        EMAIL.replace('@', "%40")
    );
    let login = tokens(&post("/auth/signup", &person));
    assert_eq!(post("/auth/login", &person).status, 200);
    let refresh = format!("grant_type=refresh_token&refresh_token={}", login.refresh);
    assert_eq!(post("/auth/token", &refresh).status, 200);
    let rename = send(Method::Patch, "/auth/me", &login.access, "name=Ada+L.");
    assert_eq!(body(&rename)["name"], "Ada L.");
    expect_error(
        &post("/auth/login", &format!("{person}&email=x@y.example")),
        INVALID_REQUEST,
    );
    let half = post("/auth/login", "email=ada@example.com&password=%ff%ff");
    expect_bad_field(&half, "password");
    let deleted = send(
        Method::Post,
        "/auth/me/delete",
        &login.access,
        "password=correct+horse",
    );
    assert_eq!(deleted.body, r#"{"deleted":true}"#);
    assert_eq!(world.try_log_in(EMAIL, PASSWORD).status, 401);
}

#[test]
fn halves_of_characters_are_replaced_but_not_in_passwords_and_tokens() {
    let world = World::new();
    let login = world.sign_up();
    let raw = |path, body: &str| world.answer(&call(Method::Post, path, None, body));
    let person = format!(r#"{{"email":"{EMAIL}","password":"{PASSWORD}","device":"Ada\ud83d"}}"#);
    let phone = tokens(&raw("/auth/login", &format!("\u{feff}{person}")));
    let page = body(&world.get("/auth/sessions", &phone.access)).to_string();
    assert!(page.contains("Ada\u{fffd}"), "{page}");
    let password = person.replace(PASSWORD, "Ada\\ud83d");
    expect_bad_field(&raw("/auth/login", &password), "password");
    let token = format!(r#"{{"refreshToken":"{}\ud83d"}}"#, login.refresh);
    expect_bad_field(&raw("/auth/token", &token), "refreshToken");
    // One that somebody typed is a character like any other.
    let typed = json!({"email": "b@example.com", "password": "\u{fffd}\u{fffd} horse"});
    assert_eq!(world.post("/auth/signup", &typed).status, 200);
}

#[rstest]
fn a_device_is_never_a_reason_to_refuse(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    for (sent, shown) in [
        (json!("é".repeat(101)), json!("é".repeat(100))),
        (json!(7), json!("7")),
        (json!(true), json!("true")),
        (json!(["phone"]), json!(null)),
        (json!({"a": 1}), json!(null)),
        (json!(1.5), json!(null)),
        (json!("${device}"), json!(null)),
        (json!(""), json!(null)),
    ] {
        let login = tokens(&world.open(&json!({"userId": "ada", "device": sent})));
        let page = body(&world.get("/auth/sessions", &login.access));
        let own = page["sessions"].as_array().expect("sessions").iter();
        let mut own = own.filter(|session| session["current"] == true);
        assert_eq!(own.next().expect("one")["device"], shown, "{sent}");
    }
}

#[test]
fn numbers_and_booleans_are_texts_where_that_is_unambiguous() {
    let world = World::new();
    for (user, id) in [(json!(7), "7"), (json!(-1), "-1"), (json!(true), "true")] {
        let reply = world.open(&json!({ "userId": user }));
        assert_eq!(body(&reply)["userId"], id);
    }
    expect_bad_field(&world.open(&json!({"userId": 1.5})), "userId");
    let person = json!({"email": EMAIL, "password": PASSWORD, "name": 7});
    assert_eq!(body(&world.post("/auth/signup", &person))["name"], "7");
    let password = json!({"email": EMAIL, "password": 12_345_678});
    expect_bad_field(&world.post("/auth/login", &password), "password");
}

#[test]
fn repeated_slashes_count_as_one() {
    let (world, login) = logged_in();
    let body = json!({ "refreshToken": login.refresh });
    assert_eq!(world.post("//auth//token/", &body).status, 200);
    let preflight = world.answer(&call(Method::Options, "//auth/token", None, ""));
    assert_eq!(preflight.status, 204);
    let end = format!("//auth/sessions//{}//", login.session);
    assert_eq!(
        world
            .send(Method::Delete, &end, &login.access, &json!({}))
            .status,
        200
    );
}

/// Two ways to type `é`, and two spaces.
const COMPOSED: &str = "caf\u{e9} au lait";
const DECOMPOSED: &str = "cafe\u{301}\u{a0}au lait";

#[test]
fn a_password_is_the_same_on_every_keyboard() {
    for (first, second) in [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)] {
        let world = World::new();
        let person = json!({"email": EMAIL, "password": first});
        let login = tokens(&world.post("/auth/signup", &person));
        assert_eq!(world.try_log_in(EMAIL, second).status, 200);
        let again = json!({"email": EMAIL, "password": second});
        assert_eq!(world.post("/auth/signup", &again).status, 200);
        let changed = tokens(&world.change_password(&login, second, first));
        assert_eq!(world.delete_account(&changed, second).status, 200);
    }
}

#[test]
fn a_hash_of_an_earlier_version_matches_the_password_as_it_was_typed() {
    for typed in [DECOMPOSED, COMPOSED] {
        let world = World::new();
        let earlier = Password::parse(typed).expect("good").hash([7; SALT_BYTES]);
        world.import("u1", EMAIL, earlier.as_str());
        assert_eq!(world.try_log_in(EMAIL, "caf\u{e8} au lait").status, 401);
        assert_eq!(world.try_log_in(EMAIL, typed).status, 200);
        let is_renewed = world.password_hash(EMAIL).as_deref() != Some(earlier.as_str());
        assert_eq!(is_renewed, typed == DECOMPOSED);
        for other in [DECOMPOSED, COMPOSED] {
            assert_eq!(world.try_log_in(EMAIL, other).status, 200);
        }
    }
}
