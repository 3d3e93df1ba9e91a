//! Guesses at a password: how many there are, who has to wait for them, and what answers reveal.

use serde_json::{Value, json};
use tokenkeep::{account::password::Password, http::request::Call};
use tokenkeep_world::trouble::{Plan, Store, Trouble};

use crate::{
    client::{
        BCRYPT, EMAIL, PASSWORD, Tokens, expect_bad_field, expect_error, header, post, tokens,
    },
    codes::{INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS},
    world::{DAY, HOUR, MINUTE, World},
};

const WRONG: &str = "wrong horse";

fn with_an_account() -> World {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    world
}

/// A login from one of many networks, with these fields beside the address.
fn log_in_from(network: usize, fields: &Value) -> Call {
    let mut body = fields.clone();
    body["email"] = json!(EMAIL);
    Call {
        ip: Some(format!("10.0.{}.{}", network / 256, network % 256)),
        ..post("/auth/login", &body)
    }
}

/// The owner's right password, with this in the place of the last refresh token.
fn owner_with(refresh_token: &Value) -> Value {
    json!({"password": PASSWORD, "refreshToken": refresh_token})
}

/// Wrong passwords from this network, until it has to wait.
fn fail_from(world: &World, network: usize) {
    for _ in 0..20 {
        let reply = world.answer(&log_in_from(network, &json!({"password": WRONG})));
        if reply.status == 429 {
            return;
        }
        expect_error(&reply, INVALID_CREDENTIALS);
    }
    panic!("no wait after twenty");
}

/// Strangers everywhere fail, until everybody without trust has to wait.
fn attack_from_everywhere(world: &World) {
    for network in 1..=5 {
        fail_from(world, network);
    }
    expect_error(
        &world.answer(&log_in_from(99, &json!({"password": PASSWORD}))),
        TOO_MANY_ATTEMPTS,
    );
}

#[test]
fn an_address_has_thirty_logins_an_hour_and_the_next_one_is_told_when_to_come() {
    let world = with_an_account();
    let right = post(
        "/auth/login",
        &json!({"email": EMAIL, "password": PASSWORD}),
    );
    for _ in 0..15 {
        world.log_in_with(PASSWORD);
    }
    let replies = world.answer_at_once(&vec![right.clone(); 25]);
    let opened = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(opened, 15);
    let sign_up = Call {
        path: "/auth/signup".into(),
        ..right.clone()
    };
    for call in [&right, &sign_up] {
        let reply = world.answer(call);
        expect_error(&reply, TOO_MANY_ATTEMPTS);
        let wait = header(&reply, "Retry-After").and_then(|wait| wait.parse().ok());
        assert!(wait.is_some_and(|wait: u64| (3_590..=3_600).contains(&wait)));
    }
    // Whoever does not know the password sees nothing of it.
    world.fail_to_log_in();
    world.guards_fall_asleep();
    world.pass(HOUR - 10_000);
    expect_error(&world.answer(&right), TOO_MANY_ATTEMPTS);
    world.pass(10_000);
    assert_eq!(world.answer(&right).status, 200);
}

#[test]
fn wrong_passwords_use_up_no_logins() {
    let world = with_an_account();
    for network in 1..=4 {
        fail_from(&world, network);
    }
    for _ in 0..30 {
        world.log_in_with(PASSWORD);
    }
}

/// A session of the account that is over, and the token of it that its app still has.
fn dead_session(world: &World) -> Tokens {
    let session = world.log_in_with(PASSWORD);
    let session = world.refresh_after(HOUR, &session);
    world.log_out(&session);
    session
}

#[test]
fn a_login_with_the_last_refresh_token_is_not_locked_out_by_strangers() {
    let world = with_an_account();
    let alive = world.log_in_with(PASSWORD);
    let dead = dead_session(&world);
    // So long ago that no network is remembered.
    world.pass(40 * DAY);
    attack_from_everywhere(&world);
    for session in [&alive, &dead] {
        let call = log_in_from(99, &owner_with(&json!(session.refresh)));
        tokens(&world.answer(&call));
    }
}

#[test]
fn a_token_that_has_expired_still_shows_whose_it_was() {
    let world = with_an_account();
    let session = world.log_in_with(PASSWORD);
    world.pass(390 * DAY);
    attack_from_everywhere(&world);
    let call = log_in_from(99, &owner_with(&json!(session.refresh)));
    tokens(&world.answer(&call));
}

#[test]
fn the_right_password_is_enough_whatever_stands_in_the_place_of_the_token() {
    let world = with_an_account();
    let other = world.log_in();
    let session = world.log_in_with(PASSWORD);
    for shown in [
        json!("${refreshToken}"),
        json!(""),
        json!("rubbish"),
        json!("x".repeat(9_000)),
        json!(7),
        json!({"a": []}),
        Value::Null,
        json!(other.refresh),
        json!(session.access),
        json!(format!("{}x", session.refresh)),
    ] {
        assert_eq!(
            world.answer(&log_in_from(1, &owner_with(&shown))).status,
            200,
            "{shown}"
        );
    }
}

#[test]
fn no_token_but_one_of_this_account_lifts_the_wait() {
    let world = with_an_account();
    let other = world.log_in();
    let session = world.log_in_with(PASSWORD);
    world.pass(40 * DAY);
    attack_from_everywhere(&world);
    for shown in [
        json!("${refreshToken}"),
        json!(7),
        json!(other.refresh),
        json!(session.access),
        json!(format!("{}x", session.refresh)),
    ] {
        let reply = world.answer(&log_in_from(99, &owner_with(&shown)));
        expect_error(&reply, TOO_MANY_ATTEMPTS);
    }
}

#[test]
fn a_token_has_ten_attempts_of_its_own_from_wherever_it_is_shown() {
    let world = with_an_account();
    let session = world.log_in_with(PASSWORD);
    let guess = json!({"password": WRONG, "refreshToken": session.refresh});
    let checked = (0..20)
        .filter(|network| world.answer(&log_in_from(*network, &guess)).status == 401)
        .count();
    assert_eq!(checked, 10);
    // Nobody else has to wait for that.
    fail_from(&world, 1);
}

#[test]
fn a_network_that_logged_in_within_thirty_days_is_not_locked_out_by_strangers() {
    for (days, status) in [(29, 200), (31, 429)] {
        let world = with_an_account();
        assert_eq!(
            world
                .answer(&log_in_from(99, &json!({"password": PASSWORD})))
                .status,
            200
        );
        world.guards_fall_asleep();
        world.pass(days * DAY);
        for network in 1..=5 {
            fail_from(&world, network);
        }
        let reply = world.answer(&log_in_from(99, &json!({"password": PASSWORD})));
        assert_eq!(reply.status, status, "after {days} days");
    }
}

#[test]
fn a_login_gives_nobody_on_its_network_new_attempts() {
    let world = with_an_account();
    let mut checked = 0;
    for _ in 0..6 {
        for _ in 0..9 {
            checked += usize::from(world.try_log_in(EMAIL, WRONG).status == 401);
        }
        world.try_log_in(EMAIL, PASSWORD);
    }
    assert_eq!(checked, 10);
}

#[test]
fn after_a_hundred_failures_there_is_one_attempt_an_hour_but_not_for_a_known_device() {
    let world = with_an_account();
    let session = world.log_in_with(PASSWORD);
    world.pass(40 * DAY);
    let mut failures = 0;
    let mut guess = |world: &World, network| {
        let reply = world.answer(&log_in_from(network, &json!({"password": WRONG})));
        failures += usize::from(reply.status == 401);
        header(&reply, "Retry-After").map(str::to_owned)
    };
    for network in 0..300 {
        guess(&world, network);
        world.pass(MINUTE);
    }
    let last = (0..30).find_map(|network| {
        world.pass(MINUTE);
        guess(&world, 300 + network).filter(|wait| wait.parse::<u64>().is_ok_and(|wait| wait > 900))
    });
    assert!(
        last.is_some(),
        "no wait is longer than a quarter of an hour"
    );
    assert!((100..106).contains(&failures), "{failures}");
    expect_error(
        &world.answer(&log_in_from(999, &json!({"password": PASSWORD}))),
        TOO_MANY_ATTEMPTS,
    );
    tokens(&world.answer(&log_in_from(999, &owner_with(&json!(session.refresh)))));
}

/// What a login with this password is answered, and when: milliseconds after it was sent.
fn timed(world: &World, email: &str, password: &str) -> (u16, u64) {
    let sent_at = world.now();
    let login = post(
        "/auth/login",
        &json!({"email": email, "password": password}),
    );
    (world.answer(&login).status, world.now() - sent_at)
}

#[test]
fn a_wrong_password_and_an_unknown_address_are_answered_at_the_same_moment() {
    let (unknown, expected) = ("nobody@example.com", (401, 1_000));
    let world = with_an_account();
    assert_eq!(timed(&world, unknown, WRONG), expected);
    assert_eq!(timed(&world, EMAIL, WRONG), expected);
    // A hash that takes long, as far as the worker can see: its guard is late.
    for (store, verb) in [
        (Store::Guard, "check password"),
        (Store::Storage, "put"),
        (Store::D1, "find by address"),
    ] {
        world.inject(Plan::new(store, verb, Trouble::Delayed(700)));
        assert_eq!(timed(&world, EMAIL, WRONG), expected, "{verb}");
        world.recover();
    }
    world.set_pace(150);
    assert_eq!(timed(&world, EMAIL, WRONG), expected);
    assert_eq!(timed(&world, unknown, WRONG), expected);
}

#[test]
fn a_refusal_comes_at_the_same_moment_for_an_unknown_address() {
    let world = with_an_account();
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..10 {
            timed(&world, email, WRONG);
        }
        assert_eq!(timed(&world, email, WRONG), (429, 1_000), "{email}");
    }
}

#[test]
fn the_right_password_is_answered_at_once() {
    assert_eq!(timed(&with_an_account(), EMAIL, PASSWORD), (200, 0));
}

#[test]
fn a_common_password_or_ones_own_address_is_not_taken_and_the_reason_is_named() {
    let world = World::new();
    let email = "lovelace@example.org";
    for (password, reason) in [
        ("password", "common"),
        ("PassWord1", "common"),
        ("12345678", "common"),
        (email, "address"),
        ("LoveLace", "address"),
    ] {
        let reply = world.post(
            "/auth/signup",
            &json!({"email": email, "password": password}),
        );
        expect_bad_field(&reply, "password");
        assert!(reply.body.contains(reason), "{}", reply.body);
    }
    let login = world.sign_up();
    for password in ["iloveyou1", EMAIL] {
        let reply = world.change_password(&login, PASSWORD, password);
        expect_bad_field(&reply, "newPassword");
    }
    world.log_in_with(PASSWORD);
}

#[test]
fn people_who_have_a_common_password_can_log_in() {
    let world = World::new();
    let hash = Password::parse("password").expect("good").hash([7; 16]);
    world.import("u1", EMAIL, hash.as_str());
    assert_eq!(world.try_log_in(EMAIL, "password").status, 200);
}
