//! The seam between Cloudflare's runtime and [`App`]: `Request` in, `Response` out.
//!
//! The `worker` crate's `fetch` event, `Request` and `Response` are not used. This is the path of
//! every refresh, and what they spend is what it can save: `worker::Request` reads the dozens of
//! fields of `cf` each time it is made, an `async` export makes a promise and a `queueMicrotask`, a
//! `Response` made in Rust makes its headers anew, one call each. Without them the CPU of a refresh
//! went from 1.21 to 0.92 of hono + jose's, and with header names that JavaScript keeps from 0.81 to
//! 0.78 (`docs/performance.md`). One text for the whole request and one for the reply, by an `async`
//! export, was tried too: 1.43 times the CPU.

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};

use js_sys::{JSON, JsString, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsThreadLocal, JsValue, prelude::wasm_bindgen};
use web_sys::{ReadableStreamDefaultReader, Request};
use worker::{Context, Env, event, worker_sys};

use crate::{
    app::App,
    cloudflare::{
        Cloudflare, clock,
        promise::{settled, spawn},
    },
    config::{CheckedSettings, Settings},
    http::{
        method::Method,
        reply::Reply,
        request::{BODY_BYTES, Body, Call, DISCARDED_BYTES, split_url},
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
    #[wasm_bindgen(method, getter)]
    fn request(this: &Exchange) -> Request;
    #[wasm_bindgen(method, getter)]
    fn env(this: &Exchange) -> Env;
    #[wasm_bindgen(method, getter)]
    fn context(this: &Exchange) -> worker_sys::Context;
    /// The value of a header, by its name in lower case.
    #[wasm_bindgen(method)]
    fn header(this: &Exchange, name: &JsString) -> Option<String>;
    /// Sends the answer; `headers` are lines of name, colon and value.
    #[wasm_bindgen(method)]
    fn answer(this: &Exchange, status: u16, headers: &str, body: &str);
}

/// Names of headers, as texts that JavaScript keeps. (The formatter would drop the texts.)
#[rustfmt::skip]
mod name {
    use super::{JsString, wasm_bindgen};

    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static IP: JsString = "cf-connecting-ip";
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static AUTHORIZATION: JsString = "authorization";
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static ORIGIN: JsString = "origin";
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static WANTED_HEADERS: JsString = "access-control-request-headers";
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static RAY: JsString = "cf-ray";
        #[wasm_bindgen(thread_local_v2, static_string)]
        pub static LENGTH: JsString = "content-length";
    }
}

/// Serves a request. What is known at once is answered before this returns.
#[wasm_bindgen]
pub fn serve(exchange: Exchange) {
    spawn(async move {
        let env = exchange.env();
        let setup = setup(&env);
        let app = App {
            platform: Cloudflare::new(env, Context::new(exchange.context())),
            settings: &setup,
        };
        let reply = app.handle(&call(&exchange).await).await;
        send(&exchange, &reply);
    });
}

/// What was read from an environment, and when.
struct Known {
    env: Env,
    read_at: UnixMillis,
    settings: Settings,
    setup: Rc<CheckedSettings>,
}

thread_local! {
    /// Keys are not made anew for each request, and settings are not read anew.
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The settings, and what they come to. An isolate may live on when the owner changes a secret. It
/// gets another environment then; in case that is the same object changed, it is read once a while.
fn setup(env: &Env) -> Rc<CheckedSettings> {
    let now = clock::now();
    KNOWN.with_borrow_mut(|known| {
        if let Some(known) = known
            && *known.env == **env
            && now.since_ms(known.read_at) < SETTINGS_MS
        {
            return Rc::clone(&known.setup);
        }
        let settings = Settings::read(|name| setting(env, name));
        let setup = match known.take() {
            Some(known) if known.settings == settings => known.setup,
            _ => Rc::new(CheckedSettings::read(&settings)),
        };
        *known = Some(Known {
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

thread_local! {
    /// Where this instance runs. Asked once: `cf` has dozens of fields, and an instance stays in
    /// its place. The header `CF-Ray` names the place to origins, but not always to workers.
    static COLO: OnceCell<Option<String>> = const { OnceCell::new() };
}

fn colo(request: &Request) -> Option<String> {
    let ask = || {
        let cf = Reflect::get(request, &"cf".into()).ok()?;
        Reflect::get(&cf, &"colo".into()).ok()?.as_string()
    };
    COLO.with(|colo| colo.get_or_init(ask).clone())
}

async fn call(exchange: &Exchange) -> Call {
    let header = |name: &'static JsThreadLocal<JsString>| name.with(|name| exchange.header(name));
    let request = exchange.request();
    let url = request.url();
    let (origin, path, query) = split_url(&url);
    let method = Method::from_text(&request.method());
    Call {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        origin: origin.to_owned(),
        ip: header(&name::IP),
        authorization: header(&name::AUTHORIZATION),
        page_origin: header(&name::ORIGIN),
        wanted_headers: (method == Method::Options)
            .then(|| header(&name::WANTED_HEADERS))
            .flatten(),
        ray: header(&name::RAY),
        colo: colo(&request),
        body: body(exchange, &request).await,
    }
}

/// Reads the body up to its limit. One whose length was announced is no longer than that, and is
/// taken in one piece; any other comes in several.
async fn body(exchange: &Exchange, request: &Request) -> Body {
    let Some(stream) = request.body() else {
        return Body::Whole(Vec::new());
    };
    let length = name::LENGTH.with(|name| exchange.header(name));
    if length.is_some_and(|length| {
        length
            .parse()
            .is_ok_and(|length: usize| length <= BODY_BYTES)
    }) {
        return match settled(request.array_buffer()).await {
            Ok(bytes) => Body::Whole(Uint8Array::new(&bytes).to_vec()),
            Err(_) => Body::Unreadable,
        };
    }
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    let mut received = 0;
    loop {
        let Ok(piece) = next_piece(&reader).await else {
            return Body::Unreadable;
        };
        let Some(piece) = piece else { break };
        received += piece.length() as usize;
        if received <= BODY_BYTES {
            bytes.extend(piece.to_vec());
        } else if received > DISCARDED_BYTES {
            drop(reader.cancel());
            break;
        }
    }
    if received > BODY_BYTES {
        Body::TooLarge
    } else {
        Body::Whole(bytes)
    }
}

/// The next piece of a body; none at its end.
async fn next_piece(
    reader: &ReadableStreamDefaultReader,
) -> std::result::Result<Option<Uint8Array>, JsValue> {
    let piece = settled(Ok(reader.read())).await?;
    let value = Reflect::get(&piece, &JsValue::from_str("value"))?;
    Ok((!value.is_undefined()).then(|| value.unchecked_into()))
}

fn send(exchange: &Exchange, reply: &Reply) {
    let mut headers = String::new();
    for (name, value) in &reply.headers {
        headers.extend([name, ":", value, "\n"]);
    }
    exchange.answer(reply.status, &headers, &reply.body);
}
