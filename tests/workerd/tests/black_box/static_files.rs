//! The files of `public/`, as Cloudflare serves them without running the worker. The worker beside
//! them has no secret and no binding here.

use std::{fs, sync::LazyLock};

use tokenkeep_contract::{DOCUMENT, STATIC_FILES};
use tokenkeep_workerd_tests::{
    client::{Answer, Client},
    project::folder,
    wrangler::{Project, Wrangler},
};

use crate::routes::ROUTES;

fn client() -> &'static Client {
    static NOT_SET_UP: LazyLock<(Project, Wrangler)> = LazyLock::new(|| {
        let project = Project::not_set_up();
        let wrangler = project.start();
        (project, wrangler)
    });
    &NOT_SET_UP.1.client
}

fn call(method: &str, path: &str) -> Answer {
    client().send(client().request(method, path), ())
}

#[test]
fn the_page_runs_nothing_but_its_own_script_and_calls_nobody_but_this_worker() {
    let page = client().get("/");
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
}

#[test]
fn each_file_is_served_as_it_is_and_for_what_it_is() {
    for (path, file, content_type) in [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/openapi.json", "openapi.json", "application/json"),
        ("/bravo.json", "bravo.json", "application/json"),
    ] {
        let answer = client().get(path);
        let text = fs::read_to_string(folder().join("public").join(file)).expect("the file");
        assert_eq!((answer.status, answer.text), (200, text), "{path}");
        assert_eq!(answer.headers["content-type"], content_type);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[test]
fn any_page_can_read_the_documents() {
    assert_eq!(client().get("/openapi.json").json(), *DOCUMENT);
    for path in ["/openapi.json", "/bravo.json"] {
        let answer = client().get(path);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    }
}

#[test]
fn files_take_get_and_head_only() {
    for path in STATIC_FILES {
        let head = call("HEAD", path);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let answer = call(method, path);
            assert_eq!((answer.status, answer.text.as_str()), (405, ""), "{path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
    }
}

#[test]
fn no_file_stands_in_the_way_of_the_worker() {
    for (path, allowed) in ROUTES {
        let answer = call("OPTIONS", path);
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("allow"), Some(allowed.join(", ").as_str()));
    }
    client().refresh("x").assert_error(500, "misconfigured");
    assert_eq!(client().get("/health").status, 503);
    assert_eq!(client().get("/generate_jwt_secret").status, 200);
}

#[test]
fn nothing_else_of_the_project_is_served() {
    for path in [
        "/_headers",
        "/.dev.vars",
        "/wrangler.toml",
        "/public/page.js",
        "/nowhere",
    ] {
        client().get(path).assert_error(404, "not_found");
    }
}
