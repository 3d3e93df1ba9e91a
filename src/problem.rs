//! Why a piece of input was rejected.

/// A rule that input breaks, in words that may be shown to the client. It goes on from the name of
/// the field ("must be at most 200 characters") and never repeats the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(pub &'static str);
