//! Sign-up, login, and what the owner of an account can do with it.

use serde_json::{Value, json};
use tokenkeep::http::{method::Method, reply::Reply};

use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::world::{
    HOUR, MINUTE, Tokens, World, all_fail, body, call, expect_error, header, later_pages,
    next_writes, tokens,
};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";

fn sign_up(world: &World) -> Tokens {
    tokens(&world.post(
        "/auth/signup",
        &json!({"email": EMAIL, "password": PASSWORD, "name": "Ada"}),
    ))
}

fn try_log_in(world: &World, email: &str, password: &str) -> Reply {
    world.post(
        "/auth/login",
        &json!({"email": email, "password": password}),
    )
}

fn log_in(world: &World) -> Tokens {
    tokens(&try_log_in(world, EMAIL, PASSWORD))
}

fn me(world: &World, tokens: &Tokens) -> Reply {
    world.get("/auth/me", &tokens.access)
}

fn change_password(world: &World, tokens: &Tokens, current: &str, new: &str) -> Reply {
    let body = json!({"currentPassword": current, "newPassword": new});
    world.send(Method::Post, "/auth/password/change", &tokens.access, &body)
}

fn delete(world: &World, tokens: &Tokens, password: &str) -> Reply {
    world.send(
        Method::Delete,
        "/auth/me",
        &tokens.access,
        &json!({ "password": password }),
    )
}

#[test]
fn an_account_can_be_made_and_logged_in_to() {
    let world = World::new();
    let reply = world.post(
        "/auth/signup",
        &json!({"email": "  Ada@Example.COM ", "password": PASSWORD, "name": "Ada"}),
    );
    let welcome = body(&reply);
    assert_eq!(
        (&welcome["email"], &welcome["name"]),
        (&json!(EMAIL), &json!("Ada"))
    );
    let login = log_in(&world);
    let created_at = world.now();
    assert_eq!(
        body(&me(&world, &login)),
        json!({
            "id": welcome["userId"],
            "email": EMAIL,
            "name": "Ada",
            "createdAt": created_at,
            "claims": {"email": EMAIL},
        })
    );
    world.pass(HOUR);
    world.refresh(&login.refresh);
}

#[test]
fn a_repeated_sign_up_answers_as_login_does() {
    let world = World::new();
    let first = sign_up(&world);
    let second = sign_up(&world);
    assert_ne!(first.session, second.session);
    assert_eq!(
        body(&me(&world, &first))["id"],
        body(&me(&world, &second))["id"]
    );
}

#[test]
fn a_taken_address_is_refused_with_another_password() {
    let world = World::new();
    sign_up(&world);
    let reply = world.post(
        "/auth/signup",
        &json!({"email": EMAIL, "password": "another horse"}),
    );
    expect_error(&reply, 409, "email_taken");
    log_in(&world);
}

#[test]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer() {
    let world = World::new();
    sign_up(&world);
    let without_id = |reply: Reply| {
        let mut body = body(&reply);
        body["requestId"] = Value::Null;
        (reply.status, reply.headers, body)
    };
    let wrong = without_id(try_log_in(&world, EMAIL, "wrong horse"));
    let unknown = without_id(try_log_in(&world, "bob@example.com", "wrong horse"));
    assert_eq!(wrong, unknown);
    assert_eq!(
        (wrong.0, &wrong.2["code"]),
        (401, &json!("invalid_credentials"))
    );
}

#[test]
fn sign_up_can_be_closed_and_login_goes_on() {
    let world = World::with(&[("SIGN_UP", "off")]);
    world.import("u1", EMAIL, BCRYPT);
    let body = json!({"email": "bob@example.com", "password": PASSWORD});
    expect_error(&world.post("/auth/signup", &body), 403, "sign_up_closed");
    log_in(&world);
    let reply = World::with(&[("SIGN_UP", "maybe")]).post("/auth/signup", &body);
    expect_error(&reply, 500, "misconfigured");
    assert!(reply.body.contains("SIGN_UP"));
}

/// A bcrypt hash of the password, as another system stored it.
const BCRYPT: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

#[test]
fn a_hash_of_another_system_is_taken_and_renewed_at_the_next_login() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    expect_error(
        &try_log_in(&world, EMAIL, "wrong horse"),
        401,
        "invalid_credentials",
    );
    assert_eq!(world.password_hash(EMAIL), Some(BCRYPT.to_owned()));
    let login = log_in(&world);
    assert_eq!(body(&me(&world, &login))["id"], "u1");
    let renewed = world.password_hash(EMAIL).expect("still there");
    assert!(
        renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{renewed}"
    );
    log_in(&world);
    assert_eq!(world.password_hash(EMAIL), Some(renewed), "renewed once");
}

#[test]
fn a_name_can_be_changed_and_taken_away() {
    let world = World::new();
    let login = sign_up(&world);
    let rename = |name: Value| {
        world.send(
            Method::Patch,
            "/auth/me",
            &login.access,
            &json!({ "name": name }),
        )
    };
    assert_eq!(body(&rename(json!("Ada L.")))["name"], "Ada L.");
    assert_eq!(body(&me(&world, &login))["name"], "Ada L.");
    assert_eq!(body(&rename(json!(null)))["name"], Value::Null);
    assert_eq!(body(&me(&world, &login))["name"], Value::Null);
    expect_error(&rename(json!("x".repeat(201))), 400, "invalid_request");
    expect_error(&rename(json!(7)), 400, "invalid_request");
    let nothing = world.send(Method::Patch, "/auth/me", &login.access, &json!({}));
    expect_error(&nothing, 400, "invalid_request");
}

#[test]
fn another_password_ends_the_other_sessions_and_keeps_this_one() {
    let world = World::new();
    let here = sign_up(&world);
    let there = log_in(&world);
    world.pass(MINUTE / 2);
    let answer = tokens(&change_password(&world, &here, PASSWORD, "better horse"));
    assert_eq!(answer.session, here.session);
    assert_eq!(answer.refresh, here.refresh);
    world.refuses(&there.refresh, 401, "session_revoked");
    expect_error(&me(&world, &there), 401, "session_revoked");
    world.refresh(&here.refresh);
    assert_eq!(me(&world, &here).status, 200);
    expect_error(
        &try_log_in(&world, EMAIL, PASSWORD),
        401,
        "invalid_credentials",
    );
    world.refresh(&tokens(&try_log_in(&world, EMAIL, "better horse")).refresh);
}

#[test]
fn a_client_that_stores_the_answer_of_a_password_change_stays_logged_in() {
    let world = World::new();
    let login = sign_up(&world);
    world.pass(HOUR / 2);
    let held = world.refresh(&login.refresh);
    world.pass(HOUR / 4);
    let answer = tokens(&change_password(&world, &held, PASSWORD, "better horse"));
    assert_eq!(
        answer.refresh, held.refresh,
        "the token that it holds already"
    );
    world.pass(HOUR);
    world.refresh(&answer.refresh);
}

#[test]
fn a_repeated_password_change_is_no_failure() {
    let world = World::new();
    let login = sign_up(&world);
    for _ in 0..20 {
        let reply = change_password(&world, &login, PASSWORD, "better horse");
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

#[test]
fn a_wrong_password_at_a_change_or_deletion_logs_nobody_out() {
    let world = World::new();
    let login = sign_up(&world);
    expect_error(
        &change_password(&world, &login, "wrong horse", "better horse"),
        403,
        "wrong_password",
    );
    expect_error(
        &delete(&world, &login, "wrong horse"),
        403,
        "wrong_password",
    );
    assert_eq!(me(&world, &login).status, 200);
    world.refresh(&login.refresh);
    log_in(&world);
}

#[test]
fn a_deleted_account_leaves_nothing_and_frees_its_address() {
    let world = World::new();
    let here = sign_up(&world);
    for _ in 0..60 {
        log_in(&world);
    }
    let there = log_in(&world);
    let id = body(&me(&world, &here))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let reply = delete(&world, &here, PASSWORD);
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (200, r#"{"deleted":true}"#)
    );
    assert_eq!(world.password_hash(EMAIL), None);
    assert_eq!(world.keys("session:"), Vec::<String>::new());
    assert_eq!(world.keys("revoked:"), [format!("revoked:{id}")]);
    world.pass(MINUTE);
    for tokens in [&here, &there] {
        world.refuses(&tokens.refresh, 401, "session_revoked");
        expect_error(&me(&world, tokens), 401, "session_revoked");
        expect_error(&delete(&world, tokens, PASSWORD), 401, "session_revoked");
    }
    expect_error(
        &try_log_in(&world, EMAIL, PASSWORD),
        401,
        "invalid_credentials",
    );
    let again = sign_up(&world);
    assert_ne!(body(&me(&world, &again))["id"], id.as_str());
}

/// A deletion of which the row is gone, and nothing else.
fn deletion_cut_short(by: Plan) -> (World, Tokens, Tokens) {
    let world = World::new();
    let [here, there] = [sign_up(&world), log_in(&world)];
    world.inject(by);
    expect_error(
        &delete(&world, &here, PASSWORD),
        503,
        "temporarily_unavailable",
    );
    world.recover();
    assert_eq!(world.password_hash(EMAIL), None);
    (world, here, there)
}

fn nothing_is_left(world: &World, devices: [&Tokens; 2]) {
    for tokens in devices {
        world.refuses(&tokens.refresh, 401, "session_revoked");
        expect_error(&me(world, tokens), 401, "session_revoked");
    }
    assert_eq!(world.keys("session:"), Vec::<String>::new());
}

#[test]
fn a_deletion_that_was_cut_short_is_finished_when_it_is_repeated() {
    for trouble in [Trouble::Fails, Trouble::Silent] {
        for plan in [
            next_writes(2, trouble),
            Plan::new(Store::Kv, "delete", trouble).times(1),
            Plan::new(Store::Kv, "list", trouble),
        ] {
            let (world, here, there) = deletion_cut_short(plan);
            expect_error(&delete(&world, &here, PASSWORD), 401, "session_revoked");
            nothing_is_left(&world, [&here, &there]);
        }
    }
}

#[test]
fn a_deletion_that_was_cut_short_is_finished_by_any_device_that_asks_for_the_account() {
    let (world, here, there) = deletion_cut_short(next_writes(2, Trouble::Fails));
    expect_error(&me(&world, &there), 401, "session_revoked");
    nothing_is_left(&world, [&here, &there]);
}

#[test]
fn many_sessions_are_erased_page_by_page() {
    let world = World::new();
    let here = sign_up(&world);
    for _ in 0..200 {
        log_in(&world);
    }
    assert_eq!(world.keys("session:").len(), 201);
    assert_eq!(delete(&world, &here, PASSWORD).status, 200);
    assert_eq!(world.keys("session:"), Vec::<String>::new());
}

#[test]
fn what_is_left_to_erase_and_never_answered_is_given_up_with_a_line() {
    let world = World::new();
    let here = sign_up(&world);
    for _ in 0..40 {
        log_in(&world);
    }
    world.inject(later_pages(Trouble::Silent));
    assert_eq!(delete(&world, &here, PASSWORD).status, 200);
    assert_eq!(world.lines("sessions_not_erased").len(), 1);
    assert_eq!(world.keys("session:").len(), 41 - 25);
    // Its sessions are over all the same, so no request of theirs gets as far as to erase them.
    world.recover();
    expect_error(&me(&world, &here), 401, "session_revoked");
    assert_eq!(world.keys("session:").len(), 41 - 25);
}

#[test]
fn a_session_of_another_back_end_has_no_account_to_change_whatever_its_claims_say() {
    let world = World::new();
    let claims = json!({"email": EMAIL});
    let session = tokens(&world.open(&json!({"userId": "bob", "claims": claims})));
    assert_eq!(
        body(&me(&world, &session)),
        json!({"id": "bob", "claims": claims})
    );
    expect_error(
        &change_password(&world, &session, PASSWORD, "better horse"),
        404,
        "not_found",
    );
    expect_error(&delete(&world, &session, PASSWORD), 404, "not_found");
    let rename = world.send(
        Method::Patch,
        "/auth/me",
        &session.access,
        &json!({"name": "x"}),
    );
    expect_error(&rename, 404, "not_found");
    world.refresh(&session.refresh);
}

#[test]
fn bad_fields_are_named() {
    let world = World::new();
    let rows = [
        ("email", json!({"password": PASSWORD})),
        ("email", json!({"email": "ada", "password": PASSWORD})),
        ("email", json!({"email": 7, "password": PASSWORD})),
        (
            "email",
            json!({"email": format!("{}@example.com", "x".repeat(243)), "password": PASSWORD}),
        ),
        ("email", json!({"email": "${email}", "password": PASSWORD})),
        ("password", json!({"email": EMAIL})),
        (
            "password",
            json!({"email": EMAIL, "password": "x".repeat(7)}),
        ),
        (
            "password",
            json!({"email": EMAIL, "password": "x".repeat(129)}),
        ),
        ("password", json!({"email": EMAIL, "password": ["x"]})),
        (
            "name",
            json!({"email": EMAIL, "password": PASSWORD, "name": "x".repeat(10_000)}),
        ),
        (
            "device",
            json!({"email": EMAIL, "password": PASSWORD, "device": "x".repeat(101)}),
        ),
    ];
    for (field, input) in rows {
        let reply = world.post("/auth/signup", &input);
        expect_error(&reply, 400, "invalid_request");
        assert_eq!(body(&reply)["field"], field);
    }
    assert_eq!(world.password_hash(EMAIL), None);
}

#[test]
fn passwords_of_any_writing_are_taken_as_they_are() {
    let world = World::new();
    for (email, password) in [
        ("a@example.com", "🦀🦀🦀🦀🦀🦀🦀🦀"),
        ("b@example.com", "   spaces   "),
        ("c@example.com", "'; DROP TABLE users; --"),
        ("d@example.com", r#"{"$ne":null}"#),
        ("e@example.com", "my${secret}pass"),
    ] {
        let body = json!({"email": email, "password": password});
        assert_eq!(world.post("/auth/signup", &body).status, 200);
        assert_eq!(try_log_in(&world, email, password).status, 200);
        let mut shorter = password.to_owned();
        shorter.pop();
        let reply = try_log_in(&world, email, &shorter);
        expect_error(&reply, 401, "invalid_credentials");
    }
}

#[test]
fn an_account_store_that_fails_is_a_503_and_the_next_try_works() {
    let world = World::new();
    let login = sign_up(&world);
    for store in [Store::D1, Store::Guard] {
        for _ in 0..20 {
            world.inject(all_fail(store));
            expect_error(
                &try_log_in(&world, EMAIL, PASSWORD),
                503,
                "temporarily_unavailable",
            );
            expect_error(
                &change_password(&world, &login, PASSWORD, "better horse"),
                503,
                "temporarily_unavailable",
            );
            expect_error(
                &delete(&world, &login, PASSWORD),
                503,
                "temporarily_unavailable",
            );
            world.recover();
        }
        log_in(&world);
    }
    world.inject(all_fail(Store::D1));
    expect_error(&me(&world, &login), 503, "temporarily_unavailable");
    world.recover();
    assert_eq!(me(&world, &login).status, 200);
}

#[test]
fn too_many_wrong_passwords_make_a_wait_with_its_length() {
    let world = World::new();
    sign_up(&world);
    for _ in 0..10 {
        expect_error(
            &try_log_in(&world, EMAIL, "wrong horse"),
            401,
            "invalid_credentials",
        );
    }
    let reply = try_log_in(&world, EMAIL, PASSWORD);
    expect_error(&reply, 429, "too_many_attempts");
    assert_eq!(header(&reply, "Retry-After"), Some("60"));
    world.pass(MINUTE);
    log_in(&world);
}

#[test]
fn a_stranger_elsewhere_does_not_lock_the_owner_out() {
    let world = World::new();
    sign_up(&world);
    let stranger = |password: &str| {
        let body = json!({"email": EMAIL, "password": password}).to_string();
        let mut call = call(Method::Post, "/auth/login", None, &body);
        call.ip = Some("198.51.100.7".into());
        world.answer(&call)
    };
    for _ in 0..10 {
        expect_error(&stranger("wrong horse"), 401, "invalid_credentials");
    }
    for _ in 0..100 {
        expect_error(&stranger("wrong horse"), 429, "too_many_attempts");
    }
    log_in(&world);
}

#[test]
fn nothing_personal_reaches_the_log() {
    let world = World::new();
    let login = sign_up(&world);
    world.inject(all_fail(Store::D1));
    try_log_in(&world, EMAIL, PASSWORD);
    me(&world, &login);
    world.recover();
    delete(&world, &login, PASSWORD);
    let log = world.log().join("\n");
    assert!(log.contains("fault"), "{log}");
    for secret in [EMAIL, PASSWORD, "Ada", &login.access, &login.refresh] {
        assert!(!log.contains(secret), "{log}");
    }
}
