//! What a secret gives: tokens. Pure values, made and checked without any input or output; the time
//! and the random bytes that they need are arguments.

pub mod access;
pub mod claims;
pub mod id;
pub mod json;
pub mod jws;
pub mod key;
pub mod refresh;
pub mod secret;
pub mod time;

#[cfg(test)]
mod wycheproof;

/// Maximum size of a token that is looked at, in bytes: ours have about 300, an access token with
/// full claims about 3,100, with the longest [`access::ISSUER_BYTES`] too about 3,900.
pub const TOKEN_BYTES: usize = 4 * 1024;
