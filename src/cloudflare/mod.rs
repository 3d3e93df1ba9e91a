//! Cloudflare Workers behind the ports: the only folder that uses the `worker` crate.
//!
//! D1, Durable Objects, the rate limit, vars and secrets are used through the crate's own types. The
//! path of every refresh goes around it, each time for a measured reason that stands in the file:
//! `serve.rs` and `entry.js` (request and response), `kv.rs` (the store), `promise.rs` (the executor).

pub mod clock;
mod d1;
mod guards;
mod kv;
mod mail;
mod objects;
mod promise;
mod rate_limit;
mod serve;
mod signatures;
mod user_sessions;

use std::{
    future::Future,
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

use js_sys::JsString;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Context, Env, Error, console_log, worker_sys};

use crate::{
    account::port::HasAccounts,
    cloudflare::promise::promised,
    port::{Clock, Fault, Normalizer, RateLimit, Rng, Runtime},
    session::port::HasSessions,
    token::time::UnixMillis,
};

pub use d1::D1Accounts;
pub use guards::Guards;
pub use kv::WorkersKv;
pub use objects::Objects;

// The names of the bindings in `wrangler.toml`.

/// The KV namespace.
const SESSIONS: &str = "SESSIONS";
/// The D1 database.
const ACCOUNTS: &str = "DB";
/// The Durable Objects that check passwords.
const GUARDS: &str = "ACCOUNT_GUARD";
/// The Durable Objects with the sessions of users.
const USER_SESSIONS: &str = "USER_SESSIONS";

/// What failed may repeat a value in its message: only the kind is kept.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn fault(error: Error) -> Fault {
    match error {
        Error::SerdeWasmBindgenError(_) => Fault::Unreadable,
        _ => Fault::Failed,
    }
}

/// Whether this isolate knows that its KV namespace has a birth mark.
static HAS_BIRTH_MARK: AtomicBool = AtomicBool::new(false);

/// The view of Cloudflare that one request has, or one object.
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
    fn now(&self) -> UnixMillis {
        clock::now()
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        clock::sleep_ms(milliseconds).await;
    }
}

impl Rng for Cloudflare {
    fn fill(&self, bytes: &mut [u8]) {
        clock::fill_random(bytes);
    }
}

#[wasm_bindgen(module = "/src/cloudflare/domain.js")]
extern "C" {
    fn domain(name: &str) -> Option<String>;
}

impl Normalizer for Cloudflare {
    fn nfc(&self, text: &str) -> String {
        JsString::from(text).normalize("NFC").into()
    }

    fn nfkc(&self, text: &str) -> String {
        JsString::from(text).normalize("NFKC").into()
    }

    fn domain(&self, name: &str) -> Option<String> {
        domain(name).filter(|domain| !domain.is_empty())
    }
}

impl Runtime for Cloudflare {
    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        let done = promised(async {
            work.await;
            Ok(JsValue::UNDEFINED)
        });
        let context: &worker_sys::Context = (*self.context).as_ref();
        // It throws only outside of a request.
        let _ = context.wait_until(&done);
    }

    fn log(&self, line: &str) {
        console_log!("{line}");
    }

    fn has_limit(&self, limit: RateLimit) -> bool {
        rate_limit::is_bound(&self.env, limit)
    }

    async fn is_over(&self, limit: RateLimit, key: &str) -> Result<bool, Fault> {
        rate_limit::is_over(&self.env, limit, key).await
    }
}

impl HasSessions for Cloudflare {
    type Store = WorkersKv;
    type Objects = Objects;

    fn user_sessions(&self) -> Result<Objects, Fault> {
        Objects::bound(&self.env, USER_SESSIONS)
    }

    fn sessions(&self) -> Result<WorkersKv, Fault> {
        WorkersKv::bound(&self.env, SESSIONS)
    }

    fn has_birth_mark(&self) -> bool {
        HAS_BIRTH_MARK.load(Ordering::Relaxed)
    }

    fn note_birth_mark(&self) {
        HAS_BIRTH_MARK.store(true, Ordering::Relaxed);
    }
}

impl HasAccounts for Cloudflare {
    type Accounts = D1Accounts;
    type Guard = Guards;

    fn accounts(&self) -> Result<D1Accounts, Fault> {
        D1Accounts::bound(&self.env, ACCOUNTS)
    }

    fn guard(&self) -> Result<Guards, Fault> {
        Guards::bound(&self.env, GUARDS)
    }
}
