//! # Tokenkeep
//!
//! A Cloudflare Worker that keeps the users of a no-code mobile app logged in: it issues
//! short-lived access tokens and long-lived refresh tokens, detects stolen ones, and ends sessions
//! on request.
//!
//! ## The map
//!
//! | Folder | What is in it |
//! |---|---|
//! | [`token`] | Tokens: refresh tokens, access tokens, the ids in them. Pure. |
//! | [`session`] | Sessions, in KV or in objects: their rule, their stores, their requests. |
//! | [`account`] | Accounts, in a database: passwords, codes by e-mail, limits on guessing, their requests. |
//! | [`oauth`] | The standard endpoints: refresh, revoke and check a token by the names of OAuth 2. |
//! | [`mail`] | E-mails: their words, and the providers that deliver them. |
//! | [`discovery`] | For servers that verify tokens: the public keys, and the URLs of the endpoints. |
//! | [`setup`] | For the operator: `/health`, and new secrets. |
//! | [`routes`], [`app`], [`http`] | From a request to a reply. |
//! | [`config`] | The operator's settings. |
//! | [`object`] | The mechanics of a Durable Object. |
//! | [`port`], [`log`], [`problem`], [`text`] | What every folder needs. |
//! | `cloudflare` | Where it runs: the only code that calls Cloudflare's API, with `entry.js`. |
//!
//! Dependencies point one way: `cloudflare` → `app` → `routes` → `setup`, `oauth`, `discovery` →
//! `account` → `mail`, `session` → `http` → `config`, `log`, `port` → `token` → `problem`, `text`.
//! (`account` and `session` use `object`, which uses only `port`.) `port.rs`, `session/port.rs`,
//! `session/object/port.rs` and `account/port.rs` say what is needed from outside; `cloudflare` and
//! the tests implement it.
//!
//! ## Follow one refresh
//!
//! 1. `entry.js` passes the request to `cloudflare::serve`, which reads it into a
//!    [`http::request::Call`]. [`app::App::handle`] finds the row in [`routes`] and calls
//!    [`oauth::token::token`], which answers JSON with [`session::refresh::refresh`].
//! 2. That verifies the signature ([`token::refresh`]) and asks the store ([`session::store`]), which
//!    reads three keys at once and applies the rule, a pure function: [`session::rule::judge`]. (If
//!    the session is missing, it reads once more, to see how old the store is.)
//! 3. [`session::issue`] signs two tokens. Anything worth recording is written after the response.
//!
//! ## How to add
//!
//! A route:
//! 1. a file in the folder that it belongs to, with the handler and its response;
//! 2. a row in [`routes`] and, if it takes a body, its example in `http/example.rs`;
//! 3. the request and the response in `public/openapi.json`, which tests check every answer against,
//!    and a row in `docs/requests.md`.
//!
//! A setting:
//! 1. its name in `config/settings.rs`, and in `npm/src/secrets.mjs` (a var: `npm/src/known.mjs`);
//! 2. a line in [`config::CheckedSettings::read`] that parses it, and a field of [`config::Config`];
//! 3. a row in `docs/settings.md`, and the default of a var in `wrangler.toml`.
//!
//! A store for sessions:
//! 1. a type with the operations of [`session::store::Sessions`], and a variant of that; each asks
//!    [`session::rule::judge`] about what it has stored;
//! 2. a variant of [`config::SessionStore`], and its name in `config/reader.rs`;
//! 3. what it needs from outside, in `session/port.rs`, implemented in `cloudflare/` and `tests/world`,
//!    and its case in the tests of sessions, which take the store as a parameter.
//!
//! Another key-value store in place of KV implements [`session::port::KeyValue`], as
//! `cloudflare/kv.rs` does.
//!
//! A token algorithm:
//! 1. with a secret: a variant of `Key` in [`token::key`], and how it is read, in [`token::secret`];
//!    with a key pair: a variant of `Numbers` in [`token::key_pair`], and its parameters in
//!    `cloudflare/signatures.js` and `tests/world/src/pairs.rs`;
//! 2. how its key is configured, in [`config::CheckedSettings::read`];
//! 3. the attacks of `tests/workerd/tests/black_box/attacks` and `tests/native/keys.rs`, and the vectors
//!    of `token/wycheproof.rs`.
//!
//! A table or a column of the database:
//! 1. a new file in `migrations/`: a released one is never changed;
//! 2. its name in [`account::migration`], and its columns in the query there that names all of them.
//!
//! ## Scope
//!
//! Sessions, their tokens and their end. Not: cookies, third-party logins, consent and OAuth clients
//! that have to be registered.
//!
//! ## Threat model in short
//!
//! All of it, with the tests that show it, is in `docs/security.md`.
//!
//! * A stranger without a secret can mint nothing; a forged token costs a signature check and no
//!   read of the store.
//! * A stolen refresh token is detected when it is used after its owner has moved on to a successor;
//!   see [`session::rule`].
//! * A reader of the whole store can mint nothing: tokens are never stored.
//! * Anyone who holds `refresh_token_secret` can mint access tokens, unless `access_token_secret` is
//!   set, and can refresh the sessions whose id they know.

pub mod account;
pub mod app;
pub mod config;
pub mod discovery;
pub mod http;
pub mod log;
pub mod mail;
pub mod oauth;
pub mod object;
pub mod port;
pub mod problem;
pub mod routes;
pub mod session;
pub mod setup;
pub mod text;
pub mod token;

mod cloudflare;
