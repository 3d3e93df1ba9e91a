//! The claims that a back end gives a session, carried in every access token of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Most bytes of a session's claims as JSON: they travel in every access token, and a token goes
/// in a header.
const CLAIMS_BYTES: usize = 2 * 1024;

/// Names that belong to the token itself (RFC 7519, section 4.1, and ours).
const RESERVED: [&str; 9] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen",
];

/// Custom claims: a JSON object of at most 2 KiB without reserved names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// # Errors
    /// Names the rule that the value breaks.
    pub fn parse(value: Value) -> Result<Self, Problem> {
        let Value::Object(claims) = value else {
            return Err(Problem("must be an object"));
        };
        if RESERVED.iter().any(|name| claims.contains_key(*name)) {
            return Err(Problem(
                "must not use the reserved names iss sub aud exp nbf iat jti sid gen",
            ));
        }
        if Value::Object(claims.clone()).to_string().len() > CLAIMS_BYTES {
            return Err(Problem("must be at most 2048 bytes of JSON"));
        }
        Ok(Self(claims))
    }

    /// The one claim that a login gives.
    #[must_use]
    pub fn of_login(name: &str, text: &str) -> Self {
        Self(Map::from_iter([(name.to_owned(), text.into())]))
    }

    /// The claim of this name, if it is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// What was in a token that we signed: it was parsed before it went in.
    pub(super) fn of_our_token(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_without_reserved_names_is_taken() {
        assert!(CustomClaims::parse(json!({"role": "admin", "org": {"id": 7}})).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for value in [json!([]), json!("x"), json!(1), json!(true)] {
            assert!(CustomClaims::parse(value).is_err());
        }
    }

    #[test]
    fn every_reserved_name_is_refused() {
        for name in RESERVED {
            assert!(CustomClaims::parse(json!({ name: 1 })).is_err(), "{name}");
        }
    }

    #[test]
    fn claims_end_at_two_kibibytes() {
        let of_length = |length: usize| json!({"a": "x".repeat(length - r#"{"a":""}"#.len())});
        assert!(CustomClaims::parse(of_length(2048)).is_ok());
        assert!(CustomClaims::parse(of_length(2049)).is_err());
    }
}
