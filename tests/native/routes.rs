//! The table of routes.

use tokenkeep::{
    http::{error::Error, method::Method},
    routes,
};
use tokenkeep_world::Place;

type Route = routes::Route<Place>;

fn error(method: Method, path: &str) -> Option<Error> {
    Route::find(method, path).err()
}

#[test]
fn every_route_is_found_however_many_slashes_there_are() {
    for route in Route::ALL {
        for path in [
            route.path.to_owned(),
            format!("{}/", route.path),
            format!("/{}", route.path),
            route.path.replace('/', "//") + "//",
        ] {
            let found = Route::find(route.method, &path).expect("a route");
            assert_eq!((found.method, found.path), (route.method, route.path));
        }
    }
}

#[test]
fn head_is_a_get_and_nothing_else() {
    let found = Route::find(Method::Head, "/health").expect("a route");
    assert_eq!((found.method, found.path), (Method::Get, "/health"));
    assert_eq!(
        error(Method::Head, "/auth/token"),
        Some(Error::MethodNotAllowed("POST, OPTIONS".into()))
    );
}

#[test]
fn a_wrong_method_learns_what_is_allowed() {
    for method in ["BREW", "get", "PUT"].map(Method::from_text) {
        assert_eq!(
            error(method, "/generate_jwt_secret"),
            Some(Error::MethodNotAllowed("GET, HEAD, POST, OPTIONS".into()))
        );
    }
}

#[test]
fn the_template_of_a_path_contains_nothing_of_the_caller() {
    for (path, template) in [
        ("/auth/sessions/x", Some("/auth/sessions/{id}")),
        ("/auth/token/", Some("/auth/token")),
        ("//auth/sessions//x/", Some("/auth/sessions/{id}")),
        ("/auth/tokens", None),
    ] {
        assert_eq!(Route::template(path), template);
    }
}

#[test]
fn an_unknown_path_is_not_found() {
    for path in [
        "//",
        "/auth/sessions/a/b",
        "/auth",
        "/auth/token/x",
        "/Auth/Token",
        "/auth/token%2f",
        "/%61uth/token",
    ] {
        assert_eq!(error(Method::Post, path), Some(Error::NotFound), "{path}");
    }
}
