//! # Tokenkeep
//!
//! A Cloudflare Worker that keeps the users of a no-code mobile app logged in: it gives out
//! short-lived access tokens and long-lived refresh tokens, finds out stolen ones, and ends
//! sessions on request.
//!
//! ## The map
//!
//! | Folder | What its owner gets |
//! |---|---|
//! | [`token`] | What a secret gives: refresh tokens, access tokens, the ids in them. Pure. |
//! | [`session`] | What the key-value store gives: the rule of sessions, their storage, their requests. |
//! | [`account`] | What the database and the guards give: accounts, passwords, and their requests. |
//! | [`setup`] | For the owner: `/health` and new secrets. |
//! | [`routes`], [`app`], [`http`] | From a request to a reply. |
//! | [`config`] | The owner's settings. |
//! | [`object`] | The mechanics of a Durable Object. |
//! | [`port`], [`log`], [`problem`] | What every floor needs. |
//! | `cloudflare` | Where it runs: the only folder that knows Cloudflare. |
//!
//! To follow one refresh: `cloudflare::serve` → [`app::App::handle`] → [`session::refresh::refresh`] →
//! [`session::rule::judge`].
//!
//! ## Scope
//!
//! Sessions, their tokens and their end. Not: cookies, OAuth clients, third-party logins.
//!
//! ## Threat model in short
//!
//! All of it, with the tests that show it, is in `docs/security.md`.
//!
//! * A stranger without a secret can mint nothing; a forged token costs a signature check and no
//!   read of the store.
//! * A thief of a refresh token is found out when the token is used after its owner has moved on to
//!   a successor; see [`session::rule`].
//! * A reader of the whole store can mint nothing: tokens are never stored.
//! * Whoever holds `refresh_token_secret` can mint access tokens, unless `access_token_secret` is
//!   set, and can refresh the sessions whose id he knows.

pub mod account;
pub mod app;
pub mod config;
pub mod http;
pub mod log;
pub mod object;
pub mod port;
pub mod problem;
pub mod routes;
pub mod session;
pub mod setup;
pub mod token;

mod cloudflare;
