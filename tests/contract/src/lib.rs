//! # Answers, checked against the documentation
//!
//! Every test that talks to the worker, in memory or over HTTP, shows each answer to [`check`]: it
//! has to be one that `public/openapi.json` describes, to the last field.
//!
//! A client of the document must take fields that it does not know: another release may add some.
//! Here they are refused, so that nothing is answered that is not written down.

mod schemas;

use std::{collections::HashMap, sync::LazyLock};

use jsonschema::Validator;
use serde_json::Value;

/// Addresses that Cloudflare serves from `public/` without asking the worker.
pub const STATIC_FILES: [&str; 5] = ["/", "/page.css", "/page.js", "/openapi.json", "/bravo.json"];

/// The headers that belong to a status: given where documented, and nowhere else.
const TELLING_HEADERS: [&str; 3] = ["Retry-After", "WWW-Authenticate", "Allow"];

/// The document.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../public/openapi.json"))
        .expect("the document is JSON")
});

/// An answer, and the request that it belongs to.
pub struct Seen<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path; a query may follow.
    pub path: &'a str,
    /// HTTP status.
    pub status: u16,
    /// Looks up a header of the answer.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The body as text.
    pub body: &'a str,
}

/// Whether the answer is documented.
///
/// # Errors
/// What is wrong with it.
pub fn check(seen: &Seen<'_>) -> Result<(), String> {
    let path = seen.path.split('?').next().unwrap_or_default();
    if STATIC_FILES.contains(&path) {
        return Ok(());
    }
    if seen.method == "OPTIONS" {
        return check_preflight(path, seen);
    }
    let response = response_for(seen.method, path, seen.status).ok_or_else(|| {
        format!(
            "{} {path} answers {}: not documented",
            seen.method, seen.status
        )
    })?;
    check_headers(response, seen)?;
    if seen.method == "HEAD" {
        return Ok(());
    }
    check_body(response, seen)
}

/// A preflight is CORS's matter and not documented; all there is to it is this.
fn check_preflight(path: &str, seen: &Seen<'_>) -> Result<(), String> {
    let expected = if operations(path).is_some() { 204 } else { 404 };
    // A body that is too large is refused before anyone looks at the method.
    if [expected, 413].contains(&seen.status) {
        Ok(())
    } else {
        Err(format!("OPTIONS {path} answers {}", seen.status))
    }
}

/// The documented response, looked up where the worker looks: path, then method, then status.
fn response_for(method: &str, path: &str, status: u16) -> Option<&'static Value> {
    let method = if method == "HEAD" { "GET" } else { method };
    let response = match operations(path) {
        None => (status == 404).then(|| &DOCUMENT["components"]["responses"]["NotFound"]),
        Some(operations) => match operations.get(method.to_ascii_lowercase()) {
            None => {
                (status == 405).then(|| &DOCUMENT["components"]["responses"]["MethodNotAllowed"])
            }
            Some(operation) => operation["responses"].get(status.to_string()),
        },
    };
    response.map(resolve)
}

/// What the document says about an address; repeated slashes count as one, and one at the end as
/// none.
fn operations(path: &str) -> Option<&'static Value> {
    let parts = |path: &'_ str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let path = parts(path);
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    paths.iter().find_map(|(template, operations)| {
        let template = parts(template);
        let mut both = template.iter().zip(&path);
        let fits = template.len() == path.len()
            && both.all(|(known, part)| known == "{id}" || known == part);
        fits.then_some(operations)
    })
}

/// What a `$ref` that stands alone points at.
#[must_use]
pub fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DOCUMENT
            .pointer(pointer.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{pointer} points nowhere")),
        None => value,
    }
}

fn check_headers(response: &Value, seen: &Seen<'_>) -> Result<(), String> {
    for name in TELLING_HEADERS {
        let told = || format!("{} {} {}: {name}", seen.method, seen.path, seen.status);
        match (response["headers"].get(name), (seen.header)(name)) {
            (None, None) => {}
            (Some(_), None) => return Err(format!("{} is missing", told())),
            (None, Some(_)) => return Err(format!("{} is not documented", told())),
            (Some(header), Some(text)) => {
                let value = match header["schema"]["type"].as_str() {
                    Some("integer") => text.parse::<u64>().map_or(Value::Null, Value::from),
                    _ => text.into(),
                };
                if !jsonschema::is_valid(&header["schema"], &value) {
                    return Err(format!("{} is {value}", told()));
                }
            }
        }
    }
    Ok(())
}

fn check_body(response: &'static Value, seen: &Seen<'_>) -> Result<(), String> {
    let told = |what: &str| format!("{} {} {}: {what}", seen.method, seen.path, seen.status);
    let content_type = (seen.header)("Content-Type");
    if content_type.as_deref() != Some("application/json") {
        return Err(told(&format!("it is {content_type:?}")));
    }
    let body: Value =
        serde_json::from_str(seen.body).map_err(|error| told(&format!("no JSON: {error}")))?;
    let validator = &VALIDATORS[&std::ptr::from_ref(response).addr()];
    let objections: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{} at {:?}", error.masked(), error.instance_path().as_str()))
        .collect();
    if objections.is_empty() {
        Ok(())
    } else {
        Err(told(&objections.join("; ")))
    }
}

/// A validator for each response of the document, by where the response stands in memory.
static VALIDATORS: LazyLock<HashMap<usize, Validator>> = LazyLock::new(|| {
    let operations = DOCUMENT["paths"].as_object().expect("paths").values();
    let own = operations
        .flat_map(|operations| operations.as_object().expect("methods").values())
        .flat_map(|operation| {
            operation["responses"]
                .as_object()
                .expect("responses")
                .values()
        });
    let shared = DOCUMENT["components"]["responses"]
        .as_object()
        .expect("responses");
    own.chain(shared.values())
        .map(resolve)
        .map(|response| {
            let schema = &response["content"]["application/json"]["schema"];
            (std::ptr::from_ref(response).addr(), schemas::strict(schema))
        })
        .collect()
});

/// Whether a value is what a schema of the document describes, as the document stands.
#[must_use]
pub fn fits(schema: &Value, value: &Value) -> bool {
    schemas::as_it_stands(schema).is_valid(value)
}
