//! Workers KV behind [`KeyValue`].
//!
//! The namespace is called directly and not through the `worker` crate's `KvStore`, which would be
//! wrong here, and expensive:
//!
//! * Its bulk read takes a value that is not text for one that is absent. An absent session is a
//!   401, so a store that answers nonsense would log users out.
//! * It adds 12.7 KiB gzipped to the worker, for options and listings by `serde`.
//! * Every key and every value of a read crosses the border to JavaScript by itself, on the path of
//!   every refresh. In `kv.js` all keys cross at once.

use js_sys::{Array, JSON, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::Env;

use crate::{
    cloudflare::promise::settled,
    port::Fault,
    session::port::{KeyValue, ListedKey, Page, Write},
};

#[wasm_bindgen]
extern "C" {
    /// A KV namespace: <https://developers.cloudflare.com/kv/api/>.
    #[derive(Clone)]
    type Namespace;

    #[wasm_bindgen(method, catch)]
    fn put(this: &Namespace, key: &str, value: &str, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn list(this: &Namespace, options: &Object) -> Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &Namespace, key: &str) -> Result<Promise, JsValue>;
}

#[wasm_bindgen(module = "/src/cloudflare/kv.js")]
extern "C" {
    /// The values of these keys, which are separated by line breaks: texts or `null`s.
    #[wasm_bindgen(catch, js_name = getAll)]
    fn get_all(namespace: &Namespace, keys: &str) -> Result<Promise, JsValue>;
}

/// A KV namespace.
#[derive(Clone)]
pub struct WorkersKv(Namespace);

impl WorkersKv {
    /// The namespace of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, name: &'static str) -> Result<Self, Fault> {
        match Reflect::get(env, &name.into()) {
            Ok(bound) if bound.is_object() => Ok(Self(bound.unchecked_into())),
            _ => Err(Fault::NotBound(name)),
        }
    }
}

impl KeyValue for WorkersKv {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        let found = settled(get_all(&self.0, &keys.join("\n"))).await;
        let found: Array = found.map_err(fault)?.unchecked_into();
        // Only `null` is absence: what is not answered at all must not log anyone out.
        let value = |value: JsValue| match value.as_string() {
            None if !value.is_null() => Err(Fault::Unreadable),
            text => Ok(text),
        };
        found.iter().map(value).collect()
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        let options = options(write).map_err(fault)?;
        let put = self.0.put(&write.key, &write.value, &options);
        settled(put).await.map_err(fault)?;
        Ok(())
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Fault> {
        self.page(prefix, from, limit).await.map_err(fault)
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        settled(self.0.delete(key)).await.map_err(fault)?;
        Ok(())
    }
}

impl WorkersKv {
    async fn page(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, JsValue> {
        let options = Object::new();
        Reflect::set(&options, &"prefix".into(), &prefix.into())?;
        Reflect::set(&options, &"limit".into(), &limit.into())?;
        if let Some(from) = from {
            Reflect::set(&options, &"cursor".into(), &from.into())?;
        }
        let page = settled(self.0.list(&options)).await?;
        let keys: Array = Reflect::get(&page, &"keys".into())?.dyn_into()?;
        Ok(Page {
            keys: keys
                .iter()
                .map(|key| listed(&key))
                .collect::<Result<_, _>>()?,
            next: Reflect::get(&page, &"cursor".into())?.as_string(),
        })
    }
}

fn listed(key: &JsValue) -> Result<ListedKey, JsValue> {
    let metadata = Reflect::get(key, &"metadata".into())?;
    Ok(ListedKey {
        name: Reflect::get(key, &"name".into())?
            .as_string()
            .ok_or(JsValue::NULL)?,
        metadata: JSON::stringify(&metadata)?.as_string(),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a lifetime is far below 2^53 seconds"
)]
fn options(write: &Write) -> Result<Object, JsValue> {
    let options = Object::new();
    if let Some(seconds) = write.ttl_seconds {
        let seconds = (seconds as f64).into();
        Reflect::set(&options, &"expirationTtl".into(), &seconds)?;
    }
    if let Some(metadata) = &write.metadata {
        Reflect::set(&options, &"metadata".into(), &JSON::parse(metadata)?)?;
    }
    Ok(options)
}

/// KV throws errors such as `KV PUT failed: 429 Too Many Requests`. Only the kind is kept.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn fault(thrown: JsValue) -> Fault {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) if error.message().includes("429", 0) => Fault::Throttled,
        _ => Fault::Failed,
    }
}
