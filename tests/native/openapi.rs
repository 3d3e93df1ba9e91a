//! `public/openapi.json`, checked against the routes, the errors and the limits of the code. That every
//! answer is as it says is seen by every other test: [`World::answer`](crate::world::World::answer) looks it up.

use std::collections::BTreeSet;

use serde_json::Value;
use tokenkeep::{
    http::{error::RETRY_AFTER_SECONDS, request::BODY_BYTES},
    routes::Route,
    session::{cursor::CURSOR_BYTES, device::DEVICE_CHARACTERS, store::SESSIONS_PER_PAGE},
    token::TOKEN_BYTES,
};
use tokenkeep_contract::{DOCUMENT, STATIC_FILES, fits, resolve};
use tokenkeep_world::Place;

/// Methods of a path item; its other fields are no operations.
fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Status and code of each error that this response may be.
fn errors_of(status: &str, response: &'static Value) -> Vec<(u16, String)> {
    let schema = &resolve(response)["content"]["application/json"]["schema"];
    let code = &schema["properties"]["code"];
    let codes = code["enum"].as_array().into_iter().flatten();
    codes
        .map(|code| {
            (
                status.parse().expect("a status"),
                code.as_str().expect("a code").into(),
            )
        })
        .collect()
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let served: BTreeSet<(String, String)> = Route::<Place>::ALL
        .iter()
        .map(|route| (route.path.to_owned(), route.method.name().to_lowercase()))
        .collect();
    let documented: BTreeSet<(String, String)> = operations()
        .filter(|(path, _, _)| !STATIC_FILES.contains(path))
        .map(|(path, method, _)| (path.to_owned(), method.to_owned()))
        .collect();
    assert_eq!(served, documented);
}

#[test]
fn every_error_is_documented_with_its_status_and_nothing_else() {
    let of_operations = operations().flat_map(|(_, _, operation)| {
        let responses = operation["responses"].as_object().expect("responses");
        responses
            .iter()
            .flat_map(|(status, response)| errors_of(status, response))
    });
    let responses = &DOCUMENT["components"]["responses"];
    let of_addresses = [("404", "NotFound"), ("405", "MethodNotAllowed")];
    let documented: BTreeSet<(u16, String)> = of_operations
        .chain(
            of_addresses
                .into_iter()
                .flat_map(|(status, name)| errors_of(status, &responses[name])),
        )
        .collect();
    let of_oauth = crate::codes::of_oauth();
    let expected: BTreeSet<_> = crate::codes::in_source()
        .union(&of_oauth)
        .cloned()
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn every_shared_response_is_used() {
    let text = DOCUMENT.to_string();
    let responses = DOCUMENT["components"]["responses"]
        .as_object()
        .expect("responses");
    for name in responses.keys().filter(|name| *name != "MethodNotAllowed") {
        assert!(
            text.contains(&format!("#/components/responses/{name}\"")),
            "{name}"
        );
    }
}

#[test]
fn every_example_is_what_its_schema_describes() {
    let mut seen = 0;
    for (path, method, operation) in operations() {
        let Some(content) = operation["requestBody"]["content"].get("application/json") else {
            continue;
        };
        assert!(
            fits(&content["schema"], &content["example"]),
            "{method} {path}"
        );
        seen += 1;
    }
    assert!(seen >= 9, "{seen} bodies");
}

#[test]
fn operation_ids_are_unique() {
    let ids: BTreeSet<&str> = operations()
        .map(|(_, _, operation)| operation["operationId"].as_str().expect("a name"))
        .collect();
    assert_eq!(ids.len(), operations().count());
}

#[test]
fn the_limits_are_those_of_the_code() {
    let schemas = &DOCUMENT["components"]["schemas"];
    assert_eq!(schemas["Device"]["maxLength"], DEVICE_CHARACTERS);
    assert_eq!(schemas["RefreshToken"]["maxLength"], TOKEN_BYTES);
    assert_eq!(
        schemas["SessionPage"]["properties"]["sessions"]["maxItems"],
        SESSIONS_PER_PAGE
    );
    let list = &DOCUMENT["paths"]["/auth/sessions"]["get"];
    assert_eq!(list["parameters"][0]["schema"]["maxLength"], CURSOR_BYTES);
    let responses = &DOCUMENT["components"]["responses"];
    let too_large = responses["TooLarge"]["description"].as_str().expect("text");
    assert!(
        too_large.contains(&format!("{} KiB", BODY_BYTES / 1024)),
        "{too_large}"
    );
    let wait = &responses["Unavailable"]["headers"]["Retry-After"]["schema"];
    assert!(wait["maximum"].as_u64() >= Some(RETRY_AFTER_SECONDS));
}

#[test]
fn the_version_is_that_of_the_code() {
    assert_eq!(DOCUMENT["info"]["version"], env!("CARGO_PKG_VERSION"));
}
