//! A request: what arrived, and what a handler works with.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    config::Config,
    http::{
        error::{BadInput, Error},
        example,
        fields::{Fields, unfilled},
        method::Method,
        token_text::{has_bearer, token_in},
    },
    log::Line,
    port::{Clock, Deadline, Runtime},
    token::id::SessionId,
};

/// Maximum size of a body, in bytes. The largest that makes sense is a token (9 KiB).
pub const BODY_BYTES: usize = 16 * 1024;

/// How much of a body that is too large is still read, in bytes, so that the connection stays
/// usable.
pub const DISCARDED_BYTES: usize = 1024 * 1024;

/// How long a body may take to arrive, in milliseconds. It counts as part of [`REQUEST_TIMEOUT_MS`].
pub const BODY_TIMEOUT_MS: usize = 5_000;

/// How long a `GET` may take in all. Bravo gives up after 5 s, and a clear 503 must come before.
pub const GET_TIMEOUT_MS: u64 = 4_500;

/// How long any other request may take in all. Bravo gives up after 10 s.
pub const REQUEST_TIMEOUT_MS: u64 = 8_500;

/// Maximum size of `CF-Connecting-IP`, in bytes: an IPv6 address has at most 45.
const IP_BYTES: usize = 64;

/// What arrived. There are secrets in it: it cannot be printed.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path of the URL.
    pub path: String,
    /// The query of the URL, without its `?`; empty where there is none.
    pub query: String,
    /// The scheme and host of the URL, such as `https://api.example.com`.
    pub origin: String,
    /// The caller's IP address: the header `CF-Connecting-IP`.
    pub ip: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `Origin`: the web page that calls.
    pub page_origin: Option<String>,
    /// The header `Access-Control-Request-Headers`.
    pub wanted_headers: Option<String>,
    /// The header `CF-Ray`: Cloudflare's name for the request.
    pub ray: Option<String>,
    /// Cloudflare's code of the data centre that it arrived at, such as `MAD`.
    pub colo: Option<String>,
    /// The body.
    pub body: Body,
    /// How long the body took to arrive, in milliseconds.
    pub waited_ms: u64,
}

/// A body, read up to its limit.
#[derive(Clone)]
pub enum Body {
    /// All of it; empty where there was none.
    Whole(Vec<u8>),
    /// More than [`BODY_BYTES`].
    TooLarge,
    /// The connection broke off, or what came is not a body.
    Unreadable,
    /// It did not arrive whole within [`BODY_TIMEOUT_MS`].
    Late,
}

impl Call {
    /// When the caller gives up.
    pub fn deadline(&self, clock: &impl Clock) -> Deadline {
        let milliseconds = match self.method {
            Method::Get | Method::Head => GET_TIMEOUT_MS,
            _ => REQUEST_TIMEOUT_MS,
        };
        Deadline::after_ms(milliseconds.saturating_sub(self.waited_ms), clock)
    }

    /// The body, which must have arrived whole.
    ///
    /// # Errors
    /// 413 for one that is too large, 400 for one that broke off or did not arrive in time.
    pub fn whole_body(&self) -> Result<&[u8], Error> {
        match &self.body {
            Body::Whole(bytes) => Ok(bytes),
            Body::TooLarge => Err(Error::PayloadTooLarge),
            Body::Unreadable => Err(BadInput::body(
                "The body could not be read: the connection broke off. Send the same request again.",
            )
            .into()),
            Body::Late => {
                let seconds = BODY_TIMEOUT_MS / 1000;
                Err(BadInput::body(&format!(
                    "The body did not arrive within {seconds} seconds. Nothing is lost: send the same request again."
                ))
                .into())
            }
        }
    }
}

/// Whether tokens and passwords were sent in plain text through a network: over `http:`, to a host
/// that is not local.
#[must_use]
pub fn is_in_plain_text(origin: &str) -> bool {
    origin.starts_with("http://") && !is_local(origin)
}

/// Whether this is the address of a local host.
///
/// Local is what cannot be reached from outside: IP addresses (a worker on the internet has a name),
/// names without a dot, and those that are kept for such use (RFC 6761, RFC 6762).
#[must_use]
pub fn is_local(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    if host.starts_with('[') {
        return true;
    }
    let name = host.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or_default();
    last == name
        || last.bytes().all(|byte| byte.is_ascii_digit())
        || ["localhost", "local", "test", "internal"].contains(&last)
}

/// A request as a handler sees it: what arrived, and what to work with.
pub struct Request<'a, P> {
    /// The world outside.
    pub platform: &'a P,
    /// The owner's settings, which are valid.
    pub config: &'a Config,
    /// When the caller gives up.
    pub deadline: Deadline,
    /// The request's name in the log and in errors.
    pub id: &'a str,
    /// What arrived.
    pub call: &'a Call,
}

impl<'a, P: Runtime> Request<'a, P> {
    /// The fields of the body.
    ///
    /// # Errors
    /// 400 for a body that is neither JSON nor a form, or did not arrive whole.
    pub fn fields(&self) -> Result<Fields, Error> {
        let body = self.call.whole_body()?;
        let example = || example::body(self.call.method, &self.call.path);
        Ok(Fields::parse(body, example)?)
    }

    /// The token that follows `Bearer` in the header `Authorization` (RFC 6750, section 2.1). None
    /// where there is no such header, or one of another scheme.
    ///
    /// # Errors
    /// 400 for a variable that an app builder did not fill in.
    pub fn bearer_token(&self) -> Result<Option<&'a str>, Error> {
        bearer_token(self.call.authorization.as_deref())
    }

    /// What follows `Bearer`, as it is.
    #[must_use]
    pub fn credentials(&self) -> Option<&'a str> {
        credentials(self.call.authorization.as_deref(), "bearer")
    }

    /// The password that follows `Basic` (RFC 7617): as it is, and decoded, since OAuth clients encode
    /// it like a form (RFC 6749, section 2.3.1).
    #[must_use]
    pub fn basic_password(&self) -> Option<[String; 2]> {
        basic_password(self.call.authorization.as_deref())
    }

    /// The value of this name in the query; an empty one counts as none.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.call.query.as_bytes()).find_map(|(known, value)| {
            (known == name && !value.is_empty()).then(|| value.into_owned())
        })
    }

    /// What stands for `{id}` in the path: its last part.
    #[must_use]
    pub fn path_id(&self) -> &'a str {
        parts(&self.call.path).last().unwrap_or_default()
    }

    /// `iss` of the tokens made here: `ISSUER`, or the address that was called.
    #[must_use]
    pub fn issuer(&self) -> &'a str {
        let configured = self.config.issuer.as_deref();
        configured.unwrap_or(&self.call.origin)
    }

    /// Whether it was sent to a local host: the developer's computer.
    #[must_use]
    pub fn is_local(&self) -> bool {
        is_local(&self.call.origin)
    }

    /// The IP address that it came from.
    #[must_use]
    pub fn ip(&self) -> &'a str {
        let ip = self.call.ip.as_deref();
        ip.filter(|ip| ip.len() <= IP_BYTES).unwrap_or_default()
    }

    /// Writes a line about this request to the log.
    pub fn log(&self, line: Line<'_>) {
        self.platform.log(&line.in_request(self.id).json());
    }

    /// Logs that sessions were ended: why, which (`one`, `all` or `others`), and the one that it
    /// is about, if there is one.
    pub fn log_revocation(
        &self,
        reason: &'static str,
        sessions: &'static str,
        session: Option<&SessionId>,
    ) {
        let line = Line::revocation(reason, sessions);
        self.log(match session {
            Some(session) => line.about(session),
            None => line,
        });
    }
}

fn bearer_token(authorization: Option<&str>) -> Result<Option<&str>, Error> {
    let Some(value) = authorization.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let token = token_in(value).ok_or_else(|| unfilled("Authorization"))?;
    Ok(has_bearer(value).then_some(token))
}

fn credentials<'h>(authorization: Option<&'h str>, expected: &str) -> Option<&'h str> {
    let value = authorization.unwrap_or_default().trim_ascii();
    let (scheme, credentials) = value.split_once(' ')?;
    let is_expected = scheme.eq_ignore_ascii_case(expected);
    is_expected.then(|| credentials.trim_ascii_start())
}

fn basic_password(authorization: Option<&str>) -> Option<[String; 2]> {
    let credentials = credentials(authorization, "basic")?;
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (_, password) = text.split_once(':')?;
    let decoded = form_urlencoded::parse(password.as_bytes()).next();
    let decoded = decoded.map(|(name, _)| name.into_owned());
    Some([password.to_owned(), decoded.unwrap_or_default()])
}

/// The parts of a path. Repeated slashes count as one, and one at the end as none: whoever joins an
/// address and a path writes them.
pub fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// `https://host/path?query` as `https://host`, `/path` and `query`. The runtime passes absolute
/// URLs.
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
    fn the_scheme_may_be_spelled_in_any_case() {
        for header in ["Bearer x.y.z", "bearer x.y.z", " BEARER  x.y.z "] {
            assert_eq!(bearer_token(Some(header)), Ok(Some("x.y.z")));
            assert_eq!(credentials(Some(header), "bearer"), Some("x.y.z"));
        }
    }

    #[test]
    fn quotation_marks_and_white_space_of_any_kind_are_no_part_of_a_token() {
        for header in [
            "\"Bearer x.y.z\"",
            "Bearer \"x.y.z\"",
            "Bearer Bearer x.y.z",
            "Bearer: x.y.z",
            "Bearer, x.y.z",
            "Bearer \u{a0}x.y.z\u{feff}",
        ] {
            assert_eq!(bearer_token(Some(header)), Ok(Some("x.y.z")), "{header}");
        }
        assert_eq!(credentials(Some("Bearer \"x\""), "bearer"), Some("\"x\""));
    }

    #[test]
    fn the_password_of_basic_is_what_follows_the_first_colon() {
        let of = |text: &str| basic_password(Some(&format!("basic {}", STANDARD.encode(text))));
        let pair = |one: &str, other: &str| Some([one.to_owned(), other.to_owned()]);
        assert_eq!(of("id:a:b"), pair("a:b", "a:b"));
        assert_eq!(of(":a%2Bb+c"), pair("a%2Bb+c", "a+b c"));
        assert_eq!(of("id:"), pair("", ""));
        for header in ["Basic", "Basic =", "Basic eA==", "Bearer aTp4"] {
            assert_eq!(basic_password(Some(header)), None);
        }
    }

    #[test]
    fn another_scheme_or_nothing_is_not_a_token() {
        for header in [None, Some(""), Some("Basic eDp5"), Some("x.y.z")] {
            assert_eq!(bearer_token(header), Ok(None));
        }
    }

    #[test]
    fn an_unfilled_variable_is_bad_input_and_logs_nobody_out() {
        for header in [
            "Bearer ${accessToken}",
            "Bearer Bearer ${accessToken}",
            "Bearer${accessToken}",
            "${accessToken}",
            "Token ${x}",
            "Bearer",
            "Bearer null",
            "undefined",
        ] {
            let error = bearer_token(Some(header)).expect_err("a placeholder");
            assert_eq!(error.reply(false).status, 400);
        }
    }

    #[test]
    fn plain_http_is_for_local_hosts_only() {
        for origin in [
            "http://localhost:8787",
            "http://tokenkeep.localhost",
            "http://127.0.0.1:8787",
            "http://[::1]:8787",
            "http://192.168.1.7:8787",
            "http://adas-computer:8787",
            "http://adas-computer.local:8787",
            "https://api.example.com",
        ] {
            assert!(!is_in_plain_text(origin), "{origin}");
        }
        for origin in [
            "http://api.example.com",
            "http://tokenkeep.ada.workers.dev:80",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://example.com.",
        ] {
            assert!(is_in_plain_text(origin), "{origin}");
        }
    }

    #[test]
    fn a_url_is_split_into_origin_path_and_query() {
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
