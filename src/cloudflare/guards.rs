//! The guards as Durable Objects, one for each address, found by its name:
//! [`crate::account::guard`] says why they are objects, [`crate::object`] how an object works.
//!
//! The class itself is `AccountGuard` in `entry.js`, not the `worker` crate's `#[durable_object]`: a
//! panic ends the WebAssembly instance, and the class outlives it and makes its guard anew.
//!
//! A guard is called by RPC and not by `fetch`: a text in, a text out, with no request and response
//! to take apart on both sides.

use std::rc::Rc;

use js_sys::{Date, Promise};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{Context, Env, ObjectNamespace, ScheduledTime, State, worker_sys};

use crate::{
    account::{
        email::Email,
        guard::AccountGuard,
        message::{GuardReply, GuardRequest},
        port::Guard,
    },
    cloudflare::{
        Cloudflare, fault,
        promise::{promised, settled},
    },
    config::{location, name},
    object::{Object, Storage},
    port::Fault,
    token::time::UnixMillis,
};

#[wasm_bindgen]
extern "C" {
    /// `AccountGuard` in `entry.js`, called by RPC.
    type AccountGuardRpc;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &AccountGuardRpc, request: &str) -> Result<Promise, JsValue>;
}

/// The guards of all addresses.
pub struct Guards {
    objects: ObjectNamespace,
    /// Where new ones are created. Otherwise that is near the first who asks: perhaps a stranger.
    location: Option<&'static str>,
}

impl Guards {
    /// The objects of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, binding: &'static str) -> Result<Self, Fault> {
        let objects = env.durable_object(binding);
        let hint = env.var(name::ACCOUNT_LOCATION).ok();
        Ok(Self {
            objects: objects.map_err(|_| Fault::NotBound(binding))?,
            location: hint.and_then(|hint| location(&hint.to_string())),
        })
    }
}

impl Guard for Guards {
    async fn ask(&self, email: &Email, request: &GuardRequest) -> Result<GuardReply, Fault> {
        let request = serde_json::to_string(request).map_err(|_| Fault::Unreadable)?;
        let (objects, name) = (&self.objects, email.as_str());
        let stub = match self.location {
            Some(hint) => objects.get_by_name_with_location_hint(name, hint),
            None => objects.get_by_name(name),
        };
        let stub = stub.map_err(fault)?;
        let reply = settled(stub.into_rpc::<AccountGuardRpc>().ask(&request)).await;
        let reply = reply.map_err(|_| Fault::Failed)?.as_string();
        let reply = reply.ok_or(Fault::Unreadable)?;
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
    pub fn new(state: worker_sys::DurableObjectState, env: Env) -> Self {
        // An object's state has `waitUntil`, as a request's context does.
        let state_as_context: &JsValue = state.as_ref();
        let context = Context::new(state_as_context.clone().unchecked_into());
        let platform = Cloudflare::new(env, context);
        let storage = DurableStorage(State::from(state).storage());
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

    /// Cleans up. The promise is rejected when the storage failed: the alarm is tried again then.
    pub fn alarm(&self) -> Promise {
        let guard = Rc::clone(&self.0);
        promised(async move {
            guard.alarm().await.map_err(thrown)?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

fn thrown(fault: Fault) -> JsValue {
    js_sys::Error::new(&fault.to_string()).into()
}

/// The storage of an object.
struct DurableStorage(worker::Storage);

impl Storage for DurableStorage {
    async fn get(&self, key: &str) -> Result<Option<String>, Fault> {
        self.0.get(key).await.map_err(fault)
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), Fault> {
        self.0.put_raw(key, value).await.map_err(fault)
    }

    async fn delete_all(&self) -> Result<(), Fault> {
        self.0.delete_all().await.map_err(fault)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds stay far below 2^53"
    )]
    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
        let time = ScheduledTime::new(Date::new(&(at.0 as f64).into()));
        self.0.set_alarm(time).await.map_err(fault)
    }

    async fn delete_alarm(&self) -> Result<(), Fault> {
        self.0.delete_alarm().await.map_err(fault)
    }
}
