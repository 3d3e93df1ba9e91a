//! Sessions to refresh: made through a worker's own logins, or laid into the store as a login of
//! long ago would have left them.

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::body::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokenkeep_workerd_tests::{
    client::Client,
    kv::Kv,
    time::{DAY, HOUR, minute_of, now},
    tokens::{RefreshClaims, random_name},
    workerd::Settings,
};

use crate::driver::{Call, ask};

/// The generation of the tokens of [`own`]; the successor's is one more.
pub const GENERATION: u64 = 3;

/// The address in the claims of [`own`].
pub const EMAIL: &str = "ada@example.com";

/// What proves that a code is redeemed by whoever began (RFC 7636).
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rule-of-43";

/// A session as Tokenkeep stores it, a day old, and used an hour ago for the last time. Its token
/// is old enough to be answered with a successor, and nothing needs to be written down.
#[must_use]
pub fn own(kv: &Kv, secret: &str, user: &str) -> Call {
    own_at(GENERATION, kv, secret, user)
}

/// The same with a token that is a successor, which was not used yet: that is written down once.
#[must_use]
pub fn own_unused(kv: &Kv, secret: &str, user: &str) -> Call {
    own_at(GENERATION - 1, kv, secret, user)
}

fn own_at(stored_generation: u64, kv: &Kv, secret: &str, user: &str) -> Call {
    let session = random_name();
    let now = now();
    let issued_at = minute_of(now - HOUR);
    let expires_at = now + 300 * DAY;
    let record = json!({
        "v": 1,
        "created_at": now - DAY,
        "expires_at": expires_at,
        "device": "phone",
        "claims": {"email": EMAIL},
        "account": true,
    });
    let activity = json!({
        "v": 1,
        "gen": stored_generation,
        "iat": issued_at,
        "gen_at": now - HOUR,
        "seen_at": now - HOUR,
    });
    kv.put(&format!("session:{user}:{session}"), &record);
    kv.put(&format!("activity:{session}"), &activity);
    let token = RefreshClaims {
        user: user.into(),
        session,
        generation: GENERATION,
        issued_at,
        expires_at: expires_at / 1000,
    };
    refresh(&token.sign(secret))
}

/// The same session in the object of its user: opened through the worker, with a token as [`own`]'s. Its
/// first use is that of a successor.
#[must_use]
pub fn in_object(port: u16, settings: &Settings) -> Call {
    let client = Client::new(port, &settings.service_key);
    let user = random_name();
    let body = json!({"userId": user, "device": "phone", "claims": {"email": EMAIL}});
    let opened = client.open_session(&body).tokens();
    let now = now();
    let token = RefreshClaims {
        user,
        session: opened.session,
        generation: GENERATION,
        issued_at: minute_of(now - HOUR),
        expires_at: (now + 300 * DAY) / 1000,
    };
    refresh(&token.sign_for_service(&settings.refresh_secret))
}

fn refresh(token: &str) -> Call {
    Call {
        path: "/auth/token".into(),
        content_type: "application/json",
        body: json!({"refreshToken": token}).to_string().into(),
    }
}

fn form(path: &str, fields: &[(&str, &str)]) -> Call {
    // Names, codes and tokens here have no character that a form would escape, but for `:` and
    // `/`, which are good as they are.
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Call {
        path: path.into(),
        content_type: "application/x-www-form-urlencoded",
        body: pairs.join("&").into(),
    }
}

fn answered(port: u16, call: &Call) -> Result<Value> {
    let answer = ask(port, call)?;
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status == 200,
        "{} answered {}: {text}",
        call.path,
        answer.status
    );
    serde_json::from_str(&text).with_context(|| format!("{} did not answer with JSON", call.path))
}

fn text<'j>(json: &'j Value, name: &str) -> Result<&'j str> {
    json[name]
        .as_str()
        .with_context(|| format!("an answer without {name}"))
}

/// The authorization code grant with PKCE (RFC 7636), then its refresh token.
///
/// # Errors
/// The worker refused a step.
pub fn of_workers_oauth_provider(port: u16) -> Result<Call> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let page = Call {
        path: format!("/begin?user={}&challenge={challenge}", random_name()),
        content_type: "text/plain",
        body: Bytes::new(),
    };
    let begun = answered(port, &page)?;
    let client = text(&begun, "clientId")?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", text(&begun, "code")?),
        ("client_id", client),
        ("redirect_uri", text(&begun, "redirectUri")?),
        ("code_verifier", VERIFIER),
    ];
    let tokens = answered(port, &form("/token", &fields))?;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")?),
        ("client_id", client),
    ];
    Ok(form("/token", &fields))
}

/// A client that logs in by itself, then its refresh token.
///
/// # Errors
/// The worker refused.
pub fn of_openauth(port: u16) -> Result<Call> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("provider", "machine"),
        ("client_id", &random_name()),
        ("client_secret", "unused"),
    ];
    let tokens = answered(port, &form("/token", &fields))?;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&tokens, "refresh_token")?),
    ];
    Ok(form("/token", &fields))
}
