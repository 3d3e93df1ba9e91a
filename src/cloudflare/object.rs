//! The guards as Durable Objects: [`crate::account::guard`] says why. One object for each address, found
//! by its name. `entry.js` holds the object itself and hands its storage and its calls to here.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{Context, Env, worker_sys};

use crate::{
    account::{
        email::Email,
        guard::AccountGuard,
        message::{GuardReply, GuardRequest},
    },
    cloudflare::{
        Cloudflare, binding,
        promise::settled,
        task::{promised, via_promise},
    },
    object::{Object, Storage},
    port::{Fault, Guard},
    token::time::UnixMillis,
};

#[wasm_bindgen]
extern "C" {
    /// A namespace of objects:
    /// <https://developers.cloudflare.com/durable-objects/api/namespace/>.
    type Namespace;
    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    /// An object from afar: `AccountGuard` in `entry.js`.
    type Stub;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &Stub, question: &str) -> Result<Promise, JsValue>;

    /// An object's storage:
    /// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/>.
    pub type DurableStorage;
    #[wasm_bindgen(method, catch, js_name = get)]
    fn get_value(this: &DurableStorage, key: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = put)]
    fn put_value(this: &DurableStorage, key: &str, value: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    fn delete_everything(this: &DurableStorage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    fn alarm_at(this: &DurableStorage, at_ms: f64) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    fn no_alarm(this: &DurableStorage) -> Result<Promise, JsValue>;
}

/// The guards of all addresses.
pub struct Guards(Namespace);

impl Guards {
    /// The objects of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, name: &'static str) -> Result<Self, Fault> {
        Ok(Self(binding(env, name)?.unchecked_into()))
    }
}

impl Guard for Guards {
    async fn ask(&self, email: &Email, ask: &GuardRequest) -> Result<GuardReply, Fault> {
        let question = serde_json::to_string(ask).map_err(|_| Fault::Unreadable)?;
        let guard = self.0.by_name(email.as_str()).map_err(failed)?;
        let answer = settled(guard.ask(&question)).await.map_err(failed)?;
        let answer = answer.as_string().ok_or(Fault::Unreadable)?;
        serde_json::from_str(&answer).map_err(|_| Fault::Unreadable)
    }
}

/// One guard, inside its object.
#[wasm_bindgen]
pub struct GuardObject(Rc<Object<AccountGuard, Cloudflare, DurableStorage>>);

#[wasm_bindgen]
impl GuardObject {
    /// The guard whose memory is in this storage.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(context: worker_sys::Context, storage: DurableStorage, env: Env) -> Self {
        let platform = Cloudflare::new(env, Context::new(context));
        Self(Rc::new(Object::new(platform, storage)))
    }

    /// Handles a request. The promise is rejected when the request cannot be read, or the storage
    /// failed.
    pub fn ask(&self, request: String) -> Promise {
        let guard = Rc::clone(&self.0);
        in_object(async move {
            let reply = guard.ask(&request).await.map_err(thrown)?;
            Ok(reply.into())
        })
    }

    /// Cleans up. The promise is rejected when the storage failed: the alarm is tried again then.
    pub fn alarm(&self) -> Promise {
        let guard = Rc::clone(&self.0);
        in_object(async move {
            guard.alarm().await.map_err(thrown)?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

/// Runs an object's work. Its lock wakes it from within a call of its own, where it must not go on
/// at once: [`via_promise`] says why.
fn in_object(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    promised(via_promise(work))
}

impl Storage for DurableStorage {
    async fn get(&self, key: &str) -> Result<Option<String>, Fault> {
        let value = settled(self.get_value(key)).await.map_err(failed)?;
        Ok(value.as_string())
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), Fault> {
        settled(self.put_value(key, value))
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn delete_all(&self) -> Result<(), Fault> {
        settled(self.delete_everything())
            .await
            .map(drop)
            .map_err(failed)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds stay far below 2^53"
    )]
    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
        settled(self.alarm_at(at.0 as f64))
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn delete_alarm(&self) -> Result<(), Fault> {
        settled(self.no_alarm()).await.map(drop).map_err(failed)
    }
}

/// What was thrown may repeat a value: only the kind is kept.
fn failed(_: JsValue) -> Fault {
    Fault::Failed
}

fn thrown(fault: Fault) -> JsValue {
    js_sys::Error::new(&fault.to_string()).into()
}
