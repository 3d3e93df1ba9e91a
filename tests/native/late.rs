//! Changes of the table of accounts that come when whoever asked for them has given up.

use rstest::rstest;
use serde_json::json;
use tokenkeep::config::SessionStore::{self, DurableObjects, Kv};
use tokenkeep::http::{method::Method, request::Call};
use tokenkeep_world::trouble::{Plan, SLOW_MS, Store, Trouble};

use crate::{
    client::{BCRYPT, EMAIL, PASSWORD, Tokens, expect_error, post, tokens, with_bearer},
    codes::{INVALID_CREDENTIALS, UNAVAILABLE},
    world::{World, use_store},
};

fn log_in(password: &str) -> Call {
    post(
        "/auth/login",
        &json!({"email": EMAIL, "password": password}),
    )
}

fn change(tokens: &Tokens, new: &str) -> Call {
    let body = json!({"currentPassword": PASSWORD, "newPassword": new});
    with_bearer(Method::Post, "/auth/password/change", &tokens.access, &body)
}

/// Sends this request, and the table takes its change of the password 20 s later: the answer is a
/// 503 by then. Nothing of it has been done yet.
fn send_slowly(world: &World, request: &Call) {
    let change = Plan::new(Store::D1, "set password", Trouble::Slow);
    world.inject(change.times(1));
    expect_error(&world.answer(request), UNAVAILABLE);
    world.recover();
}

#[track_caller]
fn expect_password(world: &World, right: &str, wrong: &str) {
    tokens(&world.answer(&log_in(right)));
    expect_error(&world.answer(&log_in(wrong)), INVALID_CREDENTIALS);
}

#[test]
fn an_acknowledged_password_is_not_undone_by_a_change_that_comes_late() {
    let world = World::new();
    let login = world.sign_up();
    send_slowly(&world, &change(&login, "second horse"));
    tokens(&world.answer(&change(&login, "third horse")));
    world.settle();
    expect_password(&world, "third horse", "second horse");
}

#[test]
fn an_acknowledged_password_is_not_undone_by_a_renewal_that_comes_late() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    send_slowly(&world, &log_in(PASSWORD));
    let login = tokens(&world.answer(&log_in(PASSWORD)));
    tokens(&world.answer(&change(&login, "second horse")));
    world.settle();
    expect_password(&world, "second horse", PASSWORD);
}

#[rstest]
fn a_change_is_done_when_it_is_repeated_before_or_after_the_first_one_comes(
    #[values(Kv, DurableObjects)] store: SessionStore,
) {
    use_store(store);
    for comes_before in [false, true] {
        let world = World::new();
        let second = change(&world.sign_up(), "second horse");
        send_slowly(&world, &second);
        if comes_before {
            world.settle();
        }
        tokens(&world.answer(&second));
        world.settle();
        tokens(&world.answer(&second));
        expect_password(&world, "second horse", PASSWORD);
    }
}

#[test]
fn a_change_that_the_first_one_overtakes_is_a_503_and_done_when_it_is_repeated() {
    let world = World::new();
    let second = change(&world.sign_up(), "second horse");
    let comes_at = world.now() + SLOW_MS;
    send_slowly(&world, &second);
    // Rate limit, session, account, account with its hash: four calls, and the first change comes
    // before the fifth.
    let pace_ms = 300;
    world.set_pace(pace_ms);
    world.pass(comes_at - 4 * pace_ms - pace_ms / 2 - world.now());
    expect_error(&world.answer(&second), UNAVAILABLE);
    tokens(&world.answer(&second));
    expect_password(&world, "second horse", PASSWORD);
}
