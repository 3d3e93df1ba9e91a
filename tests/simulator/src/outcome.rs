//! What comes of a story.

use std::fmt;

use crate::world::Operations;

/// A guarantee that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// An honest client was told that its session is over (G1, G2).
    LoggedOut {
        /// Milliseconds from the login.
        at_ms: u64,
        /// What it was told.
        code: String,
    },
    /// A token of an ended session was accepted after the change had landed everywhere (G4).
    Revived {
        /// Milliseconds from the login.
        at_ms: u64,
        /// What accepted it.
        path: &'static str,
    },
    /// An honest client is not served any more, although everything that it needs is there.
    Unserved {
        /// Milliseconds from the login.
        at_ms: u64,
    },
    /// An answer that is in no contract.
    Strange {
        /// The HTTP status.
        status: u16,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedOut { at_ms, code } => {
                write!(
                    formatter,
                    "an honest client was logged out at {at_ms} ms: {code}"
                )
            }
            Self::Revived { at_ms, path } => {
                write!(formatter, "{path} accepted an ended session at {at_ms} ms")
            }
            Self::Unserved { at_ms } => {
                write!(formatter, "an honest client was given up at {at_ms} ms")
            }
            Self::Strange { status } => write!(formatter, "an answer with status {status}"),
        }
    }
}

/// What came of a schedule.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The first guarantee that was broken.
    pub broken: Option<Broken>,
    /// What it took.
    pub operations: Operations,
    /// From the thief's first use to the end of the session.
    pub detected_after_ms: Option<u64>,
    /// The session ran out because the store refused twice to note that it was in use.
    pub lost_to_a_note: bool,
}
