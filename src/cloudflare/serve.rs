//! The seam between Cloudflare's runtime and [`App`]: `Request` in, `Response` out.
//!
//! The `worker` crate's `fetch` event, `Request` and `Response` are not used. This is the path of
//! every refresh, and what they spend is what it can save: `worker::Request` reads the dozens of
//! fields of `cf` each time it is made, an `async` export makes a promise and a `queueMicrotask`, a
//! `Response` made in Rust makes its headers anew, one call each. Without them the CPU of a refresh
//! went from 1.21 to 0.92 of hono + jose's (`docs/performance.md`). An `async` export that takes the
//! request as one text and returns the reply as one was tried too: 1.43 times the CPU.
//!
//! `entry.js` reads the request, body included, and passes all of it on in one call. That is for its
//! simplicity: no difference to a call for each header was measurable (`promise.rs` has the figures).

use std::{cell::RefCell, rc::Rc};

use js_sys::{JSON, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, event, worker_sys};

use crate::{
    app::App,
    cloudflare::{
        Cloudflare, clock,
        promise::{at_once, spawn},
    },
    config::{CheckedSettings, Settings},
    http::{
        method::Method,
        reply::Reply,
        request::{BODY_BYTES, BODY_TIMEOUT_MS, Body, Call, DISCARDED_BYTES, split_url},
    },
    token::time::UnixMillis,
};

/// How long a change of the settings may take to be seen where the runtime does not say that there
/// was one.
pub const SETTINGS_MS: u64 = 10_000;

/// Prints a panic's message and place before the instance is given up. The runtime's own hook,
/// which has the instance renewed, was set before this one and goes on working.
#[event(start)]
fn start() {
    let renew_instance = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        renew_instance(info);
    }));
}

#[wasm_bindgen]
extern "C" {
    /// One request and its answer: `Exchange` in `entry.js`.
    pub type Exchange;
    /// Sends the answer; `headers` are lines of name, colon and value.
    #[wasm_bindgen(method)]
    fn answer(this: &Exchange, status: u16, headers: &str, body: &str);
}

/// How `entry.js` reads a body: bytes that are kept, bytes that are read at all, milliseconds.
#[wasm_bindgen]
#[must_use]
pub fn body_limits() -> Vec<u32> {
    [BODY_BYTES, DISCARDED_BYTES, BODY_TIMEOUT_MS]
        .map(|limit| u32::try_from(limit).expect("limits are small"))
        .into()
}

/// How the reading of a body ended.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum BodyEnd {
    /// All of it is here.
    Whole,
    /// It is too large.
    TooLarge,
    /// It broke off.
    Unreadable,
    /// Time ran out.
    Late,
}

/// Serves a request. A reply that needs no I/O is sent before this returns. `head` has a line for
/// each thing that [`call`] reads; `waited_ms` is how long the body took.
#[wasm_bindgen]
pub fn serve(
    exchange: Exchange,
    env: Env,
    context: worker_sys::Context,
    head: String,
    body: Vec<u8>,
    end: BodyEnd,
    waited_ms: u32,
) {
    at_once(|| {
        spawn(async move {
            let setup = setup(&env);
            let app = App {
                platform: Cloudflare::new(env, Context::new(context)),
                settings: &setup,
            };
            let body = match end {
                BodyEnd::Whole => Body::Whole(body),
                BodyEnd::TooLarge => Body::TooLarge,
                BodyEnd::Unreadable => Body::Unreadable,
                BodyEnd::Late => Body::Late,
            };
            let reply = app.handle(&call(&head, body, waited_ms)).await;
            send(&exchange, &reply);
        });
    });
}

/// What was read from an environment, and when.
struct CachedSetup {
    env: Env,
    read_at: UnixMillis,
    settings: Settings,
    setup: Rc<CheckedSettings>,
}

thread_local! {
    /// Keys are not made anew for each request, and settings are not read anew.
    static CACHED: RefCell<Option<CachedSetup>> = const { RefCell::new(None) };
}

/// The settings, and what they come to. An isolate may live on when the owner changes a secret. It
/// gets another environment then; in case that is the same object changed, it is read once a while.
fn setup(env: &Env) -> Rc<CheckedSettings> {
    let now = clock::now();
    CACHED.with_borrow_mut(|cached| {
        if let Some(known) = cached
            && *known.env == **env
            && now.since_ms(known.read_at) < SETTINGS_MS
        {
            return Rc::clone(&known.setup);
        }
        let settings = Settings::read(|name| setting(env, name));
        let setup = match cached.take() {
            Some(known) if known.settings == settings => known.setup,
            _ => Rc::new(CheckedSettings::read(&settings)),
        };
        *cached = Some(CachedSetup {
            env: env.clone(),
            read_at: now,
            settings,
            setup: Rc::clone(&setup),
        });
        setup
    })
}

/// A var or a secret, as text. `wrangler.toml` may have other values too, which the `worker` crate's
/// `var` does not read: they are taken as JSON.
fn setting(env: &Env, name: &str) -> Option<String> {
    let text = env.var(name).map(|text| text.to_string());
    text.ok().or_else(|| {
        let value = Reflect::get(env, &name.into()).ok()?;
        JSON::stringify(&value).ok()?.as_string()
    })
}

/// What `entry.js` says of a request: a line for each of these, empty where there is nothing. No
/// line break can be in any of them.
fn call(head: &str, body: Body, waited_ms: u32) -> Call {
    let mut lines = head.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let method = Method::from_text(line());
    let (origin, path, query) = split_url(line());
    let mut value = || Some(line()).filter(|text| !text.is_empty()).map(Into::into);
    Call {
        method,
        path: path.into(),
        query: query.into(),
        origin: origin.into(),
        ip: value(),
        authorization: value(),
        page_origin: value(),
        wanted_headers: value(),
        ray: value(),
        colo: value(),
        body,
        waited_ms: waited_ms.into(),
    }
}

fn send(exchange: &Exchange, reply: &Reply) {
    let mut headers = String::new();
    for (name, value) in &reply.headers {
        headers.extend([name, ":", value, "\n"]);
    }
    exchange.answer(reply.status, &headers, &reply.body);
}
