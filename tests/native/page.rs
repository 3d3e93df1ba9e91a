//! `GET /`: the setup page, as far as it is not the browser's.

use tokenkeep::http::method::Method;

use tokenkeep_world::trouble::{Store, Trouble};

use crate::world::{World, all_fail, call, expect_error, header, reads};

#[test]
fn the_page_comes_with_the_policy_that_it_was_built_with() {
    let reply = World::new().answer(&call(Method::Get, "/", None, ""));
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (200, "<!doctype html>")
    );
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ] {
        assert_eq!(header(&reply, name), Some(value));
    }
}

#[test]
fn the_page_answers_verbs_as_every_address_does() {
    let world = World::new();
    let answer = |method, path| world.answer(&call(method, path, None, ""));
    let head = answer(Method::Head, "/");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(header(&head, "Content-Security-Policy").is_some());

    let options = answer(Method::Options, "/");
    assert_eq!(options.status, 204);
    assert_eq!(header(&options, "Allow"), Some("GET, HEAD, OPTIONS"));

    let post = answer(Method::Post, "/");
    expect_error(&post, 405, "method_not_allowed");
    assert_eq!(header(&post, "Allow"), Some("GET, HEAD, OPTIONS"));
    expect_error(&answer(Method::Get, "//"), 404, "not_found");
}

#[test]
fn the_page_is_there_when_nothing_else_is() {
    for setting in [
        ("refresh_token_secret", ""),
        ("SETUP_PAGE", "maybe"),
        ("SETUP_PAGE", " On "),
        ("SIGN_UP", "perhaps"),
    ] {
        let world = World::with(&[setting]);
        world.unbind("SESSIONS");
        world.inject(all_fail(Store::D1));
        world.inject(reads(Trouble::Fails));
        let reply = world.answer(&call(Method::Get, "/", None, ""));
        assert_eq!(reply.status, 200, "{setting:?}");
    }
}

#[test]
fn the_page_can_be_turned_off_whatever_else_is_wrong() {
    for setting in [("SIGN_UP", "on"), ("refresh_token_secret", "")] {
        let world = World::with(&[("SETUP_PAGE", "OFF"), setting]);
        let get = world.answer(&call(Method::Get, "/", None, ""));
        expect_error(&get, 404, "not_found");
        let head = world.answer(&call(Method::Head, "/", None, ""));
        assert_eq!((head.status, head.body.as_str()), (404, ""));
    }
    let world = World::with(&[("SETUP_PAGE", "off")]);
    let health = world.answer(&call(Method::Get, "/health", None, ""));
    assert_eq!(health.status, 200);
}
