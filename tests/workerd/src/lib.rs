//! # Tests of the built worker, over HTTP, in real workerd
//!
//! What runs here is what gets deployed: `build/index.js` and `build/index_bg.wasm`, made by
//! `cargo xtask build`. Nothing of the crate `tokenkeep` is linked, and tokens are signed and
//! checked by code of this crate: a mistake over there is not repeated here.
//!
//! | Module | What it is |
//! |---|---|
//! | [`project`] | The build, the settings of `wrangler.toml`, and where the tools are. |
//! | [`leash`] | A program that ends with the test that started it, and its output. |
//! | [`workerd`] | The worker in workerd, on [`kv`] and [`d1`]: where nearly every test runs. |
//! | [`kv`] | Workers KV as a server that counts, remembers and fails as it is told. |
//! | [`d1`] | D1 as a server in front of `SQLite` that fails on request. |
//! | [`provider`] | Whoever delivers e-mails. |
//! | [`http`] | What [`kv`] and [`d1`] need of HTTP. |
//! | [`wrangler`] | The worker in `wrangler dev`, for what depends on that: its proxy gives up requests. |
//! | [`soak`] | Mixed traffic on a workerd that is killed, and an account of what was lost. |
//! | [`client`] | Requests and answers. |
//! | [`tokens`] | JWTs. |
//! | [`time`] | Now, and minutes. |
//!
//! The tests are in `tests/black_box`. `cargo xtask test` runs them, with all others.

pub mod client;
pub mod d1;
pub mod http;
pub mod kv;
pub mod leash;
pub mod project;
pub mod provider;
pub mod soak;
pub mod time;
pub mod tokens;
pub mod workerd;
pub mod wrangler;
