//! Who takes part, how each is asked for a refresh, and what it has to answer.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::body::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokenkeep_workerd_tests::{
    kv::{Kv, Tally},
    project::folder,
    time::{DAY, HOUR, minute_of, now},
    tokens::{RefreshClaims, claims, derived_access_key, is_signed_with, random_name},
    workerd::Settings,
};

use crate::{
    bundle::Bundles,
    driver::{Answer, Call, ask},
};

/// One of those that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// The build in `build/`.
    Tokenkeep,
    /// A worker by hand that does the same.
    HonoJose,
    /// The same, with three reads instead of one.
    HonoJoseThreeReads,
    /// `@cloudflare/workers-oauth-provider`
    WorkersOauthProvider,
    /// `@openauthjs/openauth`
    OpenAuth,
    /// Reads three keys and answers a constant.
    FloorRead,
    /// Answers a constant.
    Floor,
}

use Contender::{
    Floor, FloorRead, HonoJose, HonoJoseThreeReads, OpenAuth, Tokenkeep, WorkersOauthProvider,
};

/// How many sessions take turns.
const SESSIONS: usize = 64;

/// What proves that a code is redeemed by whoever began (RFC 7636).
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rule-of-43";

impl Contender {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Tokenkeep,
        HonoJose,
        HonoJoseThreeReads,
        WorkersOauthProvider,
        OpenAuth,
        FloorRead,
        Floor,
    ];

    /// What the tables call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Tokenkeep => "Tokenkeep",
            HonoJose => "hono + jose",
            HonoJoseThreeReads => "hono + jose, three reads",
            WorkersOauthProvider => "workers-oauth-provider",
            OpenAuth => "openauth",
            FloorRead => "floor: one bulk read",
            Floor => "floor: only an answer",
        }
    }

    /// Its file in `bench/workers/src`, without `.ts`; none for Tokenkeep.
    #[must_use]
    pub fn source(self) -> Option<&'static str> {
        match self {
            Tokenkeep => None,
            HonoJose => Some("hono-jose"),
            HonoJoseThreeReads => Some("hono-jose-three-reads"),
            WorkersOauthProvider => Some("workers-oauth-provider"),
            OpenAuth => Some("openauth"),
            FloorRead => Some("floor-read"),
            Floor => Some("floor"),
        }
    }

    /// The files of the worker.
    #[must_use]
    pub fn files(self, bundles: &Bundles) -> Vec<PathBuf> {
        match self.source() {
            Some(source) => vec![bundles.script(source)],
            None => ["index.js", "index_bg.wasm"]
                .map(|name| folder().join("build").join(name))
                .into(),
        }
    }

    /// What workerd starts it with. All have the same vars and secrets.
    #[must_use]
    pub fn settings(self, common: &Settings, bundles: &Bundles) -> Settings {
        let Some(source) = self.source() else {
            return common.clone();
        };
        let script = bundles.script(source);
        match self {
            WorkersOauthProvider => common.clone().with_script(&script, "OAUTH_KV"),
            // Its storage in memory, which is not used here, asks for `node:fs`.
            OpenAuth => common
                .clone()
                .with_script(&script, "SESSIONS")
                .with_flag("nodejs_compat"),
            _ => common.clone().with_script(&script, "SESSIONS"),
        }
    }

    /// Makes sessions, and the requests that refresh them.
    ///
    /// # Errors
    /// The worker refused to make one.
    pub fn calls(self, port: u16, kv: &Kv, secret: &str) -> Result<Vec<Call>> {
        (0..SESSIONS)
            .map(|_| match self {
                Tokenkeep | HonoJose | HonoJoseThreeReads => {
                    Ok(own_session(kv, secret, &random_name()))
                }
                WorkersOauthProvider => oauth_provider_session(port),
                OpenAuth => openauth_session(port),
                FloorRead | Floor => Ok(Call {
                    path: "/".into(),
                    content_type: "text/plain",
                    body: Bytes::new(),
                }),
            })
            .collect()
    }

    /// The requests of a user who has so many sessions of Tokenkeep's, for some of them.
    #[must_use]
    pub fn calls_of_one_user(kv: &Kv, secret: &str, sessions: usize) -> Vec<Call> {
        let user = random_name();
        let mut calls: Vec<Call> = (0..sessions)
            .map(|_| own_session(kv, secret, &user))
            .collect();
        calls.truncate(SESSIONS);
        calls
    }

    /// Checks that an answer is what a client of this worker needs.
    ///
    /// # Errors
    /// It is not; the message says what it is.
    pub fn check(self, answer: &Answer, secret: &str) -> Result<()> {
        let told = String::from_utf8_lossy(&answer.body);
        let wrong = || format!("{} answered {}: {told}", self.title(), answer.status);
        ensure!(answer.status == 200, wrong());
        let json: Value = serde_json::from_slice(&answer.body).with_context(wrong)?;
        let is_text = |name: &str| json[name].as_str().is_some_and(|text| !text.is_empty());
        let is_right = match self {
            Tokenkeep | HonoJose | HonoJoseThreeReads => {
                is_own_answer(&json, secret) && has_own_headers(answer)
            }
            WorkersOauthProvider | OpenAuth => is_text("access_token") && is_text("refresh_token"),
            FloorRead | Floor => json == json!({"status": "ok"}),
        };
        ensure!(is_right, wrong());
        Ok(())
    }

    /// What one refresh asks of KV, where that is part of what is compared.
    #[must_use]
    pub fn promised(self) -> Option<Tally> {
        let reads = |read_calls, keys_read| Tally {
            read_calls,
            keys_read,
            ..Tally::default()
        };
        match self {
            Tokenkeep | HonoJose | FloorRead => Some(reads(1, 3)),
            HonoJoseThreeReads => Some(reads(3, 3)),
            Floor => Some(Tally::default()),
            WorkersOauthProvider | OpenAuth => None,
        }
    }
}

/// A session as Tokenkeep stores it, a day old, and used an hour ago for the last time. Its token
/// is old enough to be answered with a successor, and nothing needs to be written down.
fn own_session(kv: &Kv, secret: &str, user: &str) -> Call {
    let session = random_name();
    let now = now();
    let issued_at = minute_of(now - HOUR);
    let expires_at = now + 300 * DAY;
    let record = json!({
        "v": 1,
        "created_at": now - DAY,
        "expires_at": expires_at,
        "device": "phone",
        "claims": {"email": "ada@example.com"},
        "account": true,
    });
    let activity = json!({
        "v": 1,
        "gen": 3,
        "iat": issued_at,
        "gen_at": now - HOUR,
        "seen_at": now - HOUR,
    });
    kv.put(&format!("session:{user}:{session}"), &record);
    kv.put(&format!("activity:{session}"), &activity);
    let token = RefreshClaims {
        user: user.into(),
        session,
        generation: 3,
        issued_at,
        expires_at: expires_at / 1000,
    };
    Call {
        path: "/auth/token".into(),
        content_type: "application/json",
        body: json!({"refreshToken": token.sign(secret)})
            .to_string()
            .into(),
    }
}

/// An access token and the successor, both signed.
fn is_own_answer(json: &Value, secret: &str) -> bool {
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    let (access, refresh) = (text("accessToken"), text("refreshToken"));
    if access.split('.').count() != 3 || refresh.split('.').count() != 3 {
        return false;
    }
    let said = claims(access);
    let names = ["iss", "aud", "iat", "exp", "jti"];
    is_signed_with(access, &derived_access_key(secret))
        && RefreshClaims::read(refresh, secret).generation == 4
        && names.iter().all(|name| !said[name].is_null())
        && said["sub"] == json["userId"]
        && said["sid"] == json["sessionId"]
        && said["email"] == "ada@example.com"
        && said["gen"]
            .as_str()
            .is_some_and(|place| place.starts_with("4.") && place.ends_with(".account"))
        && json["tokenType"] == "Bearer"
        && json["expiresIn"] == 3600
        && json["expiresAt"].is_u64()
}

fn has_own_headers(answer: &Answer) -> bool {
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
        (
            "access-control-expose-headers",
            "Retry-After, WWW-Authenticate",
        ),
    ];
    let has = |(name, value): &(&str, &str)| {
        answer
            .headers
            .get(*name)
            .is_some_and(|found| found == value)
    };
    headers.iter().all(has)
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
    serde_json::from_str(&text).with_context(|| format!("{} answered {text}", call.path))
}

fn text<'j>(json: &'j Value, name: &str) -> Result<&'j str> {
    json[name]
        .as_str()
        .with_context(|| format!("no {name} in {json}"))
}

/// The authorization code grant with PKCE, then its refresh token.
fn oauth_provider_session(port: u16) -> Result<Call> {
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

fn openauth_session(port: u16) -> Result<Call> {
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
