//! The claims that a back end gives a session; every access token of the session carries them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Maximum size of a session's claims as JSON, in bytes: every access token carries them, and it is
/// sent in a header.
pub(super) const CLAIMS_BYTES: usize = 2 * 1024;

/// Names that belong to the token itself (RFC 7519, section 4.1, and ours).
const RESERVED: [&str; 9] = [
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "gen",
];

/// Whether a name belongs to the token.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Custom claims: a JSON object of at most 2 KiB without reserved names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// # Errors
    /// Names the rule that the value breaks.
    pub fn parse(value: Value) -> Result<Self, Problem> {
        let size = value.to_string().len();
        let Value::Object(claims) = value else {
            return Err(Problem("must be an object"));
        };
        if claims.keys().any(|name| is_reserved(name)) {
            return Err(Problem(
                "must not use the reserved names iss sub aud exp nbf iat jti sid gen",
            ));
        }
        if size > CLAIMS_BYTES {
            return Err(Problem("must be at most 2048 bytes of JSON"));
        }
        Ok(Self(claims))
    }

    /// The claim of a session that a login opened.
    #[must_use]
    pub fn of_login(name: &str, text: &str) -> Self {
        Self(Map::from_iter([(name.to_owned(), text.into())]))
    }

    /// With a claim that is `true`, if this is.
    #[must_use]
    pub fn with(mut self, name: &str, is_true: bool) -> Self {
        if is_true {
            self.0.insert(name.to_owned(), true.into());
        }
        self
    }

    /// Without the claim of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Whether there is a claim of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The claim of this name, if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// All of them.
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The claims of a verified token: they were parsed before it was signed.
    pub(super) fn of_our_token(claims: Map<String, Value>) -> Self {
        Self(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_without_reserved_names_is_accepted() {
        assert!(CustomClaims::parse(json!({"role": "admin", "org": {"id": 7}})).is_ok());
    }

    #[test]
    fn a_login_gives_one_claim_that_is_a_string() {
        let claims = CustomClaims::of_login("email", "ada@example.com");
        assert_eq!(claims.text("email"), Some("ada@example.com"));
        assert_eq!(claims.text("name"), None);
        assert_eq!(
            Ok(claims),
            CustomClaims::parse(json!({"email": "ada@example.com"}))
        );
        let number = CustomClaims::parse(json!({"email": 1})).expect("good claims");
        assert_eq!(number.text("email"), None);
    }

    #[test]
    fn anything_but_an_object_is_refused() {
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
    fn claims_have_at_most_two_kibibytes() {
        let of_length = |length: usize| json!({"a": "x".repeat(length - r#"{"a":""}"#.len())});
        assert!(CustomClaims::parse(of_length(2048)).is_ok());
        assert!(CustomClaims::parse(of_length(2049)).is_err());
    }
}
