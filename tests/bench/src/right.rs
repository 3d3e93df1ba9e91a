//! What a right answer is. Each function names the first thing that is wrong, without its value:
//! there are tokens in it.

use hyper::header::HeaderMap;
use serde_json::{Map, Value};
use tokenkeep_workerd_tests::tokens::{
    RefreshClaims, claims, derived_access_key, header, is_signed_with,
};

use crate::session::{EMAIL, GENERATION};

/// Every field of Tokenkeep's answer, in the order of the alphabet.
const FIELDS: [&str; 7] = [
    "accessToken",
    "expiresAt",
    "expiresIn",
    "refreshToken",
    "sessionId",
    "tokenType",
    "userId",
];

const HEADERS: [(&str, &str); 5] = [
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "Retry-After, WWW-Authenticate",
    ),
];

/// What is wrong with the fields of Tokenkeep's answer: an access token and the successor, both
/// signed. Of a key pair, only the header is looked at; other tests verify the signature.
#[must_use]
pub fn our_fields(json: &Value, secret: &str, algorithm: &str) -> Option<&'static str> {
    let mut fields: Vec<&String> = json.as_object().into_iter().flat_map(Map::keys).collect();
    fields.sort();
    if fields != FIELDS {
        return Some("the list of fields");
    }
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    let (access, refresh) = (text("accessToken"), text("refreshToken"));
    if [access, refresh]
        .iter()
        .any(|it| it.split('.').count() != 3)
    {
        return Some("a token");
    }
    let is_signed = if algorithm == "HS256" {
        is_signed_with(access, &derived_access_key(secret))
    } else {
        header(access)["alg"] == algorithm
    };
    let said = claims(access);
    let place = format!("{}.", GENERATION + 1);
    let is_place = |text: &str| {
        let of_whom = [".account", ".service"];
        text.starts_with(&place) && of_whom.iter().any(|it| text.ends_with(it))
    };
    let stamps = ["iss", "aud", "iat", "exp", "jti"];
    first_wrong(&[
        ("the access token's signature", is_signed),
        (
            "the successor",
            RefreshClaims::read(refresh, secret).generation == GENERATION + 1,
        ),
        (
            "iss, aud, iat, exp or jti",
            stamps.iter().all(|it| !said[it].is_null()),
        ),
        ("sub", said["sub"] == json["userId"]),
        ("sid", said["sid"] == json["sessionId"]),
        ("the claim of the login", said["email"] == EMAIL),
        ("gen", said["gen"].as_str().is_some_and(is_place)),
        ("tokenType", json["tokenType"] == "Bearer"),
        ("expiresIn", json["expiresIn"] == 3600),
        ("expiresAt", json["expiresAt"].is_u64()),
    ])
}

/// Which of the headers of Tokenkeep's answer is missing or another.
#[must_use]
pub fn our_headers(headers: &HeaderMap) -> Option<&'static str> {
    let has = |(name, value)| headers.get(name).is_some_and(|it| it == value);
    let checks = HEADERS.map(|(name, value)| (name, has((name, value))));
    first_wrong(&checks)
}

/// What is wrong with the answer of an OAuth token endpoint (RFC 6749, section 5.1).
#[must_use]
pub fn oauth_fields(json: &Value) -> Option<&'static str> {
    let is_text = |name: &str| json[name].as_str().is_some_and(|text| !text.is_empty());
    first_wrong(&["access_token", "refresh_token"].map(|name| (name, is_text(name))))
}

fn first_wrong(checks: &[(&'static str, bool)]) -> Option<&'static str> {
    checks
        .iter()
        .find(|(_, is_right)| !is_right)
        .map(|(name, _)| *name)
}
