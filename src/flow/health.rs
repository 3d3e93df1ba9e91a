//! `GET /health`: whether everything is in order, and if not, what is not.

use std::collections::BTreeMap;

use crate::{
    config::{Config, ConfigError},
    limits::ACCOUNTS_MS,
    port::{Accounts as _, Patience, Platform},
    store::Sessions,
    wire::Health,
};

const OK: &str = "ok";

/// Looks at the configuration and reads one key of the store, and asks the table of accounts.
pub async fn health<P: Platform>(
    platform: &P,
    patience: Patience,
    config: Result<&Config, &ConfigError>,
) -> Health {
    let configured = match config {
        Ok(config) => config
            .service_key
            .as_ref()
            .map(|_| ())
            .map_err(ToString::to_string),
        Err(error) => Err(error.to_string()),
    };
    let store = match Sessions::new(platform, patience) {
        Ok(sessions) => sessions.check().await,
        Err(fault) => Err(fault),
    };
    let word = |check: Result<(), String>| check.err().unwrap_or_else(|| OK.into());
    let mut checks = BTreeMap::from([
        ("config", word(configured)),
        ("sessions", word(store.map_err(|fault| fault.to_string()))),
    ]);
    // A worker without a database keeps sessions of other back ends only.
    if let Ok(accounts) = platform.accounts() {
        let check = patience
            .within(ACCOUNTS_MS, platform, accounts.check())
            .await;
        checks.insert("accounts", word(check.map_err(|fault| fault.to_string())));
    }
    let healthy = checks.values().all(|check| check == OK);
    Health {
        status: if healthy { OK } else { "failing" },
        version: env!("CARGO_PKG_VERSION"),
        checks,
    }
}
