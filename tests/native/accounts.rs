//! Sign-up, login, and what the owner of an account can do with it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rstest::rstest;
use serde_json::{Value, json};
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::http::{method::Method, reply::Reply};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    client::{
        BCRYPT, EMAIL, PASSWORD, Tokens, body, expect_bad_field, expect_error, header, post,
        tokens, with_bearer,
    },
    codes::{
        ACCESS_INVALID, EMAIL_TAKEN, INVALID_CREDENTIALS, INVALID_REQUEST, MISCONFIGURED,
        NOT_FOUND, REVOKED, SIGN_UP_CLOSED, TOO_MANY_ATTEMPTS, TOO_MANY_REQUESTS, UNAVAILABLE,
        WRONG_PASSWORD,
    },
    world::{HOUR, MINUTE, World, all_fail, is_in_objects, later_pages, next_writes, use_store},
};

/// For how long the session that changed the password goes on.
const GRACE: u64 = 65_000;

/// A world, and the session in it that a sign-up has opened.
fn signed_up() -> (World, Tokens) {
    let world = World::new();
    let session = world.sign_up();
    (world, session)
}

fn user_id(world: &World, tokens: &Tokens) -> String {
    let me = body(&world.me(tokens));
    me["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn expect_revoked(world: &World, tokens: &Tokens) {
    world.refuses(tokens, REVOKED);
    expect_error(&world.me(tokens), REVOKED);
}

#[rstest]
fn an_account_can_be_made_and_logged_in_to(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    let person = json!({"email": "  Ada@Example.COM ", "password": PASSWORD, "name": "Ada"});
    let welcome = body(&world.post("/auth/signup", &person));
    assert_eq!(
        (&welcome["email"], &welcome["name"]),
        (&json!(EMAIL), &json!("Ada"))
    );
    let login = world.log_in_with(PASSWORD);
    let expected = json!({
        "id": welcome["userId"],
        "email": EMAIL,
        "name": "Ada",
        "createdAt": world.now(),
        "emailVerified": false,
        "claims": {"email": EMAIL},
    });
    assert_eq!(body(&world.me(&login)), expected);
    world.refresh_after(HOUR, &login);
}

#[rstest]
fn a_repeated_sign_up_answers_as_login_does(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, first) = signed_up();
    let second = world.sign_up();
    assert_ne!(first.session, second.session);
    assert_eq!(user_id(&world, &first), user_id(&world, &second));
}

#[rstest]
fn a_taken_address_is_refused_with_another_password(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = signed_up();
    let person = json!({"email": EMAIL, "password": "another horse"});
    expect_error(&world.post("/auth/signup", &person), EMAIL_TAKEN);
    world.log_in_with(PASSWORD);
}

#[rstest]
fn an_unknown_address_and_a_wrong_password_get_the_same_answer(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = signed_up();
    let without_id = |reply: Reply| {
        expect_error(&reply, INVALID_CREDENTIALS);
        let mut body = body(&reply);
        body["requestId"] = Value::Null;
        (reply.headers, body)
    };
    let wrong = without_id(world.try_log_in(EMAIL, "wrong horse"));
    let unknown = without_id(world.try_log_in("bob@example.com", "wrong horse"));
    assert_eq!(wrong, unknown);
}

#[rstest]
fn sign_up_can_be_closed_and_login_goes_on(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::with(&[("SIGN_UP", "off")]);
    world.import("u1", EMAIL, BCRYPT);
    let person = json!({"email": "bob@example.com", "password": PASSWORD});
    expect_error(&world.post("/auth/signup", &person), SIGN_UP_CLOSED);
    world.log_in_with(PASSWORD);
    let reply = World::with(&[("SIGN_UP", "maybe")]).post("/auth/signup", &person);
    expect_error(&reply, MISCONFIGURED);
    assert!(reply.body.contains("SIGN_UP"));
}

#[rstest]
fn beyond_the_limit_of_an_hour_nobody_signs_up_and_everybody_logs_in(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::with(&[("SIGN_UPS_PER_HOUR", "2")]);
    let sign_up = |email: &str| {
        world.post(
            "/auth/signup",
            &json!({"email": email, "password": PASSWORD}),
        )
    };
    for email in [EMAIL, EMAIL, "bob@example.com"] {
        tokens(&sign_up(email));
    }
    for _ in 0..20 {
        let full = sign_up("eve@example.com");
        expect_error(&full, TOO_MANY_REQUESTS);
        let ends_at = (world.now() / HOUR + 1) * HOUR;
        let wait = (ends_at - world.now()).div_ceil(1_000).to_string();
        assert_eq!(header(&full, "Retry-After"), Some(wait.as_str()));
    }
    assert_eq!(world.password_hash("eve@example.com"), None);
    tokens(&sign_up(EMAIL));
    world.log_in_with(PASSWORD);
    world.pass(HOUR);
    tokens(&sign_up("eve@example.com"));
}

#[rstest]
fn any_number_of_people_sign_up_at_once_and_no_more_than_the_limit_get_in(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::with(&[("SIGN_UPS_PER_HOUR", "3")]);
    let call = |number: u32| {
        let email = format!("{number}@example.com");
        post(
            "/auth/signup",
            &json!({"email": email, "password": PASSWORD}),
        )
    };
    let calls: Vec<_> = (0..8).map(call).collect();
    let replies = world.answer_at_once(&calls);
    let welcome = replies.iter().filter(|reply| reply.status == 200);
    assert_eq!(welcome.count(), 3);
    assert_eq!(world.accounts.borrow().rows().count(), 3);
}

#[rstest]
fn the_token_of_an_account_says_that_its_address_is_not_verified(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = signed_up();
    assert_eq!(claims_of(&login.access)["email_verified"], false);
    let answer = world.refresh_after(HOUR, &login);
    assert_eq!(claims_of(&answer.access)["email_verified"], false);
    let me = body(&world.me(&answer));
    assert_eq!(
        (&me["emailVerified"], &me["claims"]),
        (&json!(false), &json!({"email": EMAIL}))
    );
    let claims = json!({"email": EMAIL, "email_verified": true});
    let session = tokens(&world.open(&json!({"userId": "bob", "claims": claims})));
    assert_eq!(claims_of(&session.access)["email_verified"], true);
    assert_eq!(body(&world.me(&session))["claims"], claims);
}

/// The claims of a token.
pub fn claims_of(access_token: &str) -> Value {
    let claims = access_token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&claims).expect("JSON")
}

#[rstest]
fn a_hash_of_another_system_is_taken_and_renewed_at_the_next_login(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    world.fail_to_log_in();
    assert_eq!(world.password_hash(EMAIL), Some(BCRYPT.to_owned()));
    let login = world.log_in_with(PASSWORD);
    assert_eq!(user_id(&world, &login), "u1");
    let renewed = world.password_hash(EMAIL).expect("still there");
    assert!(
        renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{renewed}"
    );
    world.log_in_with(PASSWORD);
    assert_eq!(world.password_hash(EMAIL), Some(renewed), "renewed once");
}

#[rstest]
fn a_name_can_be_changed_and_taken_away(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = signed_up();
    for name in [json!("Ada L."), Value::Null] {
        let renamed = world.rename(&login, &json!({ "name": name }));
        assert_eq!(body(&renamed)["name"], name);
        assert_eq!(body(&world.me(&login))["name"], name);
    }
    for input in [
        json!({"name": "x".repeat(201)}),
        json!({"name": 7.5}),
        json!({}),
    ] {
        expect_error(&world.rename(&login, &input), INVALID_REQUEST);
    }
}

#[rstest]
fn an_account_that_todays_rules_would_refuse_is_open_to_its_owner(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    for (id, email, name) in [
        ("u1", EMAIL, "x".repeat(201)),
        ("u1", "ada lovelace\u{200b}@example.com", "Ada".to_owned()),
        (
            "u1",
            &format!("{}@example.com", "x".repeat(300)),
            String::new(),
        ),
    ] {
        let world = World::new();
        world.import(id, email, BCRYPT);
        world.accounts.borrow_mut().set_name(email, &name);
        let login = tokens(&world.try_log_in(email, PASSWORD));
        let me = body(&world.me(&login));
        assert_eq!((&me["email"], &me["name"]), (&json!(email), &json!(name)));
        world.refresh(&login);
        let renamed = world.rename(&login, &json!({"name": "Ada L."}));
        assert_eq!(body(&renamed)["name"], "Ada L.");
        let changed = world.change_password(&login, PASSWORD, "better horse");
        let there = tokens(&world.try_log_in(email, "better horse"));
        let here = tokens(&changed);
        assert_eq!(world.log_out_all(&there).status, 200);
        expect_revoked(&world, &here);
        let login = tokens(&world.try_log_in(email, "better horse"));
        assert_eq!(world.delete_account(&login, "better horse").status, 200);
        assert_eq!(world.session_keys(), Vec::<String>::new());
    }
}

#[rstest]
fn a_sign_up_takes_no_address_or_name_that_the_rules_refuse(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    for (email, name) in [
        ("ada lovelace@example.com", "Ada".to_owned()),
        (EMAIL, "x".repeat(201)),
    ] {
        let person = json!({"email": email, "password": PASSWORD, "name": name});
        expect_error(&world.post("/auth/signup", &person), INVALID_REQUEST);
    }
    expect_bad_field(&world.try_log_in("ada", PASSWORD), "email");
}

#[rstest]
fn another_password_starts_a_new_session_and_ends_all_others(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let there = world.log_in_with(PASSWORD);
    world.pass(MINUTE / 2);
    let new = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    assert_ne!(new.session, here.session);
    assert_eq!(user_id(&world, &new), user_id(&world, &here));
    expect_revoked(&world, &there);
    world.pass(GRACE);
    expect_revoked(&world, &here);
    world.refresh_after(HOUR, &new);
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    world.refresh(world.log_in_with("better horse"));
}

#[rstest]
fn the_session_that_changed_the_password_has_a_grace_and_its_repeats_start_no_other(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    world.pass(1_000);
    let new = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    for _ in 0..20 {
        let again = tokens(&world.change_password(&here, PASSWORD, "better horse"));
        assert_eq!(
            (&again.session, &again.refresh),
            (&new.session, &new.refresh)
        );
    }
    world.pass(GRACE - 1);
    world.refresh(&here);
    assert_eq!(world.me(&here).status, 200);
    world.guards_fall_asleep();
    let late = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    assert_eq!(late.session, new.session);
    world.pass(1);
    expect_revoked(&world, &here);
    let over = world.change_password(&here, PASSWORD, "better horse");
    expect_error(&over, REVOKED);
    world.refresh(&new);
    assert_eq!(world.lines("sessions_revoked").len(), 1, "logged once");
}

#[rstest]
fn a_new_session_keeps_the_device_and_the_claims_of_the_old_one(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let person = json!({"email": EMAIL, "password": PASSWORD, "device": "phone"});
    let here = tokens(&world.post("/auth/signup", &person));
    world.pass(1_000);
    let new = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    world.pass(GRACE);
    assert_eq!(body(&world.me(&new))["claims"], json!({"email": EMAIL}));
    let list = body(&world.get("/auth/sessions", &new.access));
    let [session] = list["sessions"].as_array().expect("a list").as_slice() else {
        panic!("{list}");
    };
    assert_eq!(
        (&session["id"], &session["device"]),
        (&json!(new.session), &json!("phone"))
    );
}

#[rstest]
fn a_password_change_to_the_same_password_is_repeated_safely_too(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let new = tokens(&world.change_password(&here, PASSWORD, PASSWORD));
    let again = tokens(&world.change_password(&here, PASSWORD, PASSWORD));
    assert_eq!(new.session, again.session);
    world.refresh(&new);
}

#[rstest]
fn duplicates_of_a_password_change_at_once_get_one_session(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let change = json!({"currentPassword": PASSWORD, "newPassword": "better horse"});
    let change = with_bearer(Method::Post, "/auth/password/change", &here.access, &change);
    let replies = world.answer_at_once(&[change.clone(), change.clone(), change]);
    let [first, second, third] = replies.try_into().expect("three");
    let session = tokens(&first).session;
    assert_eq!(tokens(&second).session, session);
    assert_eq!(tokens(&third).session, session);
    world.refresh(tokens(&first));
}

#[rstest]
fn a_late_repeat_of_a_password_change_revives_no_session_that_was_ended(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let new = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    world.log_out(&new);
    let repeat = world.change_password(&here, PASSWORD, "better horse");
    expect_error(&repeat, REVOKED);
    expect_revoked(&world, &new);

    let (world, here) = signed_up();
    let new = tokens(&world.change_password(&here, PASSWORD, "better horse"));
    assert_eq!(world.log_out_all(&new).status, 200);
    expect_error(
        &world.change_password(&here, PASSWORD, "better horse"),
        REVOKED,
    );
    expect_revoked(&world, &new);
    expect_revoked(&world, &here);
}

#[rstest]
fn a_second_password_change_ends_the_grace_of_the_first(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, first) = signed_up();
    let second = tokens(&world.change_password(&first, PASSWORD, "better horse"));
    world.pass(1_000);
    let third = tokens(&world.change_password(&second, "better horse", "best horse"));
    expect_revoked(&world, &first);
    world.refresh(&second);
    world.pass(GRACE);
    expect_revoked(&world, &second);
    world.refresh(&third);
}

#[rstest]
fn of_two_devices_that_change_the_password_at_once_one_stays(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let there = world.log_in_with(PASSWORD);
    let change = |of: &Tokens, new: &str| {
        let body = json!({"currentPassword": PASSWORD, "newPassword": new});
        with_bearer(Method::Post, "/auth/password/change", &of.access, &body)
    };
    let calls = [change(&here, "better horse"), change(&there, "best horse")];
    let [first, second] = world.answer_at_once(&calls).try_into().expect("two");
    let new = tokens(&first);
    expect_error(&second, WRONG_PASSWORD);
    expect_revoked(&world, &there);
    world.refresh(&new);
}

#[rstest]
fn a_wrong_password_at_a_change_or_deletion_logs_nobody_out(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = signed_up();
    let change = world.change_password(&login, "wrong horse", "better horse");
    expect_error(&change, WRONG_PASSWORD);
    expect_error(&world.delete_account(&login, "wrong horse"), WRONG_PASSWORD);
    assert_eq!(world.me(&login).status, 200);
    world.refresh(&login);
    world.log_in_with(PASSWORD);
}

#[rstest]
fn no_token_but_an_access_token_opens_the_account(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, login) = signed_up();
    for token in ["x", &login.refresh, &login.access[1..]] {
        let intruder = Tokens {
            access: token.to_owned(),
            ..login.clone()
        };
        for reply in [
            world.me(&intruder),
            world.rename(&intruder, &json!({"name": "Eve"})),
            world.change_password(&intruder, PASSWORD, "better horse"),
            world.delete_account(&intruder, PASSWORD),
        ] {
            expect_error(&reply, ACCESS_INVALID);
        }
    }
    assert_eq!(body(&world.me(&login))["name"], "Ada");
    world.log_in_with(PASSWORD);
}

#[rstest]
fn a_deleted_account_leaves_nothing_and_frees_its_address(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    for _ in 0..60 {
        world.pass(HOUR / 20);
        world.log_in_with(PASSWORD);
    }
    let (here, there) = (world.refresh(&here), world.log_in_with(PASSWORD));
    let id = user_id(&world, &here);
    let reply = world.delete_account(&here, PASSWORD);
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (200, r#"{"deleted":true}"#)
    );
    assert_eq!(world.password_hash(EMAIL), None);
    assert_eq!(world.session_keys(), Vec::<String>::new());
    let cut_off = format!("revoked:{id}");
    let cut_offs = if is_in_objects() {
        vec![]
    } else {
        vec![cut_off]
    };
    assert_eq!(world.keys("revoked:"), cut_offs);
    world.pass(MINUTE);
    for tokens in [&here, &there] {
        expect_revoked(&world, tokens);
        expect_error(&world.delete_account(tokens, PASSWORD), REVOKED);
    }
    expect_error(&world.try_log_in(EMAIL, PASSWORD), INVALID_CREDENTIALS);
    let again = world.sign_up();
    assert_ne!(user_id(&world, &again), id);
}

#[test]
fn a_deletion_that_was_cut_short_is_finished_by_any_device_that_asks_for_the_account() {
    let (world, here) = signed_up();
    let there = world.log_in_with(PASSWORD);
    world.inject(next_writes(2, Trouble::Fails));
    expect_error(&world.delete_account(&here, PASSWORD), UNAVAILABLE);
    assert_eq!(world.password_hash(EMAIL), None);
    expect_error(&world.rename(&there, &json!({"name": "x"})), REVOKED);
    expect_revoked(&world, &there);
    expect_revoked(&world, &here);
    assert_eq!(world.keys("session:"), Vec::<String>::new());
}

#[rstest]
fn a_look_at_an_account_that_is_half_deleted_is_refused_and_writes_nothing(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    world.inject(Plan::new(Store::Kv, "list", Trouble::Fails));
    expect_error(&world.delete_account(&here, PASSWORD), UNAVAILABLE);
    world.recover();
    world.take_calls();
    expect_error(&world.me(&here), REVOKED);
    let mut calls = world.take_calls().into_iter();
    let reads = ["read", "look_up", "get rows", "count requests"];
    assert!(calls.all(|call| reads.contains(&call.operation) || call.store == Store::D1));
    assert_eq!(world.delete_account(&here, PASSWORD).status, 401);
    assert_eq!(world.session_keys(), Vec::<String>::new());
}

#[rstest]
fn an_account_whose_row_is_missing_without_a_deletion_is_a_fault_that_ends_nothing(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, here) = signed_up();
    let there = world.log_in_with(PASSWORD);
    let id = user_id(&world, &here);
    let hash = world.password_hash(EMAIL).expect("just made");
    world.accounts.borrow_mut().remove(EMAIL);
    world.operations();
    for reply in [
        world.me(&here),
        world.rename(&here, &json!({"name": "x"})),
        world.change_password(&here, PASSWORD, "better horse"),
        world.delete_account(&here, PASSWORD),
    ] {
        expect_error(&reply, UNAVAILABLE);
    }
    assert_eq!(world.operations().writes, Vec::<String>::new());
    assert_eq!(world.lines("account_missing").len(), 4);
    world.import(&id, EMAIL, &hash);
    for device in [&here, &there] {
        assert_eq!(world.me(device).status, 200);
        world.refresh(device);
    }
    world.refresh(world.log_in_with(PASSWORD));
}

#[test]
fn many_sessions_are_erased_page_by_page() {
    let world = World::with_any_password();
    world.import("u1", EMAIL, BCRYPT);
    let here = world.log_in_with(PASSWORD);
    for _ in 0..200 {
        world.log_in_with(PASSWORD);
    }
    assert_eq!(world.keys("session:").len(), 201);
    assert_eq!(world.delete_account(&here, PASSWORD).status, 200);
    assert_eq!(world.keys("session:"), Vec::<String>::new());
}

#[test]
fn erasing_that_is_never_answered_is_given_up_with_a_line() {
    let (world, here) = signed_up();
    for _ in 0..40 {
        world.pass(HOUR / 20);
        world.log_in_with(PASSWORD);
    }
    let here = world.refresh(&here);
    world.inject(later_pages(Trouble::Silent));
    assert_eq!(world.delete_account(&here, PASSWORD).status, 200);
    assert_eq!(world.lines("sessions_not_erased").len(), 1);
    assert_eq!(world.keys("session:").len(), 41 - 25);
    // Its sessions are over all the same, so no request of theirs gets as far as to erase them.
    world.recover();
    expect_error(&world.me(&here), REVOKED);
    assert_eq!(world.keys("session:").len(), 41 - 25);
}

#[rstest]
fn a_session_of_another_back_end_has_no_account_to_change_whatever_its_claims_say(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let world = World::new();
    let claims = json!({"email": EMAIL});
    let session = tokens(&world.open(&json!({"userId": "bob", "claims": claims})));
    let me = json!({"id": "bob", "claims": claims});
    assert_eq!(body(&world.me(&session)), me);
    for reply in [
        world.change_password(&session, PASSWORD, "better horse"),
        world.delete_account(&session, PASSWORD),
        world.rename(&session, &json!({"name": "x"})),
    ] {
        expect_error(&reply, NOT_FOUND);
    }
    world.refresh(&session);
}

#[rstest]
fn bad_fields_are_named(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    // Not the address that the messages have for an example.
    let good = "lovelace@example.org";
    let long_email = format!("{}@example.com", "x".repeat(243));
    for (field, value) in [
        ("email", Value::Null),
        ("email", json!("ada")),
        ("email", json!(7)),
        ("email", json!(long_email)),
        ("email", json!("${email}")),
        ("password", Value::Null),
        ("password", json!("x".repeat(7))),
        ("password", json!("x".repeat(129))),
        ("password", json!(["x"])),
        ("name", json!("x".repeat(10_000))),
    ] {
        let mut person = json!({"email": good, "password": PASSWORD});
        if value.is_null() {
            person.as_object_mut().expect("an object").remove(field);
        } else {
            person[field] = value;
        }
        let reply = world.post("/auth/signup", &person);
        expect_bad_field(&reply, field);
        assert!(!reply.body.contains(PASSWORD) && !reply.body.contains(good));
    }
    assert_eq!(world.password_hash(good), None);
}

#[rstest]
fn passwords_are_taken_as_they_are(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let world = World::new();
    for (email, password) in [
        ("a@example.com", "🦀🦀🦀🦀🦀🦀🦀🦀"),
        ("b@example.com", "   spaces   "),
        ("c@example.com", "'; DROP TABLE users; --"),
        ("d@example.com", r#"{"$ne":null}"#),
        ("e@example.com", "my${secret}pass"),
    ] {
        let person = json!({"email": email, "password": password});
        tokens(&world.post("/auth/signup", &person));
        tokens(&world.try_log_in(email, password));
        let mut shorter = password.to_owned();
        shorter.pop();
        expect_error(&world.try_log_in(email, &shorter), INVALID_CREDENTIALS);
    }
}

#[test]
fn an_account_store_that_fails_counts_no_attempts() {
    let (world, login) = signed_up();
    for store in [Store::D1, Store::Guard] {
        world.inject(all_fail(store));
        for _ in 0..20 {
            expect_error(&world.try_log_in(EMAIL, PASSWORD), UNAVAILABLE);
            let change = world.change_password(&login, PASSWORD, "better horse");
            expect_error(&change, UNAVAILABLE);
            expect_error(&world.delete_account(&login, PASSWORD), UNAVAILABLE);
        }
        world.recover();
        world.log_in_with(PASSWORD);
        assert_eq!(world.me(&login).status, 200);
    }
}

#[rstest]
fn too_many_wrong_passwords_make_a_wait_with_its_length(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = signed_up();
    for _ in 0..10 {
        world.fail_to_log_in();
    }
    let reply = world.try_log_in(EMAIL, PASSWORD);
    expect_error(&reply, TOO_MANY_ATTEMPTS);
    assert_eq!(header(&reply, "Retry-After"), Some("59"));
    world.pass(MINUTE);
    world.log_in_with(PASSWORD);
}

#[rstest]
fn a_stranger_elsewhere_does_not_lock_the_owner_out(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    let (world, _) = signed_up();
    let mut login = post(
        "/auth/login",
        &json!({"email": EMAIL, "password": "wrong horse"}),
    );
    login.ip = Some("198.51.100.7".into());
    let answers: Vec<u16> = (0..110).map(|_| world.answer(&login).status).collect();
    assert!(answers.iter().all(|status| [401, 429].contains(status)));
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 11);
    world.log_in_with(PASSWORD);
}

#[rstest]
fn nothing_personal_reaches_the_log(#[values(Kv, DurableObjects)] store: SessionStore) {
    use_store(store);
    let (world, login) = signed_up();
    world.inject(all_fail(Store::D1));
    world.try_log_in(EMAIL, PASSWORD);
    world.me(&login);
    world.recover();
    world.delete_account(&login, PASSWORD);
    let log = world.log().join("\n");
    assert!(log.contains("fault"), "{log}");
    for secret in [EMAIL, PASSWORD, "Ada", &login.access, &login.refresh] {
        assert!(!log.contains(secret), "{log}");
    }
}
