//! One line of the file, read by the rules of the worker.

use std::fmt;

use anyhow::{Result as Fallible, anyhow};
use serde::Deserialize;
use serde_json::{Value, error::Category};
use tokenkeep::{
    account::{
        Name,
        email::Email,
        password::{FirebaseProject, KeycloakCredential, PasswordHash},
    },
    problem::Problem,
    token::id::UserId,
};
use tokenkeep_world::Unicode;
use uuid::Builder;

/// Why a line cannot be loaded: the field, if it is one, and what is wrong. It repeats nothing of
/// the line.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    field: Option<&'static str>,
    problem: &'static str,
}

impl Reason {
    pub const fn of_line(problem: &'static str) -> Self {
        let field = None;
        Self { field, problem }
    }

    const fn of_field(field: &'static str, problem: &'static str) -> Self {
        let field = Some(field);
        Self { field, problem }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(formatter, "{field} ")?;
        }
        formatter.write_str(self.problem)
    }
}

/// A user to be loaded.
pub struct User {
    pub id: UserId,
    /// Whether the line named the id; else it is a new one.
    pub has_own_id: bool,
    pub email: Email,
    pub name: Option<Name>,
    pub hash: PasswordHash,
    /// Whether the system that they come from knows that the address is theirs.
    pub email_verified: bool,
}

impl User {
    pub fn parse(line: &str, firebase: Option<&Firebase>) -> Result<Self, Reason> {
        let fields: Fields = serde_json::from_str(line).map_err(|error| {
            Reason::of_line(match error.classify() {
                Category::Data => "must be a JSON object in which each field stands once",
                _ => "is not JSON",
            })
        })?;
        let email = required("email", fields.email)?;
        let salt = optional("salt", fields.salt)?;
        let id = plain("id", fields.id)?;
        let name = plain("name", fields.name)?.filter(|name| !name.is_empty());
        Ok(Self {
            has_own_id: id.is_some(),
            email_verified: yes_or_no("emailVerified", fields.email_verified)?,
            email: Email::parse_new(&email, &Unicode).map_err(|problem| of("email", &problem))?,
            hash: password_hash(fields.password_hash, salt.as_deref(), firebase)?,
            name: name
                .map(Name::parse)
                .transpose()
                .map_err(|problem| of("name", &problem))?,
            id: match id {
                Some(id) => UserId::parse(id).map_err(|problem| of("id", &problem))?,
                None => new_id()?,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    email: Option<Value>,
    password_hash: Option<Value>,
    salt: Option<Value>,
    id: Option<Value>,
    name: Option<Value>,
    email_verified: Option<Value>,
}

fn optional(field: &'static str, value: Option<Value>) -> Result<Option<String>, Reason> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Reason::of_field(field, "must be text")),
    }
}

/// A number stands for its digits: many tables have such ids.
fn plain(field: &'static str, value: Option<Value>) -> Result<Option<String>, Reason> {
    match value {
        Some(value) if value.is_boolean() || value.is_i64() || value.is_u64() => {
            Ok(Some(value.to_string()))
        }
        value => optional(field, value),
    }
}

/// Exports of databases have 1, `"t"` or `"true"` for it.
fn yes_or_no(field: &'static str, value: Option<Value>) -> Result<bool, Reason> {
    match plain(field, value).as_ref().map(Option::as_deref) {
        Ok(Some("true" | "t" | "1")) => Ok(true),
        Ok(None | Some("false" | "f" | "0")) => Ok(false),
        _ => Err(Reason::of_field(field, "must be true or false")),
    }
}

fn required(field: &'static str, value: Option<Value>) -> Result<String, Reason> {
    optional(field, value)?.ok_or(Reason::of_field(field, "is missing"))
}

fn of(field: &'static str, problem: &Problem) -> Reason {
    Reason::of_field(field, problem.0)
}

fn password_hash(
    value: Option<Value>,
    salt: Option<&str>,
    firebase: Option<&Firebase>,
) -> Result<PasswordHash, Reason> {
    const FIELD: &str = "passwordHash";
    let hash = match (value, salt, firebase) {
        (Some(credential @ Value::Object(_)), ..) => KeycloakCredential::deserialize(credential)
            .map_err(|_| Reason::of_field(FIELD, "must be text, or a credential of Keycloak's"))
            .map(|credential| PasswordHash::from_keycloak(&credential))?,
        (_, Some(_), None) => {
            return Err(Reason::of_field(
                "salt",
                "is Firebase's: give the four --firebase options as well",
            ));
        }
        (text, Some(salt), Some(firebase)) => {
            PasswordHash::from_firebase(&firebase.project(), salt, &required(FIELD, text)?)
        }
        (text, None, _) => PasswordHash::parse(required(FIELD, text)?),
    };
    hash.map_err(|problem| of(FIELD, &problem))
}

/// As sign-up makes them: a random UUID.
fn new_id() -> Result<UserId, Reason> {
    const FAILED: Reason = Reason::of_line("got no id: the system has no random bytes");
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| FAILED)?;
    let id = Builder::from_random_bytes(bytes).into_uuid();
    UserId::parse(id.to_string()).map_err(|_| FAILED)
}

/// What Firebase's console shows under "Password hash parameters".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firebase {
    signer_key: String,
    salt_separator: String,
    rounds: u32,
    mem_cost: u32,
}

impl Firebase {
    /// Fails when no user's hash could go with these parameters.
    pub fn check(&self) -> Fallible<()> {
        // 64 bytes, as long as every signer key of Firebase's, and a salt of 16.
        let (salt, hash) = ("A".repeat(22) + "==", "A".repeat(86) + "==");
        PasswordHash::from_firebase(&self.project(), &salt, &hash)
            .map(drop)
            .map_err(|_| {
                anyhow!(
                    "the --firebase options do not belong together: the signer key is 64 bytes in \
                     base64, and rounds and mem_cost are usually 8 and 14; copy all four from \
                     Firebase's console, Authentication, Users, Password hash parameters"
                )
            })
    }

    fn project(&self) -> FirebaseProject<'_> {
        FirebaseProject {
            signer_key: &self.signer_key,
            salt_separator: &self.salt_separator,
            rounds: self.rounds,
            mem_cost: self.mem_cost,
        }
    }
}

#[cfg(test)]
mod tests;
