//! A whole request. The lines of the input: method, address, `Authorization`, `Origin`,
//! `Access-Control-Request-Headers`, `CF-Ray`, and the rest is the body.

use tokenkeep::http::{
    method::Method,
    request::{BODY_BYTES, Body, Call, split_url},
};
use tokenkeep_world::client;

use crate::world::handle;

/// A header's value, as a runtime lets it through (RFC 9110, section 5.5).
fn header(line: &str) -> Option<String> {
    let is_sendable = |c: &char| *c == '\t' || !c.is_control();
    let value: String = line.chars().filter(is_sendable).collect();
    (!value.is_empty()).then_some(value)
}

/// There is always an answer, with headers that can be sent, and never a fault where none is.
pub fn check(bytes: &[u8]) {
    let mut lines = bytes.splitn(7, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, url) = (line(), line());
    let (origin, path, query) = split_url(&url);
    assert_eq!(
        url.split('#').next().expect("the first"),
        match query {
            "" if !url.split('#').next().expect("the first").ends_with('?') =>
                format!("{origin}{path}"),
            _ => format!("{origin}{path}?{query}"),
        }
    );
    let call = Call {
        query: query.to_owned(),
        origin: origin.to_owned(),
        authorization: header(&line()),
        page_origin: header(&line()),
        wanted_headers: header(&line()),
        ray: header(&line()),
        body: match line().into_bytes() {
            body if body.len() > BODY_BYTES => Body::TooLarge,
            body => Body::Whole(body),
        },
        ..client::call(Method::from_text(&method), path, None, "")
    };
    let reply = handle(&call, &[]);
    assert!(
        matches!(reply.status, 200 | 204 | 400..=413 | 429),
        "{reply:?}"
    );
    for (name, value) in &reply.headers {
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        );
        assert!(
            !value.chars().any(|c| c.is_control() && c != '\t'),
            "{name}: {value:?}"
        );
    }
    let mut names: Vec<_> = reply.headers.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), reply.headers.len(), "each header once");
    assert!(
        reply.body.is_empty() || serde_json::from_str::<serde_json::Value>(&reply.body).is_ok()
    );
}
