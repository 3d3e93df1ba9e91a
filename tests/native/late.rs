//! Changes of the table of accounts that come when whoever asked for them has given up.

use serde_json::json;
use tokenkeep::http::{method::Method, reply::Reply, request::Call};

use tokenkeep_world::trouble::{Plan, SLOW_MS, Store, Trouble};

use crate::world::{Tokens, World, call, expect_error, tokens};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "first horse";
/// A bcrypt hash of the password, as another system stored it.
const BCRYPT: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";
const OF_BCRYPT: &str = "correct horse";

fn log_in(password: &str) -> Call {
    let body = json!({"email": EMAIL, "password": password}).to_string();
    call(Method::Post, "/auth/login", None, &body)
}

fn change(tokens: &Tokens, current: &str, new: &str) -> Call {
    let body = json!({"currentPassword": current, "newPassword": new}).to_string();
    let bearer = format!("Bearer {}", tokens.access);
    call(Method::Post, "/auth/password/change", Some(&bearer), &body)
}

fn sign_up(world: &World) -> Tokens {
    let person = json!({"email": EMAIL, "password": PASSWORD});
    tokens(&world.post("/auth/signup", &person))
}

/// Sends this request, and the table takes its change of the password 20 s later: the answer is a
/// 503 by then. Nothing of it has been done yet.
fn send_slowly(world: &World, request: &Call) {
    let change = Plan::new(Store::D1, "set password", Trouble::Slow);
    world.inject(change.times(1));
    let reply = world.answer(request);
    expect_error(&reply, 503, "temporarily_unavailable");
    world.recover();
}

#[track_caller]
fn expect_password(world: &World, right: &str, wrong: &str) {
    assert_eq!(world.answer(&log_in(right)).status, 200);
    let reply: Reply = world.answer(&log_in(wrong));
    expect_error(&reply, 401, "invalid_credentials");
}

#[test]
fn an_acknowledged_password_is_not_undone_by_a_change_that_comes_late() {
    let world = World::new();
    let login = sign_up(&world);
    send_slowly(&world, &change(&login, PASSWORD, "second horse"));
    let third = change(&login, PASSWORD, "third horse");
    assert_eq!(world.answer(&third).status, 200);
    world.settle();
    expect_password(&world, "third horse", "second horse");
}

#[test]
fn an_acknowledged_password_is_not_undone_by_a_renewal_that_comes_late() {
    let world = World::new();
    world.import("u1", EMAIL, BCRYPT);
    send_slowly(&world, &log_in(OF_BCRYPT));
    let login = tokens(&world.answer(&log_in(OF_BCRYPT)));
    let second = change(&login, OF_BCRYPT, "second horse");
    assert_eq!(world.answer(&second).status, 200);
    world.settle();
    expect_password(&world, "second horse", OF_BCRYPT);
}

#[test]
fn a_change_is_done_when_it_is_repeated_before_or_after_the_first_one_comes() {
    for comes_before in [false, true] {
        let world = World::new();
        let login = sign_up(&world);
        let second = change(&login, PASSWORD, "second horse");
        send_slowly(&world, &second);
        if comes_before {
            world.settle();
        }
        assert_eq!(world.answer(&second).status, 200);
        world.settle();
        assert_eq!(world.answer(&second).status, 200);
        expect_password(&world, "second horse", PASSWORD);
    }
}

#[test]
fn a_change_that_the_first_one_overtakes_is_a_503_and_done_when_it_is_repeated() {
    let world = World::new();
    let login = sign_up(&world);
    let second = change(&login, PASSWORD, "second horse");
    let comes_at = world.now() + SLOW_MS;
    send_slowly(&world, &second);
    // Session, account, account with its hash: three calls, and the first change comes before the
    // fourth.
    let pace_ms = 300;
    world.set_pace(pace_ms);
    world.pass(comes_at - 3 * pace_ms - pace_ms / 2 - world.now());
    let reply = world.answer(&second);
    expect_error(&reply, 503, "temporarily_unavailable");
    assert_eq!(world.answer(&second).status, 200);
    expect_password(&world, "second horse", PASSWORD);
}
