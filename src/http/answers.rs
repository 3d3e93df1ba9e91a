//! JSON answers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{account::Account, token::claims::CustomClaims};

/// The answer of every route that gives tokens out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// For APIs.
    pub access_token: String,
    /// For `POST /auth/token`.
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    pub expires_in: u64,
    /// End of the access token in milliseconds since 1970.
    pub expires_at: u64,
    /// Whose session it is.
    pub user_id: String,
    /// Which session it is.
    pub session_id: String,
}

/// The answer of sign-up and login.
#[derive(Serialize)]
pub struct Welcome {
    /// The tokens of the new session.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// The account's address.
    pub email: String,
    /// What the person wants to be called.
    pub name: Option<String>,
}

/// The answer of `GET /auth/me`.
#[derive(Serialize)]
pub struct Me {
    /// The user.
    pub id: String,
    /// What is known of the account; nothing where the session is of another back end's login.
    #[serde(flatten)]
    pub account: Option<Profile>,
    /// The session's claims.
    pub claims: CustomClaims,
}

/// An account as its owner sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    email: String,
    name: Option<String>,
    created_at: u64,
}

impl From<&Account> for Profile {
    fn from(account: &Account) -> Self {
        Self {
            email: account.email.as_str().to_owned(),
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            created_at: account.created_at.0,
        }
    }
}

/// The answer of `GET /auth/sessions`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    /// The sessions of this page.
    pub sessions: Vec<SessionItem>,
    /// `?cursor=` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One session of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionItem {
    /// To end it: `DELETE /auth/sessions/{id}`.
    pub id: String,
    /// What the client called itself.
    pub device: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: u64,
    /// Milliseconds since 1970; it may be up to a third of the idle window later.
    pub last_seen_at: u64,
    /// Whether it is the session of the request.
    pub current: bool,
}

/// The answer of routes that end sessions.
#[derive(Serialize)]
pub struct Revoked {
    /// Always true.
    pub revoked: bool,
}

/// The answer of `DELETE /auth/me`.
#[derive(Debug, Serialize)]
pub struct Deleted {
    /// Always true.
    pub deleted: bool,
}

/// The answer of `POST /auth/logout`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedOut {
    /// Always true: also for a token that was dead already.
    pub logged_out: bool,
}

/// The answer of `/generate_jwt_secret`.
#[derive(Serialize)]
pub struct NewSecret {
    /// What to name it.
    pub name: &'static str,
    /// 64 random bytes as base64url.
    pub secret: String,
    /// How to store it.
    pub command: &'static str,
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health<'a> {
    /// `ok` or `failing`.
    pub status: &'static str,
    /// This worker's version.
    pub version: &'static str,
    /// By name: `ok`, or what is wrong.
    pub checks: BTreeMap<&'static str, String>,
    /// Each setting by name: `ok`, `not set`, or what is wrong. Never a value.
    pub settings: &'a BTreeMap<&'static str, String>,
    /// Lifetime of an access token in seconds, where it is in order.
    pub access_token_seconds: Option<u64>,
}

/// The body of every error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody<'a> {
    /// For programs.
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// To find the request in the logs.
    pub request_id: &'a str,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'a str>,
}
