//! Cloudflare Workers behind the ports. With `worker.rs` the only files that use `worker`.

mod kv;

use std::{future::Future, rc::Rc, time::Duration};

use worker::{Context, Delay, Env, console_log};

use crate::{
    domain::time::UnixMillis,
    port::{Clock, Fault, Platform, Rng},
};

pub use kv::WorkersKv;

/// The name of the KV namespace in `wrangler.toml`.
const SESSIONS: &str = "SESSIONS";

/// One request's view of Cloudflare.
#[derive(Clone)]
pub struct Cloudflare {
    env: Env,
    context: Rc<Context>,
}

impl Cloudflare {
    /// What the runtime hands to a request.
    #[must_use]
    pub fn new(env: Env, context: Context) -> Self {
        Self {
            env,
            context: Rc::new(context),
        }
    }
}

impl Clock for Cloudflare {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Date.now() is a whole number of milliseconds after 1970"
    )]
    fn now(&self) -> UnixMillis {
        UnixMillis(js_sys::Date::now() as u64)
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        Delay::from(Duration::from_millis(milliseconds)).await;
    }
}

impl Rng for Cloudflare {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("crypto.getRandomValues gives up to 64 KiB in any request");
    }
}

impl Platform for Cloudflare {
    type Sessions = WorkersKv;

    fn sessions(&self) -> Result<WorkersKv, Fault> {
        WorkersKv::bound(&self.env, SESSIONS)
    }

    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }

    fn log(&self, line: &str) {
        console_log!("{line}");
    }
}
