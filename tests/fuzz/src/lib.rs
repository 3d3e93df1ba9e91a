//! # What is checked for any input
//!
//! Each module has one `check`: it takes any bytes, gives them to a part of the worker that reads
//! what strangers send or what the store holds, and panics where a guarantee is broken.
//!
//! | Module | What reads the bytes |
//! |---|---|
//! | [`bodies`] | the fields of a request's body |
//! | [`tokens`] | refresh and access tokens |
//! | [`secrets`] | the settings: secrets, key pairs, claims, numbers, origins |
//! | [`stored`] | a refresh and a bearer's request, the bytes being what the store holds |
//! | [`messages`] | what a guard is asked, answers and remembers |
//! | [`emails`] | e-mail addresses |
//! | [`hashes`] | password hashes of every scheme |
//! | [`routes`] | a whole request: method, address, headers and body |
//! | [`rule`] | the rule of sessions, on any values |
//!
//! `targets/` runs them with libFuzzer (`cargo xtask fuzz`); `tests/replay.rs` runs them over the seeds
//! in `seeds` and over inputs made from these, in every `cargo xtask test`.

pub mod bodies;
pub mod emails;
pub mod hashes;
pub mod messages;
pub mod routes;
pub mod rule;
pub mod secrets;
pub mod stored;
pub mod tokens;
pub mod world;

/// A check, by the name of its libFuzzer target and its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every check.
pub const TARGETS: [Target; 9] = [
    ("bodies", bodies::check),
    ("tokens", tokens::check),
    ("secrets", secrets::check),
    ("stored", stored::check),
    ("messages", messages::check),
    ("emails", emails::check),
    ("hashes", hashes::check),
    ("routes", routes::check),
    ("rule", rule::check),
];
