//! # Tokenkeep
//!
//! A Cloudflare Worker that keeps the users of a no-code mobile app logged in: it gives out
//! short-lived access tokens and long-lived refresh tokens, finds out stolen ones, and ends
//! sessions on request.
//!
//! ## The map
//!
//! | Module | What it is |
//! |---|---|
//! | [`domain`] | What Tokenkeep knows: tokens, secrets, and the rule of sessions. Pure. |
//! | [`flow`] | What it does: one use case a file. |
//! | [`guard`] | What checks passwords: one for each address, in a Durable Object. |
//! | [`store`] | Sessions in a key-value store: keys, JSON, lifetimes. |
//! | [`port`] | What it needs from outside. |
//! | [`app`] | From a call to a reply, with [`route`], [`wire`], [`error`], [`config`] and [`limits`]. |
//! | [`log`] | What the operator can read. |
//! | `platform`, `worker` | Where it runs: the only modules that know Cloudflare. |
//!
//! Dependencies point one way: `domain` ← `port` ← `store` ← `flow` ← `app` ← `worker`; `platform`
//! implements `port`.
//!
//! To follow one refresh: `worker::serve` → [`app::App::handle`] → [`flow::refresh::refresh`] →
//! [`domain::session::judge`].
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
//!   a successor; see [`domain::session`].
//! * A reader of the whole store can mint nothing: tokens are never stored.
//! * Whoever holds `refresh_token_secret` can mint access tokens, unless `access_token_secret` is
//!   set, and can refresh the sessions whose id he knows.

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod flow;
pub mod guard;
pub mod limits;
pub mod log;
pub mod port;
pub mod route;
pub mod store;
pub mod wire;

mod platform;
mod worker;
