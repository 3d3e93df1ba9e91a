//! Which web pages may read a reply: CORS (Fetch Standard, "CORS protocol").

use crate::{
    config::AllowedOrigins,
    http::{reply::Reply, request::Call},
};

/// Maximum size of `Access-Control-Request-Headers` that is answered, in bytes: browsers ask for a
/// few names.
const WANTED_HEADERS_BYTES: usize = 1024;

/// Lets web pages of the allowed origins read the reply.
pub fn share(origins: &AllowedOrigins, call: &Call, reply: &mut Reply) {
    let allowed = match (origins, &call.page_origin) {
        (AllowedOrigins::Any, _) => Some("*".to_owned()),
        (AllowedOrigins::Only(_), page) => page.clone().filter(|page| origins.allow(page)),
    };
    if let AllowedOrigins::Only(_) = origins {
        reply.headers.push(("Vary", "Origin".into()));
    }
    if let Some(origin) = allowed {
        // A wildcard cannot have it (Fetch Standard). There are no cookies here: it lets through what
        // a page sends with `credentials: "include"`.
        if origin != "*" {
            reply
                .headers
                .push(("Access-Control-Allow-Credentials", "true".into()));
        }
        reply.headers.push(("Access-Control-Allow-Origin", origin));
        reply.headers.push((
            "Access-Control-Expose-Headers",
            "Retry-After, WWW-Authenticate".into(),
        ));
    }
}

/// The reply to a preflight. It allows the headers that the browser asks for: the wildcard would
/// not cover `Authorization`.
#[must_use]
pub fn preflight(allowed: &str, call: &Call) -> Reply {
    let mut headers = vec![
        ("Allow", allowed.to_owned()),
        ("Access-Control-Allow-Methods", allowed.to_owned()),
        ("Access-Control-Max-Age", "86400".into()),
    ];
    // Header names are ASCII (RFC 9110, section 5.1).
    if let Some(wanted) = call
        .wanted_headers
        .as_ref()
        .filter(|names| names.is_ascii() && names.len() <= WANTED_HEADERS_BYTES)
    {
        headers.push(("Access-Control-Allow-Headers", wanted.clone()));
    }
    Reply {
        status: 204,
        headers,
        body: String::new(),
    }
}
