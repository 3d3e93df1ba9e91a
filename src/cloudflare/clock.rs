//! The clock and the random bytes of the runtime.

use crate::{cloudflare::promise, token::time::UnixMillis};

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
    // We never wait longer than 24 days, the maximum of `setTimeout`.
    promise::sleep_ms(u32::try_from(milliseconds).unwrap_or(u32::MAX)).await;
}

#[expect(clippy::disallowed_methods, reason = "this is the port")]
pub fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("crypto.getRandomValues gives up to 64 KiB in any request");
}
