//! A credential as Keycloak exports it: two texts of JSON, which become a PHC string.

use serde::Deserialize;

use crate::{
    account::password::{
        DAMAGED, UNKNOWN,
        reader::{bytes, text},
    },
    problem::Problem,
};

/// What is read of a credential, each of its two texts being JSON again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeycloakCredential {
    /// `{"value":"…","salt":"…"}`.
    pub secret_data: String,
    /// `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{…}}`.
    pub credential_data: String,
}

#[derive(Deserialize)]
struct Secret {
    value: String,
    #[serde(default)]
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    hash_iterations: i64,
    algorithm: String,
    #[serde(default)]
    additional_parameters: Parameters,
}

/// Each is a list of one text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    memory: [String; 1],
    parallelism: [String; 1],
    r#type: [String; 1],
    version: [String; 1],
}

impl KeycloakCredential {
    /// The same hash in the usual form.
    pub fn to_phc(&self) -> Result<String, Problem> {
        let secret: Secret = serde_json::from_str(&self.secret_data).map_err(|_| DAMAGED)?;
        let data: Data = serde_json::from_str(&self.credential_data).map_err(|_| DAMAGED)?;
        // Realms with a plug-in for bcrypt: the value is its usual text.
        if data.algorithm == "bcrypt" {
            return Ok(secret.value);
        }
        let value = bytes(&secret.value).ok_or(DAMAGED)?;
        let costs = data.costs(value.len())?;
        let salt = bytes(&secret.salt).ok_or(DAMAGED)?;
        Ok(format!("{costs}${}${}", text(&salt), text(&value)))
    }
}

impl Data {
    fn costs(&self, key_bytes: usize) -> Result<String, Problem> {
        let rounds = self.hash_iterations;
        let Parameters {
            memory: [memory],
            parallelism: [lanes],
            r#type: [kind],
            version: [version],
        } = &self.additional_parameters;
        match (&*self.algorithm, &**version) {
            ("pbkdf2" | "pbkdf2-sha256" | "pbkdf2-sha512", _) => {
                Ok(format!("${}$i={rounds},l={key_bytes}", self.algorithm))
            }
            ("argon2", "1.3") => Ok(format!(
                "$argon2{kind}$v=19$m={memory},t={rounds},p={lanes}"
            )),
            ("argon2", "1.0") => Ok(format!(
                "$argon2{kind}$v=16$m={memory},t={rounds},p={lanes}"
            )),
            _ => Err(UNKNOWN),
        }
    }
}
