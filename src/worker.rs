//! The seam between Cloudflare's runtime and [`App`]: `Request` in, `Response` out.

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};

use js_sys::{Number, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, ReadableStreamDefaultReader, Request, Response, ResponseInit};
use worker::{Context, Env, Result, event};

use crate::{
    app::{App, Body, Call, Reply, Setup},
    config::Settings,
    limits::{BODY_BYTES, DISCARDED_BYTES},
    platform::Cloudflare,
    route::Method,
};

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

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let setup = setup(&env);
    let app = App {
        platform: Cloudflare::new(env, context),
        setup: &setup,
    };
    let call = call(&request).await;
    response(&app.handle(&call).await)
}

thread_local! {
    /// The last settings and what they came to. Keys are not made anew for each request; but an
    /// isolate may live on when the owner changes a secret, so the settings are compared each time.
    static SETUP: RefCell<Option<(Settings, Rc<Setup>)>> = const { RefCell::new(None) };
}

fn setup(env: &Env) -> Rc<Setup> {
    let settings = Settings::read(|name| setting(env, name));
    SETUP.with_borrow_mut(|last| match last {
        Some((known, setup)) if *known == settings => Rc::clone(setup),
        _ => {
            let setup = Rc::new(Setup::of(&settings));
            *last = Some((settings, Rc::clone(&setup)));
            setup
        }
    })
}

/// Vars of `wrangler.toml` are text or numbers, secrets are text. JavaScript writes numbers down.
fn setting(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &name.into()).ok()?;
    let number = || {
        value
            .dyn_ref::<Number>()
            .and_then(|number| number.to_string_with_radix(10).ok())
    };
    value.as_string().or_else(|| number().map(String::from))
}

thread_local! {
    /// Where this instance runs. Asked once: `cf` has dozens of fields, and an instance stays in
    /// its place. The header `CF-Ray` names the place to origins, but not always to workers.
    static PLACE: OnceCell<Option<String>> = const { OnceCell::new() };
}

fn place(request: &Request) -> Option<String> {
    let colo = || {
        let cf = Reflect::get(request, &"cf".into()).ok()?;
        Reflect::get(&cf, &"colo".into()).ok()?.as_string()
    };
    PLACE.with(|place| place.get_or_init(colo).clone())
}

async fn call(request: &Request) -> Call {
    let headers = request.headers();
    let header = |name| headers.get(name).ok().flatten();
    let url = request.url();
    let (origin, path, query) = split_url(&url);
    Call {
        method: Method::from_text(&request.method()),
        path: path.to_owned(),
        query: query.to_owned(),
        origin: origin.to_owned(),
        ip: header("cf-connecting-ip"),
        authorization: header("authorization"),
        page_origin: header("origin"),
        wanted_headers: header("access-control-request-headers"),
        ray: header("cf-ray"),
        place: place(request),
        body: body(request).await,
    }
}

/// `https://host/path?query` as `https://host`, `/path` and `query`. The runtime gives absolute
/// addresses.
fn split_url(url: &str) -> (&str, &str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let host = url.find("://").map_or(0, |colon| colon + 3);
    let end = url[host..]
        .find(['/', '?'])
        .map_or(url.len(), |end| host + end);
    let (origin, rest) = url.split_at(end);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (origin, path, query)
}

/// Reads the body up to its limit. It comes in pieces, and the length that was announced, if any,
/// is only a promise.
async fn body(request: &Request) -> Body {
    let Some(stream) = request.body() else {
        return Body::Whole(Vec::new());
    };
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
    let piece = JsFuture::from(reader.read()).await?;
    let value = Reflect::get(&piece, &JsValue::from_str("value"))?;
    Ok((!value.is_undefined()).then(|| value.unchecked_into()))
}

fn response(reply: &Reply) -> Result<Response> {
    let headers = Headers::new()?;
    for (name, value) in &reply.headers {
        headers.set(name, value)?;
    }
    let init = ResponseInit::new();
    init.set_status(reply.status);
    init.set_headers(&headers);
    let body = (!reply.body.is_empty()).then_some(reply.body.as_str());
    Ok(Response::new_with_opt_str_and_init(body, &init)?)
}

#[cfg(test)]
mod tests {
    use super::split_url;

    #[test]
    fn an_address_is_split_into_origin_path_and_query() {
        for (url, origin, path, query) in [
            (
                "https://a.example/auth/token?x=/y?z#h",
                "https://a.example",
                "/auth/token",
                "x=/y?z",
            ),
            ("http://127.0.0.1:8787/", "http://127.0.0.1:8787", "/", ""),
            ("https://a.example", "https://a.example", "", ""),
            ("https://a.example?x", "https://a.example", "", "x"),
        ] {
            assert_eq!(split_url(url), (origin, path, query));
        }
    }
}
