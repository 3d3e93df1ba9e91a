//! E-mails: requests to providers, and the binding `EMAIL`.

use js_sys::{Promise, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::Env;

use crate::{
    cloudflare::{Cloudflare, promise::settled},
    mail::{
        Mailer,
        provider::{Answer, Post},
    },
    port::Fault,
};

/// The binding, in `wrangler.toml`.
const EMAIL: &str = "EMAIL";

#[wasm_bindgen(module = "/src/cloudflare/mail.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn post(url: &str, headers: &str, body: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn send(binding: &JsValue, email: &str) -> Result<Promise, JsValue>;
}

fn bound(env: &Env) -> Option<JsValue> {
    let binding = Reflect::get(env, &EMAIL.into()).ok()?;
    binding.is_object().then_some(binding)
}

impl Mailer for Cloudflare {
    async fn post(&self, request: &Post) -> Result<Answer, Fault> {
        let headers = request.headers.iter();
        let headers: Map<String, Value> = headers
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .collect();
        let headers = Value::Object(headers).to_string();
        let status = settled(post(&request.url, &headers, &request.body)).await;
        // What it says of the failure may have the address in it.
        let status = status.map_err(|_| Fault::Failed)?.as_f64();
        let status = status.ok_or(Fault::Unreadable)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a status has three digits"
        )]
        Ok(Answer {
            status: status.abs() as u16,
            is_json: status > 0.0,
        })
    }

    fn has_mail_binding(&self) -> bool {
        bound(&self.env).is_some()
    }

    async fn send_by_binding(&self, email: &str) -> Result<(), Fault> {
        let binding = bound(&self.env).ok_or(Fault::NotBound(EMAIL))?;
        let sent = settled(send(&binding, email)).await;
        sent.map(|_| ()).map_err(|_| Fault::Failed)
    }
}
