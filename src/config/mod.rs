//! The worker's configuration: read, checked and named in one place.
//!
//! Nothing is guessed. A value that is missing, weak or out of range becomes an error that names
//! it and says how to mend it; the rest of the worker only ever sees good values.

mod report;

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    session::rule::IdleWindow,
    token::{
        access::ISSUER_BYTES,
        key::{Keyring, SigningKey},
        secret::{Secret, SecretProblem},
        time::LONGEST_SESSION_SECONDS,
    },
};

pub use report::Report;

/// Shortest idle window that may be configured. The store may be a minute or two behind: with a
/// window of that size, a user who was just here would look idle from elsewhere.
pub const LEAST_IDLE_SECONDS: u64 = 600;

/// Names of secrets and vars, as the owner writes them.
pub mod name {
    #![allow(missing_docs, reason = "the README's table describes each one")]
    pub const REFRESH_SECRET: &str = "refresh_token_secret";
    pub const REFRESH_SECRET_PREVIOUS: &str = "refresh_token_secret_previous";
    pub const ACCESS_SECRET: &str = "access_token_secret";
    pub const ACCESS_SECRET_PREVIOUS: &str = "access_token_secret_previous";
    pub const SERVICE_KEY: &str = "service_key";
    pub const ACCESS_TOKEN_SECONDS: &str = "ACCESS_TOKEN_SECONDS";
    pub const SESSION_IDLE_SECONDS: &str = "SESSION_IDLE_SECONDS";
    pub const SESSION_MAX_SECONDS: &str = "SESSION_MAX_SECONDS";
    pub const SIGN_UP: &str = "SIGN_UP";
    pub const ISSUER: &str = "ISSUER";
    pub const AUDIENCE: &str = "AUDIENCE";
    pub const CORS_ALLOWED_ORIGINS: &str = "CORS_ALLOWED_ORIGINS";
}

/// Every setting that [`Settings`] reads, in its order.
pub const NAMES: [&str; 12] = [
    name::REFRESH_SECRET,
    name::REFRESH_SECRET_PREVIOUS,
    name::ACCESS_SECRET,
    name::ACCESS_SECRET_PREVIOUS,
    name::SERVICE_KEY,
    name::ACCESS_TOKEN_SECONDS,
    name::SESSION_IDLE_SECONDS,
    name::SESSION_MAX_SECONDS,
    name::SIGN_UP,
    name::ISSUER,
    name::AUDIENCE,
    name::CORS_ALLOWED_ORIGINS,
];

/// The settings as text, unchecked. Two that are equal give the same [`Config`].
///
/// They are compared at each request, so the last ones are kept: a hash of them instead would cost
/// every refresh more than its signature, and hide nothing, as the runtime has the same texts in its
/// environment for as long as it lives. What is dropped is zeroed.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings([Option<Zeroizing<String>>; NAMES.len()]);

impl Settings {
    /// Reads every setting by its name. Empty text counts as not set: dashboards and files leave
    /// such lines behind.
    pub fn read(mut setting: impl FnMut(&'static str) -> Option<String>) -> Self {
        Self(NAMES.map(|name| {
            let text = setting(name).filter(|text| !text.trim().is_empty());
            text.map(Zeroizing::new)
        }))
    }

    fn get(&self, name: &'static str) -> Option<&str> {
        let index = NAMES.iter().position(|known| *known == name)?;
        self.0[index].as_ref().map(|text| text.as_str())
    }
}

/// Redacted: there are secrets in it.
impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Settings(_)")
    }
}

/// What is wrong with the configuration. The message is for the owner and never holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A secret that must be there is not.
    #[error(
        "the secret {0} is not set. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put {0}"
    )]
    Missing(&'static str),
    /// A secret is too weak or of the wrong kind.
    #[error(
        "the secret {0} {1}. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put {0}"
    )]
    Secret(&'static str, SecretProblem),
    /// One secret is used for both kinds of tokens.
    #[error(
        "refresh_token_secret and access_token_secret are the same. Open /generate_jwt_secret for a new one and store it with: npx wrangler secret put access_token_secret"
    )]
    SameSecret,
    /// A binding is missing.
    #[error(
        "{0} is not bound. Give wrangler.toml its section with binding = \"{0}\" back and deploy again with: cargo xtask deploy"
    )]
    NotBound(&'static str),
    /// A var is neither on nor off.
    #[error(
        "the var {0} must be \"on\" or \"off\". Mend it in wrangler.toml and deploy again with: cargo xtask deploy"
    )]
    NotASwitch(&'static str),
    /// A var is too long.
    #[error(
        "the var {0} must be at most 256 bytes. Mend it in wrangler.toml and deploy again with: cargo xtask deploy"
    )]
    TooLong(&'static str),
    /// A var is not a whole number within its range.
    #[error(
        "the var {name} must be a whole number of seconds from {least} to {most}. Mend it in wrangler.toml and deploy again with: cargo xtask deploy"
    )]
    OutOfRange {
        /// The var.
        name: &'static str,
        /// The smallest value that is taken.
        least: u64,
        /// The greatest value that is taken.
        most: u64,
    },
}

impl ConfigError {
    /// What the owner has to look at.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(name)
            | Self::Secret(name, _)
            | Self::NotBound(name)
            | Self::NotASwitch(name)
            | Self::TooLong(name)
            | Self::OutOfRange { name, .. } => name,
            Self::SameSecret => name::ACCESS_SECRET,
        }
    }
}

/// A configuration that is in order.
#[derive(Debug, Clone)]
pub struct Config {
    /// Signs and checks refresh tokens.
    pub refresh_keys: Keyring,
    /// Signs and checks access tokens.
    pub access_keys: Keyring,
    /// What the owner's back end shows; without it the routes that need it are closed. A weak one
    /// closes those routes only: no user should suffer for it.
    pub service_key: Result<Option<Secret>, ConfigError>,
    /// Lifetime of an access token.
    pub access_token_seconds: u64,
    /// How long a session lives without being used.
    pub idle_window: IdleWindow,
    /// How long a session lives at most.
    pub session_ms: u64,
    /// Whether new accounts can be made.
    pub sign_up: bool,
    /// `iss` of access tokens; the address of the request where not set.
    pub issuer: Option<String>,
    /// `aud` of access tokens; the issuer where not set.
    pub audience: Option<String>,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first thing that is not in order.
    pub fn check(settings: &Settings) -> Result<Self, ConfigError> {
        let secrets = Secrets::check(settings)?;
        let session_seconds = session_seconds(settings)?;
        let idle_seconds = idle_seconds(settings)?;
        Ok(Self {
            refresh_keys: secrets.refresh_keys(),
            access_keys: secrets.access_keys(),
            service_key: optional_secret(settings, name::SERVICE_KEY),
            access_token_seconds: access_token_seconds(settings)?,
            idle_window: IdleWindow {
                idle_ms: idle_seconds * 1000,
            },
            session_ms: session_seconds * 1000,
            sign_up: switch(settings, name::SIGN_UP)?,
            issuer: party(settings, name::ISSUER)?,
            audience: party(settings, name::AUDIENCE)?,
        })
    }
}

/// The four secrets that tokens are made with.
struct Secrets {
    refresh: Secret,
    refresh_previous: Vec<Secret>,
    access: Option<Secret>,
    access_previous: Vec<Secret>,
}

impl Secrets {
    fn check(settings: &Settings) -> Result<Self, ConfigError> {
        let secrets = Self {
            refresh: optional_secret(settings, name::REFRESH_SECRET)?
                .ok_or(ConfigError::Missing(name::REFRESH_SECRET))?,
            refresh_previous: secret_list(settings, name::REFRESH_SECRET_PREVIOUS)?,
            access: optional_secret(settings, name::ACCESS_SECRET)?,
            access_previous: secret_list(settings, name::ACCESS_SECRET_PREVIOUS)?,
        };
        if secrets.access.as_ref() == Some(&secrets.refresh) {
            return Err(ConfigError::SameSecret);
        }
        Ok(secrets)
    }

    fn refresh_keys(&self) -> Keyring {
        Keyring {
            current: self.refresh.signing_key(),
            previous: signing_keys(&self.refresh_previous),
        }
    }

    /// Without a secret of their own, access tokens are signed with a key derived from the refresh
    /// secret. The derived keys of earlier refresh secrets are still good for checking.
    fn access_keys(&self) -> Keyring {
        let mut previous = signing_keys(&self.access_previous);
        previous.extend(self.refresh_previous.iter().map(Secret::derived_access_key));
        Keyring {
            current: match &self.access {
                Some(secret) => secret.signing_key(),
                None => self.refresh.derived_access_key(),
            },
            previous,
        }
    }
}

fn signing_keys(secrets: &[Secret]) -> Vec<SigningKey> {
    secrets.iter().map(Secret::signing_key).collect()
}

fn optional_secret(settings: &Settings, name: &'static str) -> Result<Option<Secret>, ConfigError> {
    let parse = |text| Secret::parse(text).map_err(|problem| ConfigError::Secret(name, problem));
    settings.get(name).map(parse).transpose()
}

fn secret_list(settings: &Settings, name: &'static str) -> Result<Vec<Secret>, ConfigError> {
    Secret::parse_list(settings.get(name).unwrap_or_default())
        .map_err(|problem| ConfigError::Secret(name, problem))
}

fn access_token_seconds(settings: &Settings) -> Result<u64, ConfigError> {
    number(settings, name::ACCESS_TOKEN_SECONDS, 3_600, 60, 86_400)
}

fn session_seconds(settings: &Settings) -> Result<u64, ConfigError> {
    let most = LONGEST_SESSION_SECONDS;
    number(settings, name::SESSION_MAX_SECONDS, 31_536_000, 60, most)
}

fn idle_seconds(settings: &Settings) -> Result<u64, ConfigError> {
    let (least, most) = (LEAST_IDLE_SECONDS, LONGEST_SESSION_SECONDS);
    number(settings, name::SESSION_IDLE_SECONDS, 7_776_000, least, most)
}

fn number(
    settings: &Settings,
    name: &'static str,
    default: u64,
    least: u64,
    most: u64,
) -> Result<u64, ConfigError> {
    let Some(text) = settings.get(name) else {
        return Ok(default);
    };
    match text.trim().parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(ConfigError::OutOfRange { name, least, most }),
    }
}

/// A var that is `on` unless it is set to `off`.
fn switch(settings: &Settings, name: &'static str) -> Result<bool, ConfigError> {
    match settings.get(name).map(str::trim) {
        None => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("on") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("off") => Ok(false),
        Some(_) => Err(ConfigError::NotASwitch(name)),
    }
}

/// A name that stands in every access token: measured as it stands there.
fn party(settings: &Settings, name: &'static str) -> Result<Option<String>, ConfigError> {
    let Some(text) = settings.get(name).map(str::trim) else {
        return Ok(None);
    };
    match serde_json::to_string(text) {
        Ok(json) if json.len() <= ISSUER_BYTES + r#""""#.len() => Ok(Some(text.to_owned())),
        _ => Err(ConfigError::TooLong(name)),
    }
}

/// Which web pages may call: `CORS_ALLOWED_ORIGINS`, separated by commas or white space; any where
/// it is `*` or not set. Apps are not asked, only browsers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// `*`.
    Any,
    /// Only these.
    Only(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the var. It needs nothing else in order: a page must be able to read our errors.
    #[must_use]
    pub fn read(settings: &Settings) -> Self {
        let text = settings.get(name::CORS_ALLOWED_ORIGINS).unwrap_or("*");
        let origins: Vec<String> = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        if origins.iter().any(|origin| origin == "*") {
            return Self::Any;
        }
        Self::Only(origins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "another secret of at least 32 bytes";

    fn check(given: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::check(&settings(given))
    }

    fn settings(given: &[(&str, &str)]) -> Settings {
        Settings::read(|name| {
            given
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn a_refresh_secret_is_all_that_is_needed() {
        let config = check(&[(name::REFRESH_SECRET, ONE)]).expect("in order");
        assert_eq!(config.access_token_seconds, 3600);
        assert_eq!(config.idle_window.idle_ms, 7_776_000_000);
        assert_eq!(config.session_ms, 31_536_000_000);
        assert!(matches!(config.service_key, Ok(None)));
    }

    #[test]
    fn a_missing_blank_or_short_secret_is_named() {
        let missing = Some(ConfigError::Missing(name::REFRESH_SECRET));
        assert_eq!(check(&[]).err(), missing);
        assert_eq!(check(&[(name::REFRESH_SECRET, " \n")]).err(), missing);
        for name in [
            name::REFRESH_SECRET,
            name::ACCESS_SECRET,
            name::REFRESH_SECRET_PREVIOUS,
            name::ACCESS_SECRET_PREVIOUS,
        ] {
            let given = [(name, "short"), (name::REFRESH_SECRET, ONE)];
            assert_eq!(
                check(&given).err(),
                Some(ConfigError::Secret(name, SecretProblem::TooShort))
            );
        }
    }

    #[test]
    fn a_weak_service_key_closes_nothing_else() {
        let config = check(&[(name::REFRESH_SECRET, ONE), (name::SERVICE_KEY, "short")]);
        assert_eq!(
            config.expect("users are served").service_key,
            Err(ConfigError::Secret(
                name::SERVICE_KEY,
                SecretProblem::TooShort
            ))
        );
    }

    #[test]
    fn one_secret_for_both_kinds_of_tokens_is_refused() {
        let padded = format!("{ONE}\n");
        let given = [
            (name::REFRESH_SECRET, ONE),
            (name::ACCESS_SECRET, padded.as_str()),
        ];
        assert_eq!(check(&given).err(), Some(ConfigError::SameSecret));
        assert!(check(&[(name::REFRESH_SECRET, ONE), (name::ACCESS_SECRET, TWO)]).is_ok());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        for (var, bad) in [
            (
                name::ACCESS_TOKEN_SECONDS,
                ["59", "86401", "1.5", "-60", "1h"],
            ),
            (
                name::SESSION_IDLE_SECONDS,
                ["599", "34560001", "", "x", "99999999999999999999"],
            ),
            (
                name::SESSION_MAX_SECONDS,
                ["59", "34560001", "6e1", "0x60", "60s"],
            ),
        ] {
            for text in bad.into_iter().filter(|text| !text.is_empty()) {
                let error = check(&[(name::REFRESH_SECRET, ONE), (var, text)]).expect_err(text);
                assert!(error.to_string().contains(var), "{error}");
            }
        }
        let good = [
            (name::REFRESH_SECRET, ONE),
            (name::SESSION_MAX_SECONDS, " 34560000 "),
        ];
        assert_eq!(check(&good).expect("in order").session_ms, 34_560_000_000);
    }

    #[test]
    fn an_error_never_holds_a_value() {
        for name in [
            name::ACCESS_SECRET,
            name::REFRESH_SECRET_PREVIOUS,
            name::SESSION_MAX_SECONDS,
        ] {
            let error = check(&[(name::REFRESH_SECRET, ONE), (name, "hunter2")]).expect_err(name);
            assert!(!error.to_string().contains("hunter2"));
        }
        assert!(!format!("{:?}", settings(&[(name::SERVICE_KEY, "hunter2")])).contains("hunter2"));
    }

    #[test]
    fn origins_are_compared_as_browsers_send_them() {
        let read = |text| AllowedOrigins::read(&settings(&[(name::CORS_ALLOWED_ORIGINS, text)]));
        assert_eq!(read(""), AllowedOrigins::Any);
        assert_eq!(read("https://a.example, *"), AllowedOrigins::Any);
        assert_eq!(
            read("https://A.example/ ,http://localhost:3000"),
            AllowedOrigins::Only(vec![
                "https://a.example".into(),
                "http://localhost:3000".into()
            ])
        );
    }
}
