//! The time, in the units that tokens and the store use.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of a second.
pub const SECOND: u64 = 1_000;
/// Milliseconds of a minute.
pub const MINUTE: u64 = 60 * SECOND;
/// Milliseconds of an hour.
pub const HOUR: u64 = 60 * MINUTE;
/// Milliseconds of a day.
pub const DAY: u64 = 24 * HOUR;

/// Milliseconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970");
    u64::try_from(since_1970.as_millis()).expect("the clock is before the year 500 million")
}

/// The begin of an instant's minute, in seconds since 1970: the precision of a refresh token's
/// `iat`.
#[must_use]
pub fn minute_of(milliseconds: u64) -> u64 {
    milliseconds / MINUTE * 60
}
