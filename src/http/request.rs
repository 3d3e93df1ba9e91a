//! A request, as far as Tokenkeep looks at it.

use crate::http::method::Method;

/// Most bytes of a request's body. The largest that makes sense is a token (4 KiB) beside claims
/// (2 KiB).
pub const BODY_BYTES: usize = 16 * 1024;

/// How long a `GET` may take in all. Bravo gives it up after 5 s, and a clear 503 must come before.
pub const GET_MS: u64 = 4_500;

/// How long any other request may take in all. Bravo gives it up after 10 s.
pub const REQUEST_MS: u64 = 8_500;

/// How much of a body that is too large is still read, so that the connection stays good.
pub const DISCARDED_BYTES: usize = 1024 * 1024;

/// Most bytes of `CF-Connecting-IP`: an IPv6 address has 45 at most.
pub const IP_BYTES: usize = 64;

/// A request, as far as Tokenkeep looks at it. There are secrets in it: it cannot be printed.
#[derive(Clone)]
pub struct Call {
    /// The verb.
    pub method: Method,
    /// The address's path, without the query.
    pub path: String,
    /// The address's query, without its `?`; empty where there is none.
    pub query: String,
    /// The address's scheme and host, such as `https://api.example.com`.
    pub origin: String,
    /// The IP address that called: the header `CF-Connecting-IP`.
    pub ip: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Origin`: the web page that calls.
    pub page_origin: Option<String>,
    /// The header `Access-Control-Request-Headers`.
    pub wanted_headers: Option<String>,
    /// The header `CF-Ray`: Cloudflare's name for the request.
    pub ray: Option<String>,
    /// Cloudflare's code of the place where it runs, such as `MAD`.
    pub place: Option<String>,
    /// The body.
    pub body: Body,
}

/// A request's body, read up to its limit.
#[derive(Clone)]
pub enum Body {
    /// All of it; empty where there was none.
    Whole(Vec<u8>),
    /// More than [`BODY_BYTES`].
    TooLarge,
    /// The connection broke off, or what came is no body.
    Unreadable,
}

/// `https://host/path?query` as `https://host`, `/path` and `query`. The runtime gives absolute
/// addresses.
#[must_use]
pub fn split_url(url: &str) -> (&str, &str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let host = url.find("://").map_or(0, |colon| colon + 3);
    let end = url[host..]
        .find(['/', '?'])
        .map_or(url.len(), |end| host + end);
    let (origin, rest) = url.split_at(end);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (origin, path, query)
}

#[cfg(test)]
mod tests {
    use super::*;

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
