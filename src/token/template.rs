//! Claims that the owner adds to every access token (`ACCESS_TOKEN_CLAIMS`): JSON in which
//! placeholders stand for what is known of a session.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::token::{
    claims::{CLAIMS_BYTES, CustomClaims, is_reserved},
    id::UserId,
    json,
};

/// Maximum size of what a template can come to, as JSON, in bytes.
pub const TEMPLATE_BYTES: usize = 3 * 1024;

/// Maximum size of a user's id as JSON, in bytes: 128 characters, none of which is escaped.
const ID_BYTES: usize = 130;

/// Maximum size of an address as JSON, in bytes: 254, each of which may be escaped. What a back end has
/// put into the claim of this name may be longer, and then it is no address.
const EMAIL_BYTES: usize = 2 * 254 + 2;

/// The claim that a session's address is in.
const EMAIL: &str = "email";

/// A claim of ours that an account's token has, too.
const EMAIL_VERIFIED: &str = "email_verified";

/// `client_id`, the client that a token was issued to: clients do not register here, so all are the
/// owner's app. No user's id has a colon: a `sub` cannot be taken for a client (RFC 9068, section 5).
const CLIENT_ID: &str = "tokenkeep:app";

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// Not JSON, not an object, or with a name given twice.
    #[error("must be a JSON object that has each name once")]
    NoObject,
    /// A name that belongs to the token.
    #[error("must not use the reserved names iss sub aud exp nbf iat jti sid gen email_verified")]
    Reserved,
    /// A placeholder that stands for nothing, or within a text.
    #[error(
        "has a placeholder that is unknown or only a part of a text: \"{{{{userId}}}}\", \"{{{{email}}}}\" and \"{{{{claims.NAME}}}}\" are those there are"
    )]
    Placeholder,
    /// It may come to more than [`TEMPLATE_BYTES`].
    #[error("could come to more than {TEMPLATE_BYTES} bytes of claims: use each placeholder once")]
    TooLarge,
}

/// A template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsTemplate(Map<String, Value>);

impl ClaimsTemplate {
    /// Parses a JSON object.
    ///
    /// # Errors
    /// Names the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, TemplateProblem> {
        let template = json::object(text.as_bytes()).map_err(|_| TemplateProblem::NoObject)?;
        Self::checked(template)
    }

    /// With the claim `role`, unless the template has one.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn with_role(mut self, role: &str) -> Result<Self, TemplateProblem> {
        self.0.entry("role").or_insert_with(|| role.into());
        Self::checked(self.0)
    }

    /// With the claim `client_id`, which RFC 9068 (section 2.2) requires, unless the template has one.
    #[must_use]
    pub fn with_client_id(mut self) -> Self {
        let members = &mut self.0;
        members
            .entry("client_id")
            .or_insert_with(|| CLIENT_ID.into());
        self
    }

    fn checked(template: Map<String, Value>) -> Result<Self, TemplateProblem> {
        if template
            .keys()
            .any(|name| is_reserved(name) || name == EMAIL_VERIFIED)
        {
            return Err(TemplateProblem::Reserved);
        }
        let template = Value::Object(template);
        let mut used = Vec::new();
        collect(&template, &mut used)?;
        if template.to_string().len() + largest(&used) > TEMPLATE_BYTES {
            return Err(TemplateProblem::TooLarge);
        }
        match template {
            Value::Object(template) => Ok(Self(template)),
            _ => Err(TemplateProblem::NoObject),
        }
    }

    /// The claims of a session's access token. The session's own ones count for more than those of
    /// the template; what a placeholder stands for may be missing, and then its member is, too.
    #[must_use]
    pub fn claims<'c>(&self, user: &UserId, own: &'c CustomClaims) -> Cow<'c, CustomClaims> {
        if self.0.is_empty() {
            return Cow::Borrowed(own);
        }
        let mut claims = filled_members(&self.0, user, own);
        for (name, value) in own.members() {
            claims.insert(name.clone(), value.clone());
        }
        Cow::Owned(CustomClaims::of_our_token(claims))
    }
}

/// What placeholders can come to. All claims of a session together have at most [`CLAIMS_BYTES`].
fn largest(used: &[Placeholder<'_>]) -> usize {
    let times = |one: &Placeholder<'_>| used.iter().filter(|other| *other == one).count();
    let claims = used.iter().filter(|one| one.is_claim());
    times(&Placeholder::UserId) * ID_BYTES
        + times(&Placeholder::Email) * EMAIL_BYTES
        + claims.map(times).max().unwrap_or_default() * CLAIMS_BYTES
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder<'t> {
    UserId,
    Email,
    Claim(&'t str),
}

impl<'t> Placeholder<'t> {
    /// The placeholder that a text is, if it is one.
    fn parse(text: &'t str) -> Result<Option<Self>, TemplateProblem> {
        if !text.contains("{{") && !text.contains("}}") {
            return Ok(None);
        }
        let name = text.trim().strip_prefix("{{");
        let name = name.and_then(|name| name.strip_suffix("}}"));
        match name.map(str::trim) {
            Some("userId") => Ok(Some(Self::UserId)),
            Some("email") => Ok(Some(Self::Email)),
            Some(name) => match name.strip_prefix("claims.") {
                Some(name) if !name.is_empty() && !name.contains(['{', '}']) => {
                    Ok(Some(Self::Claim(name)))
                }
                _ => Err(TemplateProblem::Placeholder),
            },
            None => Err(TemplateProblem::Placeholder),
        }
    }

    fn is_claim(&self) -> bool {
        matches!(self, Self::Claim(_))
    }

    fn value(self, user: &UserId, own: &CustomClaims) -> Option<Value> {
        match self {
            Self::UserId => Some(user.as_str().into()),
            Self::Email => own.text(EMAIL).map(Value::from).filter(is_short),
            Self::Claim(name) => own.members().get(name).cloned(),
        }
    }
}

fn is_short(email: &Value) -> bool {
    email.to_string().len() <= EMAIL_BYTES
}

/// Every placeholder in a value.
fn collect<'t>(value: &'t Value, used: &mut Vec<Placeholder<'t>>) -> Result<(), TemplateProblem> {
    match value {
        Value::String(text) => used.extend(Placeholder::parse(text)?),
        Value::Array(values) => {
            for value in values {
                collect(value, used)?;
            }
        }
        Value::Object(members) => {
            for value in members.values() {
                collect(value, used)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn filled(value: &Value, user: &UserId, own: &CustomClaims) -> Option<Value> {
    match value {
        Value::String(text) => match Placeholder::parse(text) {
            Ok(Some(placeholder)) => placeholder.value(user, own),
            _ => Some(value.clone()),
        },
        Value::Array(values) => {
            let values = values.iter().filter_map(|value| filled(value, user, own));
            Some(values.collect())
        }
        Value::Object(members) => Some(filled_members(members, user, own).into()),
        other => Some(other.clone()),
    }
}

fn filled_members(
    members: &Map<String, Value>,
    user: &UserId,
    own: &CustomClaims,
) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, value) in members {
        if let Some(value) = filled(value, user, own) {
            claims.insert(name.clone(), value);
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled_in(template: &Value, own: Value) -> Value {
        let template = ClaimsTemplate::parse(&template.to_string()).expect("a template");
        let user = UserId::parse("ada").expect("a user id");
        let own = CustomClaims::parse(own).expect("good claims");
        let claims = template.claims(&user, &own).into_owned();
        serde_json::to_value(claims).expect("JSON")
    }

    #[test]
    fn a_template_is_filled_in_for_each_session() {
        let template = json!({
            "https://hasura.io/jwt/claims": {
                "x-hasura-user-id": "{{userId}}",
                "x-hasura-default-role": "user",
                "x-hasura-allowed-roles": ["user", "{{ claims.role }}"],
                "x-hasura-org": "{{claims.org}}",
            },
            "mail": "{{email}}",
            "level": 1,
        });
        assert_eq!(
            filled_in(
                &template,
                json!({"email": "ada@example.com", "role": "admin", "org": {"id": 7}})
            ),
            json!({
                "https://hasura.io/jwt/claims": {
                    "x-hasura-user-id": "ada",
                    "x-hasura-default-role": "user",
                    "x-hasura-allowed-roles": ["user", "admin"],
                    "x-hasura-org": {"id": 7},
                },
                "mail": "ada@example.com",
                "level": 1,
                "email": "ada@example.com",
                "role": "admin",
                "org": {"id": 7},
            })
        );
        let bare = filled_in(&template, json!({}));
        assert_eq!(
            bare["https://hasura.io/jwt/claims"]["x-hasura-allowed-roles"],
            json!(["user"])
        );
        assert!(bare.get("mail").is_none());
        assert!(
            bare["https://hasura.io/jwt/claims"]
                .get("x-hasura-org")
                .is_none()
        );
    }

    #[test]
    fn a_session_s_own_claims_count_for_more() {
        let seen = filled_in(&json!({"role": "user", "x": 1}), json!({"role": "admin"}));
        assert_eq!(seen, json!({"role": "admin", "x": 1}));
    }

    #[test]
    fn a_role_is_a_claim_that_the_template_may_replace() {
        let parse = |text| ClaimsTemplate::parse(text).expect("a template");
        let role = |template: &ClaimsTemplate| template.0["role"].clone();
        let plain = parse("{}").with_role("authenticated").expect("a role");
        assert_eq!(role(&plain), "authenticated");
        let own = parse(r#"{"role":"user"}"#).with_role("authenticated");
        assert_eq!(role(&own.expect("a role")), "user");
    }

    /// What is signed must fit into what is verified, or nobody could use it.
    #[test]
    fn nothing_that_is_filled_in_is_larger_than_it_was_counted() {
        let quotes = format!("\"{}\"@a.example", "\\\"".repeat(121));
        assert_eq!(quotes.len(), 254);
        let large = CustomClaims::parse(json!({"email": "x".repeat(2030)}));
        let own = json!({"email": quotes, "x": "x".repeat(1500)});
        for own in [large, CustomClaims::parse(own)] {
            let own = own.expect("good claims");
            for placeholder in [
                "{{userId}}",
                "{{email}}",
                "{{claims.x}}",
                "{{claims.email}}",
            ] {
                for times in 1.. {
                    let members = (0..times).map(|number| (number.to_string(), placeholder.into()));
                    let members: Map<String, Value> = members.collect();
                    let Ok(template) = ClaimsTemplate::checked(members) else {
                        assert!(times > 1, "{placeholder}");
                        break;
                    };
                    let user = UserId::parse("u".repeat(128)).expect("a user id");
                    let filled = Value::Object(filled_members(&template.0, &user, &own));
                    let size = filled.to_string().len();
                    assert!(size <= TEMPLATE_BYTES, "{placeholder} {times}: {size}");
                }
            }
        }
    }

    #[test]
    fn an_address_that_is_accepted_is_filled_in() {
        let longest = format!("{}@{}.example", "\"".repeat(64), "a".repeat(181));
        assert_eq!(longest.len(), 254);
        let filled = filled_in(&json!({"mail": "{{email}}"}), json!({"email": longest}));
        assert_eq!(filled["mail"], longest);
    }

    #[test]
    fn what_cannot_be_filled_in_is_named() {
        let of_claims = |times: usize| {
            let members = (0..times).map(|index| format!(r#""a{index}":"{{{{claims.x}}}}""#));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        for (text, problem) in [
            ("", TemplateProblem::NoObject),
            ("[]", TemplateProblem::NoObject),
            (r#"{"a":1,"a":2}"#, TemplateProblem::NoObject),
            (r#"{"sub":"{{userId}}"}"#, TemplateProblem::Reserved),
            (r#"{"email_verified":true}"#, TemplateProblem::Reserved),
            (r#"{"a":"{{user}}"}"#, TemplateProblem::Placeholder),
            (r#"{"a":["{{claims.}}"]}"#, TemplateProblem::Placeholder),
            (r#"{"a":"u-{{userId}}"}"#, TemplateProblem::Placeholder),
            (
                r#"{"a":"{{userId}}{{email}}"}"#,
                TemplateProblem::Placeholder,
            ),
            (r#"{"a":"{{userId}"}"#, TemplateProblem::Placeholder),
            (&of_claims(2), TemplateProblem::TooLarge),
            (
                &format!(r#"{{"a":"{}"}}"#, "x".repeat(3100)),
                TemplateProblem::TooLarge,
            ),
        ] {
            assert_eq!(ClaimsTemplate::parse(text), Err(problem), "{text}");
        }
        assert!(ClaimsTemplate::parse(&of_claims(1)).is_ok());
        // Names within a claim are the owner's own.
        assert!(ClaimsTemplate::parse(r#"{"a":{"sub":"{{userId}}"}}"#).is_ok());
    }
}
