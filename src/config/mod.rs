//! The owner's settings: read, checked and named in one place.
//!
//! Nothing is guessed. A value that is missing, weak or out of range becomes an error that names
//! it and says how to fix it; the rest of the worker only ever sees valid values.

mod error;
mod location;
pub mod mail;
mod origins;
mod reader;
mod secrets;
mod settings;

use std::collections::BTreeMap;

use crate::token::{
    access::AccessType,
    code::CodeKeys,
    key::Keyring,
    key_pair::{KeyPairs, PrivateKey},
    secret::Secret,
    template::ClaimsTemplate,
    time::LONGEST_SESSION_SECONDS,
};
use reader::Reader;
use secrets::{access_keys, signing_keys};

pub use error::ConfigError;
pub use location::location;
pub use mail::MailSettings;
pub use origins::AllowedOrigins;
pub use settings::{NAMES, Settings, name};

/// Shortest idle window that may be configured, in seconds. The store may be a minute or two
/// behind: with a window of that size, a user who was just here would look idle from elsewhere.
pub const MIN_IDLE_SECONDS: u64 = 600;

/// How many sessions an account may have, unless that is configured.
pub const DEFAULT_SESSIONS_PER_USER: usize = 1_000;

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStore {
    /// In Workers KV.
    #[default]
    Kv,
    /// In a Durable Object for each user.
    DurableObjects,
}

impl SessionStore {
    /// Whether it is the one that need not be named.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether people have to show that an address is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// They do not.
    #[default]
    Off,
    /// They are asked to: a code is sent at sign-up.
    On,
    /// There are no tokens before.
    Required,
}

/// What is read from the settings, once for as long as they stay the same.
#[derive(Debug)]
pub struct CheckedSettings {
    /// Valid settings, or the first thing that is wrong.
    pub config: Result<Config, ConfigError>,
    /// Which web pages may call. It depends on nothing else: a page must be able to read our errors.
    pub origins: AllowedOrigins,
    /// What the owner may read.
    pub report: Report,
}

/// How a setting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Valid: set, or left to its default.
    Ok,
    /// Not used.
    NotSet,
    /// What is wrong.
    Wrong(ConfigError),
}

/// How each setting does: names and verdicts, never values.
#[derive(Debug)]
pub struct Report {
    /// By name. Without `ISSUER` and `AUDIENCE`, tokens name whatever host was called.
    pub settings: BTreeMap<&'static str, Verdict>,
    /// What fails the health check, if anything does.
    pub failure: Option<ConfigError>,
    /// Lifetime of an access token in seconds, where it is valid.
    pub access_token_seconds: Option<u64>,
    /// Where sessions are kept: the default where that is not valid.
    pub session_store: SessionStore,
}

/// Valid settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sign and verify refresh tokens.
    pub refresh_keys: Keyring,
    /// Verify access tokens, and sign them where there is no key pair.
    pub access_keys: Keyring,
    /// The key pairs that sign and verify access tokens.
    pub key_pairs: KeyPairs,
    /// Whether `access_token_secret` is set: other servers verify with it.
    pub has_access_secret: bool,
    /// Make what is stored of codes.
    pub code_keys: CodeKeys,
    /// How e-mails are sent; none where they are not. A mistake closes only the routes that send some.
    pub mail: Result<Option<MailSettings>, ConfigError>,
    /// Whether addresses are verified. A mistake closes only what depends on it: users who are logged in
    /// stay so, and whoever is verified can log in.
    pub verification: Result<Verification, ConfigError>,
    /// What the owner's back end shows; without it the routes that need it are closed. A weak one
    /// closes only those routes: no user should suffer for it.
    pub service_key: Result<Option<Secret>, ConfigError>,
    /// Lifetime of an access token.
    pub access_token_seconds: u64,
    /// `typ` of access tokens.
    pub access_token_type: AccessType,
    /// What is added to their claims.
    pub claims_template: ClaimsTemplate,
    /// How long a session lives without being used.
    pub idle_ms: u64,
    /// How long a session lives at most.
    pub session_ms: u64,
    /// Where sessions are kept.
    pub session_store: SessionStore,
    /// How many sessions an account may have.
    pub sessions_per_user: usize,
    /// Whether new accounts can be created.
    pub sign_up: bool,
    /// How many accounts may be created in an hour, in total; any number where not set.
    pub sign_ups_per_hour: Option<u64>,
    /// `iss` of access tokens; the address of the request where not set.
    pub issuer: Option<String>,
    /// `aud` of access tokens; the issuer where not set.
    pub audience: Option<String>,
}

impl CheckedSettings {
    /// Reads every setting. This is the table of their names, parsers and defaults.
    #[must_use]
    pub fn read(settings: &Settings) -> Self {
        let mut reader = Reader::new(settings);
        let refresh = reader.required_secret(name::REFRESH_SECRET);
        let refresh_previous =
            reader.earlier_secrets(name::REFRESH_SECRET, name::REFRESH_SECRET_PREVIOUS);
        let of_refresh = [name::REFRESH_SECRET, name::REFRESH_SECRET_PREVIOUS];
        let of_access = [name::ACCESS_SECRET, name::ACCESS_SECRET_PREVIOUS];
        let access = reader.secret(name::ACCESS_SECRET);
        let access = reader.other_than(&of_refresh, name::ACCESS_SECRET, access);
        let access_previous =
            reader.earlier_secrets(name::ACCESS_SECRET, name::ACCESS_SECRET_PREVIOUS);
        let access_previous =
            reader.other_than(&of_refresh, name::ACCESS_SECRET_PREVIOUS, access_previous);
        let key_pair = reader.key_pair(name::ACCESS_PRIVATE_KEY);
        let key_pairs_previous = reader.public_keys(name::ACCESS_PRIVATE_KEY_PREVIOUS);
        let service_key = reader.secret(name::SERVICE_KEY);
        let of_tokens = [of_refresh, of_access].concat();
        let service_key = reader.other_than(&of_tokens, name::SERVICE_KEY, service_key);
        let service_key_checked = reader.for_headers(name::SERVICE_KEY, service_key.as_ref());
        let longest = LONGEST_SESSION_SECONDS;
        let session = reader.seconds(name::SESSION_MAX_SECONDS, 31_536_000, 60..=longest);
        let idle = reader.seconds(
            name::SESSION_IDLE_SECONDS,
            7_776_000,
            MIN_IDLE_SECONDS..=longest,
        );
        let access_token = reader.seconds(name::ACCESS_TOKEN_SECONDS, 3_600, 60..=86_400);
        let access_token_type = reader.access_token_type(name::ACCESS_TOKEN_TYP);
        let claims_template =
            reader.claims_template(name::ACCESS_TOKEN_CLAIMS, name::ACCESS_TOKEN_ROLE);
        let session_store = reader.session_store(name::SESSION_STORE);
        let sessions_per_user = reader.count(name::SESSIONS_PER_USER, 1..=10_000);
        let sign_up = reader.switch(name::SIGN_UP);
        let sign_ups_per_hour = reader.count(name::SIGN_UPS_PER_HOUR, 1..=1_000_000);
        let issuer = reader.party(name::ISSUER);
        let audience = reader.party(name::AUDIENCE);
        let mail = reader.mail();
        let verification = reader.verification(name::EMAIL_VERIFICATION, &mail);
        let location_checked = reader.location(name::ACCOUNT_LOCATION);
        let (origins, origins_checked) = reader.origins(name::CORS_ALLOWED_ORIGINS);

        let access_token_seconds = access_token.ok();
        let weak_service_key = service_key.as_ref().err().copied();
        let bad_mail = mail.as_ref().err().or(verification.as_ref().err()).copied();
        let config = (|| {
            let (refresh, refresh_previous) = (refresh?, refresh_previous?);
            let (access, access_previous, key_pair) = (access?, access_previous?, key_pair?);
            Ok(Config {
                access_keys: access_keys(
                    access.as_ref(),
                    &access_previous,
                    &refresh,
                    &refresh_previous,
                ),
                has_access_secret: access.is_some(),
                claims_template: claims_of(claims_template?, key_pair.as_ref(), access_token_type?),
                key_pairs: KeyPairs {
                    current: key_pair,
                    previous: key_pairs_previous?,
                },
                code_keys: CodeKeys {
                    current: refresh.derived_code_key(),
                    previous: refresh_previous
                        .iter()
                        .map(Secret::derived_code_key)
                        .collect(),
                },
                refresh_keys: Keyring {
                    current: refresh.signing_key(),
                    previous: signing_keys(&refresh_previous),
                },
                mail,
                verification,
                service_key,
                session_ms: session? * 1000,
                idle_ms: idle? * 1000,
                access_token_seconds: access_token?,
                access_token_type: access_token_type?,
                session_store: session_store?,
                sessions_per_user: sessions_per_user?.map_or(DEFAULT_SESSIONS_PER_USER, small),
                sign_up: sign_up?,
                sign_ups_per_hour: sign_ups_per_hour?,
                issuer: issuer?,
                audience: audience?,
            })
        })();
        let failure = config.as_ref().err().copied();
        Self {
            report: Report {
                settings: reader.verdicts,
                failure: failure
                    .or(weak_service_key)
                    .or(bad_mail)
                    .or(service_key_checked.err())
                    .or(origins_checked.err())
                    .or(location_checked.err()),
                access_token_seconds,
                session_store: session_store.unwrap_or_default(),
            },
            config,
            origins,
        }
    }
}

/// Strict verifiers of `at+jwt` ask for `client_id` (RFC 9068), and they are given a public key. Tokens
/// of a shared secret remain as short as they are.
fn claims_of(
    template: ClaimsTemplate,
    key_pair: Option<&PrivateKey>,
    typ: AccessType,
) -> ClaimsTemplate {
    match (key_pair, typ) {
        (Some(_), AccessType::AtJwt) => template.with_client_id(),
        _ => template,
    }
}

/// A number that its range keeps small.
fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
