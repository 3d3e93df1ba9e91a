//! The guards as Durable Objects, one for each address, found by its name:
//! [`crate::account::guard`] says why they are objects, [`crate::object`] how an object works.
//!
//! The class itself is `AccountGuard` in `entry.js`, not the `worker` crate's `#[durable_object]`: a
//! panic ends the WebAssembly instance, and the class outlives it and makes its guard anew.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, worker_sys};

use crate::{
    account::{
        email::Email,
        guard::AccountGuard,
        message::{GuardReply, GuardRequest},
        port::Guard,
    },
    cloudflare::{
        Cloudflare,
        objects::{DurableStorage, Objects, platform_of, thrown},
        promise::promised,
    },
    object::Object,
    port::Fault,
};

/// The guards of all addresses.
pub struct Guards(Objects);

impl Guards {
    /// The objects of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, binding: &'static str) -> Result<Self, Fault> {
        Objects::bound(env, binding).map(Self)
    }
}

impl Guard for Guards {
    async fn ask(&self, email: &Email, request: &GuardRequest) -> Result<GuardReply, Fault> {
        let request = serde_json::to_string(request).map_err(|_| Fault::Unreadable)?;
        let reply = self.0.ask(email.as_str(), &request).await?;
        serde_json::from_str(&reply).map_err(|_| Fault::Unreadable)
    }
}

/// One guard, inside its object.
#[wasm_bindgen]
pub struct GuardObject(Rc<Object<AccountGuard, Cloudflare, DurableStorage>>);

#[wasm_bindgen]
impl GuardObject {
    /// The guard whose memory is in the storage of this object.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: &worker_sys::DurableObjectState, env: Env) -> Self {
        let platform = platform_of(state, env);
        let storage = DurableStorage::of(state);
        Self(Rc::new(Object::new(platform, storage)))
    }

    /// Handles a request. The promise is rejected when the request cannot be read, or the storage
    /// failed.
    pub fn ask(&self, request: String) -> Promise {
        let guard = Rc::clone(&self.0);
        promised(async move {
            let reply = guard.ask(&request).await.map_err(thrown)?;
            Ok(reply.into())
        })
    }

    /// Does what is due, and cleans up. The promise is rejected when the storage failed: the alarm is tried again then.
    pub fn alarm(&self) -> Promise {
        let guard = Rc::clone(&self.0);
        promised(async move {
            guard.alarm().await.map_err(thrown)?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
