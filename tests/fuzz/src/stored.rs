//! A session whose three keys hold anything: the lines of the input.

use tokenkeep::http::method::Method;
use tokenkeep_world::client::{bearer, call, showing};

use crate::{
    tokens::sign,
    world::{ACCESS_SECRET, REFRESH_SECRET, handle},
};

/// The keys of the session that the tokens name.
const KEYS: [&str; 3] = [
    "session:ada:BwcHBwcHBwcHBwcHBwcHBw",
    "activity:BwcHBwcHBwcHBwcHBwcHBw",
    "revoked:ada",
];

/// Whatever the store holds, a request of a good token gets an answer: the session, or a 401 that the
/// store speaks for, or a 503.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = KEYS.into_iter().zip(text.split('\n'));
    let stored: Vec<_> = lines.filter(|(_, line)| !line.is_empty()).collect();
    let answers = |method, path, authorization: Option<&str>, body: &str| {
        let reply = handle(&call(method, path, authorization, body), &stored);
        assert!(matches!(reply.status, 200 | 401 | 503), "{reply:?}");
    };
    for generation in [0, 3, u32::MAX] {
        let claims = format!(
            r#"{{"exp":1800003600,"iat":1800000000,"sub":"ada","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":{generation}}}"#
        );
        let token = sign("rt+jwt", claims.as_bytes(), REFRESH_SECRET);
        for path in ["/auth/token", "/auth/logout"] {
            answers(Method::Post, path, None, &showing(&token));
        }
    }
    let claims = r#"{"exp":1800003600,"iat":1800000000,"sub":"ada","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":"3.1800000000.account"}"#;
    let token = bearer(&sign("at+jwt", claims.as_bytes(), ACCESS_SECRET));
    for (method, path) in [
        (Method::Get, "/auth/me"),
        (Method::Get, "/auth/sessions"),
        (Method::Post, "/auth/logout/all"),
    ] {
        answers(method, path, Some(&token), "");
    }
}
