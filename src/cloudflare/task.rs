//! Work of ours that JavaScript waits for, on the executor of [`super::promise`], and futures of the
//! `worker` crate that we wait for.

use std::future::Future;

use js_sys::Promise;
use wasm_bindgen::JsValue;

use crate::cloudflare::promise::{settled, spawn};

/// A promise of what this work comes to.
///
/// The work starts in a microtask of its own. So its caller goes on first, and a panic at its very
/// start comes out where `entry.js` looks for panics.
pub fn promised(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let work = work.take().expect("a promise is made once");
        spawn(async move {
            let _ = settled(Ok(Promise::resolve(&JsValue::UNDEFINED))).await;
            let (settle, value) = match work.await {
                Ok(value) => (resolve, value),
                Err(error) => (reject, error),
            };
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        });
    })
}
