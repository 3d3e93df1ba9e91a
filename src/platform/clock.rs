//! The time and chance of the place that the code runs in.

use std::time::Duration;

use worker::Delay;

use crate::domain::time::UnixMillis;

#[expect(clippy::disallowed_methods, reason = "this is the port")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Date.now() is a whole number of milliseconds after 1970"
)]
pub fn now() -> UnixMillis {
    UnixMillis(js_sys::Date::now() as u64)
}

pub async fn sleep_ms(milliseconds: u64) {
    Delay::from(Duration::from_millis(milliseconds)).await;
}

#[expect(clippy::disallowed_methods, reason = "this is the port")]
pub fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("crypto.getRandomValues gives up to 64 KiB in any request");
}
