//! `GET /health`: whether everything works, and if not, what does not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    account::{port::HasAccounts, table::AccountTable},
    config::{ConfigError, MailSettings, Verdict, mail::Transport, name},
    http::reply::Reply,
    port::{Fault, RateLimit},
    session::store::Sessions,
    setup::OwnerRequest,
    token::key_pair::KeyProblem,
};

const OK: &str = "ok";

/// For how long an e-mail that could not be sent is reported.
const MAIL_FAILURE_MS: u64 = 60 * 60_000;

/// The response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// `ok` or `failing`.
    status: &'static str,
    /// This worker's version.
    version: &'static str,
    /// By name: `ok`, or what is wrong.
    checks: BTreeMap<&'static str, String>,
    /// Each setting by name: `ok`, `not set`, or what is wrong. Never a value.
    settings: BTreeMap<&'static str, String>,
    /// Lifetime of an access token in seconds, where it is valid.
    access_token_seconds: Option<u64>,
}

/// Looks at the settings, reads one key of the store, asks the table of accounts, looks whether the
/// guards and the rate limits are bound, and whether the last e-mails were sent. 503 when one of them fails.
pub async fn health<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Reply {
    let report = &request.settings.report;
    let (mut checks, is_healthy) = required_checks(request).await;
    // Nothing fails without these.
    if checks.contains_key("guard") {
        checks.insert("flood", limit(request, RateLimit::Attempts));
    }
    if let Some(advice) = issuer(request) {
        checks.insert("issuer", advice.into());
    }
    if let Some(why) = last_mail_failure(request).await {
        checks.insert("mail", why);
    }
    checks.insert("requests", limit(request, RateLimit::Requests));
    checks.insert("lists", limit(request, RateLimit::Lists));
    let health = Health {
        status: if is_healthy { OK } else { "failing" },
        version: env!("CARGO_PKG_VERSION"),
        checks,
        settings: settings(request),
        access_token_seconds: report.access_token_seconds,
    };
    Reply::json(if is_healthy { 200 } else { 503 }, &health)
}

/// What to know of `iss` where other servers verify tokens. It is no failure: with one address, all
/// works.
fn issuer<P>(request: &OwnerRequest<'_, P>) -> Option<&'static str> {
    let config = request.settings.config.as_ref().ok()?;
    let is_verified_elsewhere = config.key_pairs.current.is_some() || config.has_access_secret;
    let is_unset = config.issuer.is_none();
    (is_verified_elsewhere && is_unset).then_some(
        "not set: the iss of a token is the URL that was called. Set the var ISSUER, so that it is always the same",
    )
}

fn settings<P>(request: &OwnerRequest<'_, P>) -> BTreeMap<&'static str, String> {
    let told = |verdict: &Verdict| match verdict {
        Verdict::Ok => OK.to_owned(),
        Verdict::NotSet => "not set".to_owned(),
        Verdict::Wrong(error) => error.message(request.is_local),
    };
    let settings = request.settings.report.settings.iter();
    settings
        .map(|(name, verdict)| (*name, told(verdict)))
        .collect()
}

fn limit<P: HasAccounts>(request: &OwnerRequest<'_, P>, limit: RateLimit) -> String {
    let is_bound = request.platform.has_limit(limit);
    if is_bound { OK } else { "not bound" }.to_owned()
}

/// What fails a request when it does not work, and whether all of it does.
async fn required_checks<P: HasAccounts>(
    request: &OwnerRequest<'_, P>,
) -> (BTreeMap<&'static str, String>, bool) {
    let platform = request.platform;
    let failure = request.settings.report.failure;
    let config = failure.map(|error| error.message(request.is_local));
    let sessions = sessions(request).await.err();
    let mut failures = vec![
        ("config", config),
        ("sessions", sessions.map(|fault| fault.to_string())),
    ];
    // A worker with neither keeps sessions of other back ends only; one of them alone is a mistake.
    if platform.accounts().is_ok() || platform.guard().is_ok() {
        let (accounts, guard) = (accounts(request).await.err(), platform.guard().err());
        failures.push(("accounts", accounts.map(|fault| fault.to_string())));
        failures.push(("guard", guard.map(|fault| fault.to_string())));
    }
    if let Some(signing) = keys(request).await {
        let failure = signing.err();
        failures.push(("keys", failure.map(|error| error.message(request.is_local))));
    }
    if let Some(sending) = mail(request) {
        let failure = sending.err();
        failures.push(("mail", failure.map(|error| error.message(request.is_local))));
    }
    let is_healthy = failures.iter().all(|(_, failure)| failure.is_none());
    let checks = failures
        .into_iter()
        .map(|(name, failure)| (name, failure.unwrap_or_else(|| OK.into())));
    (checks.collect(), is_healthy)
}

/// Whether the runtime signs and verifies with the configured key pairs.
async fn keys<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Option<Result<(), ConfigError>> {
    const PROBE: &str = "probe";
    let pairs = &request.settings.config.as_ref().ok()?.key_pairs;
    pairs.public_keys().next()?;
    let platform = request.platform;
    let refused = |name| Some(Err(ConfigError::Key(name, KeyProblem::Refused)));
    if let Some(key) = &pairs.current {
        let Ok(signature) = platform.sign(key, PROBE).await else {
            return refused(name::ACCESS_PRIVATE_KEY);
        };
        let verified = platform.has_signed(key.public(), PROBE, &signature).await;
        if verified != Ok(true) {
            return refused(name::ACCESS_PRIVATE_KEY);
        }
    }
    for key in &pairs.previous {
        if platform.has_signed(key, PROBE, &[]).await.is_err() {
            return refused(name::ACCESS_PRIVATE_KEY_PREVIOUS);
        }
    }
    Some(Ok(()))
}

/// Whether e-mails can be sent from here, where they are to be.
fn mail<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Option<Result<(), ConfigError>> {
    let settings = request.settings.config.as_ref().ok()?.mail.as_ref();
    let settings = match MailSettings::usable(settings, request.is_local) {
        Err(ConfigError::MailOff) => return None,
        other => other,
    };
    Some(settings.and_then(|settings| {
        let needs_binding = matches!(settings.transport, Transport::Cloudflare(_));
        let is_there = !needs_binding || request.platform.has_mail_binding();
        is_there.then_some(()).ok_or(ConfigError::NotBound("EMAIL"))
    }))
}

/// Why an e-mail could not be sent, where they can be. That does not fail the check: it may be the
/// fault of the address.
async fn last_mail_failure<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Option<String> {
    mail(request)?.ok()?;
    let table = AccountTable::new(request.platform, request.deadline).ok()?;
    let (at, why) = table.mail_failure().await.ok()??;
    let is_recent = request.platform.now().since_ms(at) < MAIL_FAILURE_MS;
    is_recent.then(|| format!("within the last hour, an e-mail could not be sent: {why}"))
}

async fn sessions<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Result<(), Fault> {
    let store = request.settings.report.session_store;
    Sessions::new(request.platform, request.deadline, store)?
        .check()
        .await
}

async fn accounts<P: HasAccounts>(request: &OwnerRequest<'_, P>) -> Result<(), Fault> {
    AccountTable::new(request.platform, request.deadline)?
        .check()
        .await
}
