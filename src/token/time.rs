//! Instants, with their unit in the type.

use serde::{Deserialize, Serialize};

/// Maximum lifetime of a session that can be configured, in seconds: browsers cap cookies at 400
/// days, and a cut-off must be remembered for as long.
pub const LONGEST_SESSION_SECONDS: u64 = 400 * 24 * 60 * 60;

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// An hour.
const HOUR_MS: u64 = 3_600_000;

impl UnixMillis {
    /// The instant this many milliseconds later.
    #[must_use]
    pub fn plus_ms(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// The milliseconds from `earlier` to this instant; 0 when `earlier` is in fact later, because
    /// the clocks of two data centres differ a little.
    #[must_use]
    pub fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The whole seconds since 1970, rounded down: the unit of JWT times (RFC 7519, section 2).
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }

    /// The whole hours since 1970, rounded down.
    #[must_use]
    pub fn hour(self) -> u64 {
        self.0 / HOUR_MS
    }

    /// The start of the hour after this instant's.
    #[must_use]
    pub fn next_hour(self) -> Self {
        Self((self.hour() + 1).saturating_mul(HOUR_MS))
    }

    /// The start of this instant's minute.
    #[must_use]
    pub fn minute(self) -> UnixSeconds {
        UnixSeconds(self.0 / 60_000 * 60)
    }
}

/// An instant in whole seconds since 1970-01-01T00:00:00Z, a JWT `NumericDate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The same instant in milliseconds.
    #[must_use]
    pub fn millis(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(1000))
    }

    /// The instant this many seconds later.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The seconds between the two instants, whichever is earlier.
    #[must_use]
    pub fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_ends_at_a_multiple_of_sixty_minutes() {
        let late = UnixMillis(2 * HOUR_MS - 1);
        assert_eq!(
            (late.hour(), late.next_hour()),
            (1, UnixMillis(2 * HOUR_MS))
        );
    }

    #[test]
    fn a_minute_starts_at_a_multiple_of_sixty_seconds() {
        assert_eq!(UnixMillis(119_999).minute(), UnixSeconds(60));
        assert_eq!(UnixMillis(120_000).minute(), UnixSeconds(120));
    }

    #[test]
    fn a_clock_that_runs_behind_never_gives_a_negative_age() {
        assert_eq!(UnixMillis(5).since_ms(UnixMillis(9)), 0);
    }
}
