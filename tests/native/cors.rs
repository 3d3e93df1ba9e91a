//! Browsers, methods and addresses.

use tokenkeep::http::{
    method::Method,
    request::{Body, Call},
};

use crate::{
    client::{call, expect_error, header},
    codes::{METHOD_NOT_ALLOWED, NOT_FOUND, TOO_LARGE},
    world::World,
};

fn from_page(method: Method, path: &str, page: &str) -> Call {
    Call {
        page_origin: Some(page.into()),
        wanted_headers: Some("authorization,x-mine".into()),
        ..call(method, path, None, "")
    }
}

#[test]
fn a_preflight_allows_what_it_asks_for_on_every_route() {
    let world = World::new();
    for path in [
        "/auth/token",
        "/auth/session",
        "/auth/me",
        "/auth/logout",
        "/health",
        "/generate_jwt_secret",
    ] {
        let reply = world.answer(&from_page(Method::Options, path, "https://shop.example"));
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        assert_eq!(header(&reply, "Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(
            header(&reply, "Access-Control-Allow-Headers"),
            Some("authorization,x-mine")
        );
        assert!(header(&reply, "Access-Control-Allow-Methods").is_some());
    }
}

#[test]
fn pages_of_other_origins_cannot_read_answers() {
    let world = World::with(&[("CORS_ALLOWED_ORIGINS", "https://shop.example:443/")]);
    let allowed = world.answer(&from_page(
        Method::Post,
        "/auth/token",
        "https://shop.example",
    ));
    assert_eq!(
        header(&allowed, "Access-Control-Allow-Origin"),
        Some("https://shop.example")
    );
    assert_eq!(
        header(&allowed, "Access-Control-Allow-Credentials"),
        Some("true")
    );
    let other = world.answer(&from_page(
        Method::Post,
        "/auth/token",
        "https://evil.example",
    ));
    assert_eq!(header(&other, "Access-Control-Allow-Origin"), None);
    let to_any = World::new().answer(&from_page(Method::Post, "/auth/token", "https://a.example"));
    for reply in [&other, &to_any] {
        assert_eq!(header(reply, "Access-Control-Allow-Credentials"), None);
    }
    for reply in [allowed, other] {
        assert_eq!(header(&reply, "Vary"), Some("Origin"));
    }
}

#[test]
fn errors_can_be_read_by_pages_too() {
    let world = World::new();
    let reply = world.answer(&from_page(Method::Post, "/nowhere", "https://shop.example"));
    expect_error(&reply, NOT_FOUND);
    assert_eq!(header(&reply, "Access-Control-Allow-Origin"), Some("*"));
    assert!(
        header(&reply, "Access-Control-Expose-Headers")
            .is_some_and(|names| names.contains("Retry-After"))
    );
}

#[test]
fn head_answers_like_get_without_a_body() {
    let world = World::new();
    let reply = world.answer(&call(Method::Head, "/health", None, ""));
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
}

#[test]
fn a_wrong_method_is_a_405_and_a_large_body_a_413() {
    let world = World::new();
    let reply = world.answer(&call(Method::Get, "/auth/token", None, ""));
    expect_error(&reply, METHOD_NOT_ALLOWED);
    assert_eq!(header(&reply, "Allow"), Some("POST, OPTIONS"));
    let large = Call {
        body: Body::TooLarge,
        ..call(Method::Post, "/auth/token", None, "")
    };
    expect_error(&world.answer(&large), TOO_LARGE);
}

#[test]
fn answers_are_never_cached() {
    let world = World::new();
    for (method, path) in [
        (Method::Post, "/auth/token"),
        (Method::Get, "/auth/me"),
        (Method::Get, "/generate_jwt_secret"),
    ] {
        let reply = world.answer(&call(method, path, None, ""));
        assert_eq!(header(&reply, "Cache-Control"), Some("no-store"));
    }
}

#[test]
fn the_request_id_is_cloudflares_own_where_there_is_one() {
    let world = World::new();
    let with_ray = |ray: &str| {
        let reply = world.answer(&Call {
            ray: Some(ray.into()),
            ..call(Method::Get, "/nowhere", None, "")
        });
        crate::client::body(&reply)["requestId"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    assert_eq!(with_ray("8f1e2d3c4b5a-FRA"), "8f1e2d3c4b5a-FRA");
    assert_eq!(
        with_ray("\"},{\"").len(),
        16,
        "a header that a stranger made up is not repeated"
    );
}
