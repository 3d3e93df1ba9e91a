//! How each setting does by itself: what the owner reads when more than one thing is wrong.
//!
//! [`Config::check`](super::Config::check) stops at the first. Names and verdicts, never values.

use std::collections::BTreeMap;

use crate::config::{
    ConfigError, Settings, access_token_seconds, idle_seconds, name, optional_secret, party,
    secret_list, session_seconds, switch,
};

const OK: &str = "ok";
const NOT_SET: &str = "not set";

/// What can be told about the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By name: `ok`, `not set`, or what is wrong. Vars without a value are `ok`: they have a
    /// default.
    pub settings: BTreeMap<&'static str, String>,
    /// Lifetime of an access token, where it is in order.
    pub access_token_seconds: Option<u64>,
}

impl Report {
    /// Looks at each setting.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let access_token_seconds = access_token_seconds(settings);
        let mut told = BTreeMap::new();
        let mut tell = |name, verdict: Verdict| {
            told.insert(name, word(verdict));
        };
        tell(name::REFRESH_SECRET, refresh_secret(settings));
        tell(name::ACCESS_SECRET, access_secret(settings));
        tell(name::SERVICE_KEY, secret(settings, name::SERVICE_KEY));
        for name in [name::REFRESH_SECRET_PREVIOUS, name::ACCESS_SECRET_PREVIOUS] {
            tell(
                name,
                secret_list(settings, name).map(|secrets| !secrets.is_empty()),
            );
        }
        for (name, number) in [
            (name::ACCESS_TOKEN_SECONDS, access_token_seconds),
            (name::SESSION_IDLE_SECONDS, idle_seconds(settings)),
            (name::SESSION_MAX_SECONDS, session_seconds(settings)),
        ] {
            tell(name, number.map(|_| true));
        }
        tell(name::SIGN_UP, switch(settings, name::SIGN_UP).map(|_| true));
        for name in [name::ISSUER, name::AUDIENCE] {
            tell(name, party(settings, name).map(|_| true));
        }
        Self {
            settings: told,
            access_token_seconds: access_token_seconds.ok(),
        }
    }
}

/// Whether a setting is there, or what is wrong with it.
type Verdict = Result<bool, ConfigError>;

fn secret(settings: &Settings, name: &'static str) -> Verdict {
    optional_secret(settings, name).map(|secret| secret.is_some())
}

fn refresh_secret(settings: &Settings) -> Verdict {
    match secret(settings, name::REFRESH_SECRET) {
        Ok(false) => Err(ConfigError::Missing(name::REFRESH_SECRET)),
        other => other,
    }
}

fn access_secret(settings: &Settings) -> Verdict {
    let access = optional_secret(settings, name::ACCESS_SECRET)?;
    match optional_secret(settings, name::REFRESH_SECRET) {
        Ok(refresh) if access.is_some() && access == refresh => Err(ConfigError::SameSecret),
        _ => Ok(access.is_some()),
    }
}

fn word(verdict: Verdict) -> String {
    match verdict {
        Ok(true) => OK.into(),
        Ok(false) => NOT_SET.into(),
        Err(error) => error.to_string(),
    }
}
