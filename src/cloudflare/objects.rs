//! What all kinds of Durable Objects share: how they are called, and their storage.
//!
//! An object is called by RPC and not by `fetch`: a text in, a text out, with no request and response
//! to take apart on both sides.

use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{Context, Env, ObjectNamespace, worker_sys};

use crate::{
    cloudflare::{Cloudflare, fault, promise::settled},
    config::{location, name},
    object::Storage,
    port::Fault,
    session::object::port::Rows,
    token::time::UnixMillis,
};

#[wasm_bindgen]
extern "C" {
    /// A class of `entry.js`, called by RPC.
    type Rpc;
    #[wasm_bindgen(method, catch)]
    fn ask(this: &Rpc, request: &str) -> Result<Promise, JsValue>;

    /// The storage of an object: <https://developers.cloudflare.com/durable-objects/api/>.
    #[derive(Clone)]
    type RawStorage;
    #[wasm_bindgen(method, catch)]
    fn get(this: &RawStorage, key: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn put(this: &RawStorage, key: &str, value: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = delete)]
    fn delete_keys(this: &RawStorage, keys: &Array) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    fn delete_all(this: &RawStorage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getAlarm)]
    fn get_alarm(this: &RawStorage) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setAlarm)]
    fn set_alarm(this: &RawStorage, at: f64) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = deleteAlarm)]
    fn delete_alarm(this: &RawStorage) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/cloudflare/storage.js")]
extern "C" {
    /// The values of these keys, which are separated by line breaks: texts or `null`s.
    #[wasm_bindgen(catch, js_name = getRows)]
    fn get_rows(storage: &RawStorage, keys: &str) -> Result<Promise, JsValue>;
    /// Keys and values, one after the other.
    #[wasm_bindgen(catch, js_name = listRows)]
    fn list_rows(
        storage: &RawStorage,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Promise, JsValue>;
}

/// The objects of a binding.
pub struct Objects {
    namespace: ObjectNamespace,
    /// Where new ones are created. Otherwise that is near the first who asks: perhaps a stranger.
    location: Option<&'static str>,
}

impl Objects {
    /// The objects of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, binding: &'static str) -> Result<Self, Fault> {
        let namespace = env.durable_object(binding);
        let hint = env.var(name::ACCOUNT_LOCATION).ok();
        Ok(Self {
            namespace: namespace.map_err(|_| Fault::NotBound(binding))?,
            location: hint.and_then(|hint| location(&hint.to_string())),
        })
    }

    /// Asks the object of this name.
    ///
    /// # Errors
    /// It could not be reached, or failed.
    pub async fn ask(&self, name: &str, request: &str) -> Result<String, Fault> {
        let stub = match self.location {
            Some(hint) => self.namespace.get_by_name_with_location_hint(name, hint),
            None => self.namespace.get_by_name(name),
        };
        let stub = stub.map_err(fault)?;
        let reply = settled(stub.into_rpc::<Rpc>().ask(request)).await;
        let reply = reply.map_err(|_| Fault::Failed)?.as_string();
        reply.ok_or(Fault::Unreadable)
    }
}

/// The platform inside of an object: its state has `waitUntil`, as the context of a request does.
pub fn platform_of(state: &worker_sys::DurableObjectState, env: Env) -> Cloudflare {
    let state_as_context: &JsValue = state.as_ref();
    let context = Context::new(state_as_context.clone().unchecked_into());
    Cloudflare::new(env, context)
}

/// An error as JavaScript throws it.
pub fn thrown(fault: Fault) -> JsValue {
    js_sys::Error::new(&fault.to_string()).into()
}

/// The storage of an object. It is called directly, as KV is and for the same reasons: see `kv.rs`.
pub struct DurableStorage(RawStorage);

impl DurableStorage {
    /// The storage of the object with this state.
    pub fn of(state: &worker_sys::DurableObjectState) -> Self {
        let storage = Reflect::get(state.as_ref(), &"storage".into());
        Self(storage.unwrap_or_default().unchecked_into())
    }
}

async fn done(call: Result<Promise, JsValue>) -> Result<(), Fault> {
    settled(call).await.map(|_| ()).map_err(|_| Fault::Failed)
}

/// A text; nothing where there is none. What is no text is not what we store.
fn text(value: &JsValue) -> Result<Option<String>, Fault> {
    match value.as_string() {
        None if !value.is_null() && !value.is_undefined() => Err(Fault::Unreadable),
        text => Ok(text),
    }
}

impl Storage for DurableStorage {
    async fn get(&self, key: &str) -> Result<Option<String>, Fault> {
        let value = settled(self.0.get(key)).await;
        text(&value.map_err(|_| Fault::Failed)?)
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), Fault> {
        done(self.0.put(key, value)).await
    }

    async fn delete_all(&self) -> Result<(), Fault> {
        done(self.0.delete_all()).await
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds stay far below 2^53"
    )]
    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
        done(self.0.set_alarm(at.0 as f64)).await
    }

    async fn delete_alarm(&self) -> Result<(), Fault> {
        done(self.0.delete_alarm()).await
    }
}

impl Rows for DurableStorage {
    async fn get_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        let found = settled(get_rows(&self.0, &keys.join("\n"))).await;
        let found: Array = found.map_err(|_| Fault::Failed)?.unchecked_into();
        found.iter().map(|value| text(&value)).collect()
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Fault> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let rows = settled(list_rows(&self.0, prefix, after, limit)).await;
        let rows: Array = rows.map_err(|_| Fault::Failed)?.unchecked_into();
        let texts: Option<Vec<String>> = rows.iter().map(|text| text.as_string()).collect();
        let mut texts = texts.ok_or(Fault::Unreadable)?.into_iter();
        let pairs = std::iter::from_fn(|| Some((texts.next()?, texts.next()?)));
        Ok(pairs.collect())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Fault> {
        let keys: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        done(self.0.delete_keys(&keys)).await
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an alarm is a whole number of milliseconds after 1970"
    )]
    async fn alarm(&self) -> Result<Option<UnixMillis>, Fault> {
        let at = settled(self.0.get_alarm()).await;
        let at = at.map_err(|_| Fault::Failed)?.as_f64();
        Ok(at.map(|at| UnixMillis(at as u64)))
    }
}
