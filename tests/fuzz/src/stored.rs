//! A session whose three keys hold anything: the lines of the input.

use tokenkeep::http::{
    method::Method,
    request::{Body, Call},
};

use crate::{
    tokens::sign,
    world::{ACCESS_SECRET, REFRESH_SECRET, World},
};

/// A call without anything in it.
#[must_use]
pub fn call(method: &str, path: &str) -> Call {
    Call {
        method: Method::from_text(method),
        path: path.to_owned(),
        query: String::new(),
        origin: "https://a.example".to_owned(),
        ip: None,
        authorization: None,
        page_origin: None,
        wanted_headers: None,
        ray: None,
        colo: None,
        body: Body::Whole(Vec::new()),
    }
}

/// Whatever the store holds, a request of a good token gets an answer: the session, or a 401 that the
/// store speaks for, or a 503.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| (!line.is_empty()).then(|| line.to_owned());
    let stored: Vec<_> = text.split('\n').take(3).map(line).collect();
    for generation in [0, 3, u32::MAX] {
        let claims = format!(
            r#"{{"exp":1800003600,"iat":1800000000,"sub":"ada","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":{generation}}}"#
        );
        let token = sign("rt+jwt", claims.as_bytes(), REFRESH_SECRET);
        for path in ["/auth/token", "/auth/logout"] {
            let body = format!(r#"{{"refreshToken":"{token}"}}"#);
            let call = Call {
                body: Body::Whole(body.into_bytes()),
                ..call("POST", path)
            };
            assert_answers(&stored, &call);
        }
    }
    let claims = r#"{"exp":1800003600,"iat":1800000000,"sub":"ada","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":"3.1800000000.account"}"#;
    let token = sign("at+jwt", claims.as_bytes(), ACCESS_SECRET);
    for (method, path) in [
        ("GET", "/auth/me"),
        ("GET", "/auth/sessions"),
        ("POST", "/auth/logout/all"),
    ] {
        let call = Call {
            authorization: Some(format!("Bearer {token}")),
            ..call(method, path)
        };
        assert_answers(&stored, &call);
    }
}

fn assert_answers(stored: &[Option<String>], call: &Call) {
    let world = World {
        stored: stored.to_vec(),
    };
    let reply = world.handle(call);
    assert!(matches!(reply.status, 200 | 401 | 503), "{reply:?}");
}
