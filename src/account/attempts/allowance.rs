//! A hundred failures, and then one an hour.

use serde::{Deserialize, Serialize};

use crate::token::time::UnixMillis;

/// Failures that are allowed at once (NIST SP 800-63B, section 5.2.2: 100 at most).
pub const FAILURES: u64 = 100;

/// One failure is forgiven in this time: also the wait when none is left.
const FORGIVEN_MS: u64 = 60 * 60_000;

/// What is left of a hundred failures. Each hour forgives one, and nothing else does: right
/// passwords would give a guesser who shares an address with its owner a hundred more each time.
///
/// (A token bucket, as the time at which it is full again: ATM's generic cell rate algorithm.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allowance {
    whole_at: UnixMillis,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            whole_at: UnixMillis(0),
        }
    }
}

impl Allowance {
    /// Takes one failure.
    pub fn take(&mut self, now: UnixMillis) {
        self.whole_at = self.whole_at.max(now).plus_ms(FORGIVEN_MS);
    }

    /// Gives one back: the attempt was no failure.
    pub fn give_back(&mut self) {
        self.whole_at = UnixMillis(self.whole_at.0.saturating_sub(FORGIVEN_MS));
    }

    /// When the next failure is allowed.
    pub fn wait_ends(self) -> UnixMillis {
        UnixMillis(self.whole_at.0.saturating_sub((FAILURES - 1) * FORGIVEN_MS))
    }

    /// When all of it is there again.
    pub fn whole_at(self) -> UnixMillis {
        self.whole_at
    }

    /// Forgets what is forgiven. After a clock that was ahead has gone back, no wait is longer than
    /// an hour.
    pub fn forget(&mut self, now: UnixMillis) {
        self.whole_at = self.whole_at.min(now.plus_ms(FAILURES * FORGIVEN_MS));
        if self.whole_at <= now {
            *self = Self::default();
        }
    }

    /// Whether nothing is taken: then it need not be stored.
    // On 32 bits it is too large for the lint.
    #[cfg_attr(
        target_pointer_width = "64",
        expect(
            clippy::trivially_copy_pass_by_ref,
            reason = "serde hands over a reference"
        )
    )]
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}
