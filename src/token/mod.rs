//! What a secret gives: tokens. Everything here is pure: the time and the random bytes that it needs
//! are arguments.
//!
//! [`secret`] reads the configured secrets and makes the [`key`]s; [`jws`] signs and verifies with
//! them, by jwt-compact and stricter rules of our own; [`refresh`] and [`access`] are the two kinds
//! of tokens. [`key_pair`] reads the keys that sign access tokens outside of here, and [`template`]
//! says what is added to those. To add an algorithm, see [`key`].

pub mod access;
pub mod claims;
pub mod code;
mod der;
pub mod id;
pub mod json;
pub mod jws;
pub mod key;
pub mod key_pair;
pub mod key_text;
pub mod refresh;
pub mod secret;
pub mod template;
pub mod time;

#[cfg(test)]
mod wycheproof;

/// Maximum size of a token that we verify, in bytes. Ours have about 300; an access token with the
/// largest claims has about 3,100, and about 3,900 with the longest issuer and audience
/// ([`access::ISSUER_BYTES`]) as well. The longest RSA key adds 700, the largest template for claims
/// 4,100.
pub const TOKEN_BYTES: usize = 9 * 1024;
