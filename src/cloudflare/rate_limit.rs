//! A rate limit of Cloudflare's over all addresses together. It counts in each place for itself,
//! in memory, and costs nothing.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::Env;

use crate::{
    cloudflare::{binding, promise::settled},
    port::Fault,
};

/// The name of the binding in `wrangler.toml`. A worker without it sees no flood.
const ATTEMPTS: &str = "ATTEMPTS";

#[wasm_bindgen]
extern "C" {
    /// <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>.
    type RateLimit;
    /// An object with `success`.
    #[wasm_bindgen(method, catch)]
    fn limit(this: &RateLimit, options: &Object) -> Result<Promise, JsValue>;
}

/// Whether there is a limit.
pub fn is_bound(env: &Env) -> bool {
    binding(env, ATTEMPTS).is_ok()
}

/// Counts an attempt; true when there are more than `wrangler.toml` says.
pub async fn is_flooded(env: &Env) -> Result<bool, Fault> {
    let limit: RateLimit = binding(env, ATTEMPTS)?.unchecked_into();
    let options = Object::new();
    // One count for all.
    Reflect::set(&options, &"key".into(), &"all".into()).map_err(|_| Fault::Failed)?;
    let outcome = settled(limit.limit(&options)).await;
    let outcome = outcome.map_err(|_| Fault::Failed)?;
    let success = Reflect::get(&outcome, &"success".into()).map_err(|_| Fault::Unreadable)?;
    Ok(success == JsValue::FALSE)
}
