//! `GET /health`: whether everything works, and if not, what does not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    account::{port::HasAccounts, table::AccountTable},
    config::{ConfigError, MailSettings, Verdict, mail::Transport},
    http::reply::Reply,
    port::{Fault, RateLimit},
    session::store::Sessions,
    setup::OwnerRequest,
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
