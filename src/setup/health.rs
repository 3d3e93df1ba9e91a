//! `GET /health`: whether everything is in order, and if not, what is not.

use std::collections::BTreeMap;

use crate::{
    account::table::ACCOUNTS_MS,
    config::{Config, ConfigError, Report},
    http::answers::Health,
    port::{Accounts as _, Patience, Platform},
    session::store::Sessions,
};

const OK: &str = "ok";

/// Looks at the configuration and reads one key of the store, asks the table of accounts, and looks
/// whether the guards and the limit of floods are bound.
pub async fn health<'a, P: Platform>(
    platform: &P,
    patience: Patience,
    config: Result<&Config, &ConfigError>,
    report: &'a Report,
) -> Health<'a> {
    let configured = match config {
        // What closes next to nothing.
        Ok(config) => match &config.service_key {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        },
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
    let (accounts, guard) = (platform.accounts(), platform.guard());
    // A worker with neither keeps sessions of other back ends only; one of them alone is a mistake.
    if accounts.is_ok() || guard.is_ok() {
        let check = match accounts {
            Ok(accounts) => {
                let check = accounts.check();
                patience.within(ACCOUNTS_MS, platform, check).await
            }
            Err(fault) => Err(fault),
        };
        checks.insert("accounts", word(check.map_err(|fault| fault.to_string())));
        let guard = guard.map(|_| ()).map_err(|fault| fault.to_string());
        checks.insert("guard", word(guard));
    }
    let healthy = checks.values().all(|check| check == OK);
    // Nothing fails without this one.
    if checks.contains_key("guard") {
        let flood = if platform.counts_floods() {
            OK
        } else {
            "not bound"
        };
        checks.insert("flood", flood.into());
    }
    Health {
        status: if healthy { OK } else { "failing" },
        version: env!("CARGO_PKG_VERSION"),
        checks,
        settings: &report.settings,
        access_token_seconds: report.access_token_seconds,
    }
}
