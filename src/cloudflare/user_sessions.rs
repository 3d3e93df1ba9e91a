//! The sessions of users as Durable Objects, one for each user, found by the user's name:
//! [`crate::session::object`] says what they do.
//!
//! The class itself is `UserSessions` in `entry.js`, as with [`super::guards`].

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, worker_sys};

use crate::{
    cloudflare::{
        Cloudflare,
        objects::{DurableStorage, Objects, platform_of, thrown},
        promise::promised,
    },
    port::Fault,
    session::{object::UserSessions, port::UserObjects},
};

impl UserObjects for Objects {
    async fn ask(&self, name: &str, request: &str) -> Result<String, Fault> {
        Objects::ask(self, name, request).await
    }
}

/// The sessions of one user, inside of their object.
#[wasm_bindgen]
pub struct UserSessionsObject(Rc<UserSessions<Cloudflare, DurableStorage>>);

#[wasm_bindgen]
impl UserSessionsObject {
    /// The sessions in the storage of this object.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(state: &worker_sys::DurableObjectState, env: Env) -> Self {
        let platform = platform_of(state, env);
        let storage = DurableStorage::of(state);
        Self(Rc::new(UserSessions::new(platform, storage)))
    }

    /// Handles a request. The promise is rejected when that failed.
    pub fn ask(&self, request: String) -> Promise {
        let sessions = Rc::clone(&self.0);
        promised(async move {
            let reply = sessions.ask(&request).await.map_err(thrown)?;
            Ok(reply.into())
        })
    }

    /// Cleans up. The promise is rejected when the storage failed: the alarm is tried again then.
    pub fn alarm(&self) -> Promise {
        let sessions = Rc::clone(&self.0);
        promised(async move {
            sessions.alarm().await.map_err(thrown)?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
