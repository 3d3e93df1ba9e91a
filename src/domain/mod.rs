//! What Tokenkeep knows, without any input or output: pure values and decisions.
//!
//! Nothing here awaits, reads a clock or draws a random number; the time and the random bytes
//! that a rule needs are arguments of the rule.

pub mod access;
pub mod account;
pub mod attempts;
pub mod claims;
pub mod email;
pub mod id;
pub mod json;
pub mod password;
pub mod secret;
pub mod session;
pub mod surplus;
pub mod time;
pub mod token;

#[cfg(test)]
mod wycheproof;

/// Why a piece of input was refused, in words that may be shown to the client: it never repeats
/// the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(pub &'static str);
