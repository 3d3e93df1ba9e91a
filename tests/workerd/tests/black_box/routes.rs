//! Addresses, methods, CORS and the headers of every answer.

use tokenkeep_contract::STATIC_FILES;
use tokenkeep_workerd_tests::{
    client::{Answer, Client},
    workerd::{Settings, Workerd},
};

use crate::stage::Stage;

/// Every address with its `Allow`.
pub const ROUTES: [(&str, &[&str]); 13] = [
    ("/auth/logout/all", &["POST", "OPTIONS"]),
    ("/auth/sessions", &["GET", "HEAD", "OPTIONS"]),
    ("/auth/sessions/x", &["DELETE", "OPTIONS"]),
    ("/auth/revoke", &["POST", "OPTIONS"]),
    ("/auth/login", &["POST", "OPTIONS"]),
    ("/auth/signup", &["POST", "OPTIONS"]),
    ("/auth/password/change", &["POST", "OPTIONS"]),
    ("/auth/token", &["POST", "OPTIONS"]),
    ("/auth/logout", &["POST", "OPTIONS"]),
    ("/auth/session", &["POST", "OPTIONS"]),
    ("/auth/me", &["GET", "HEAD", "PATCH", "DELETE", "OPTIONS"]),
    ("/auth/me/delete", &["POST", "OPTIONS"]),
    ("/generate_jwt_secret", &["GET", "HEAD", "POST", "OPTIONS"]),
    ("/health", &["GET", "HEAD", "OPTIONS"]),
];

/// Methods that the runtime knows and hands on.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PURGE",
];

fn client() -> &'static Client {
    Stage::shared().client()
}

fn call(method: &str, path: &str) -> Answer {
    client().send(client().request(method, path), ())
}

/// A list in a header, sorted.
fn list(answer: &Answer, name: &str) -> Vec<String> {
    let mut items: Vec<String> = answer
        .header(name)
        .unwrap_or_default()
        .split(',')
        .map(|item| item.trim().to_owned())
        .collect();
    items.sort();
    items
}

fn sorted(items: &[&str]) -> Vec<String> {
    let mut items: Vec<String> = items.iter().copied().map(str::to_owned).collect();
    items.sort();
    items
}

#[test]
fn a_wrong_verb_learns_what_is_allowed() {
    for (path, allowed) in ROUTES {
        for method in METHODS.iter().filter(|method| !allowed.contains(method)) {
            let answer = call(method, path);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(list(&answer, "allow"), sorted(allowed), "{method} {path}");
            if *method != "HEAD" {
                answer.assert_error(405, "method_not_allowed");
            }
        }
    }
}

#[test]
fn a_verb_that_nobody_knows_is_no_get() {
    for method in ["BREW", "get", "Post"] {
        for (path, _) in ROUTES {
            let answer = call(method, path);
            // The runtime itself refuses such methods before the worker sees them.
            assert!(
                [405, 501].contains(&answer.status),
                "{method} {path}: {}",
                answer.text
            );
        }
    }
}

#[test]
fn head_is_a_get_without_a_body() {
    for path in ["/health", "/generate_jwt_secret"] {
        let (head, get) = (call("HEAD", path), call("GET", path));
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
    let head = call("HEAD", "/auth/me");
    assert_eq!((head.status, head.text.as_str()), (401, ""));
}

#[test]
fn a_preflight_is_answered_for_every_route_and_allows_what_it_is_asked_for() {
    for (path, allowed) in ROUTES {
        for wanted in ["authorization", "authorization, content-type, x-anything"] {
            let request = client()
                .request("OPTIONS", path)
                .header("origin", "https://app.example")
                .header("access-control-request-method", allowed[0])
                .header("access-control-request-headers", wanted);
            let answer = client().send(request, ());
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-headers"), Some(wanted));
            let methods = list(&answer, "access-control-allow-methods");
            assert_eq!(methods, sorted(allowed), "{path}");
        }
    }
}

#[test]
fn only_pages_of_the_allowed_origins_can_read_answers_where_some_are_named() {
    let origins = "https://app.example, http://localhost:3000";
    let settings = Settings::fresh().with("CORS_ALLOWED_ORIGINS", origins);
    let workerd = Workerd::start(&[settings]);
    let client = &workerd.clients[0];
    for (origin, allowed) in [
        ("https://app.example", true),
        ("http://localhost:3000", true),
        ("https://app.example.evil.example", false),
        ("https://evil.example", false),
        ("http://app.example", false),
        ("null", false),
    ] {
        for method in ["GET", "OPTIONS"] {
            let request = client.request(method, "/auth/me").header("origin", origin);
            let answer = client.send(request, ());
            let expected = allowed.then_some(origin);
            assert_eq!(answer.header("access-control-allow-origin"), expected);
            let varies = list(&answer, "vary");
            assert!(varies.contains(&"Origin".to_owned()), "{varies:?}");
        }
    }
    // An app is no web page.
    let session = client.new_session();
    assert_eq!(client.refresh(&session.refresh).status, 200);
}

/// The runtime alone has no static files, as a worker without the section `[assets]`.
#[test]
fn without_static_files_there_is_no_page() {
    for path in STATIC_FILES {
        client().get(path).assert_error(404, "not_found");
        let head = call("HEAD", path);
        assert_eq!((head.status, head.text.as_str()), (404, ""), "{path}");
    }
    assert_eq!(client().get("/health").status, 200);
}

#[test]
fn every_refusal_has_a_name_of_its_own() {
    let id = || client().refresh("x").json()["requestId"].to_string();
    assert_ne!(id(), id());
}
