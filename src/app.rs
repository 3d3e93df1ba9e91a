//! From a request to a reply: the whole worker, without Cloudflare's types.

use crate::{
    account::port::HasAccounts,
    config::CheckedSettings,
    http::{
        cors::{preflight, share},
        error::{BadInput, Error},
        method::Method,
        oauth,
        reply::Reply,
        request::{Call, Request, is_in_plain_text, is_local},
    },
    log::Line,
    routes::{Handler, Route},
    setup::OwnerRequest,
};

/// A browser that was here once uses `https:` only, for a year (RFC 6797).
const HSTS: &str = "max-age=31536000";

/// The worker.
pub struct App<'a, P> {
    /// The world outside.
    pub platform: P,
    /// The owner's settings.
    pub settings: &'a CheckedSettings,
}

impl<P: HasAccounts> App<'_, P> {
    /// Answers a request. There is always a reply.
    pub async fn handle(&self, call: &Call) -> Reply {
        let started_at = self.platform.now();
        let id = self.request_id(call);
        let (mut reply, code) = match self.dispatch(call, &id).await {
            Ok(reply) => (reply, None),
            Err(error) => self.refuse(&error, call, &id),
        };
        if call.method == Method::Head {
            reply.body.clear();
        }
        share(&self.settings.origins, call, &mut reply);
        if call.origin.starts_with("https://") {
            reply
                .headers
                .push(("Strict-Transport-Security", HSTS.into()));
        }
        let line = Line {
            route: Route::<P>::template(&call.path),
            method: Some(call.method.name()),
            status: Some(reply.status),
            code,
            ms: Some(self.platform.now().since_ms(started_at)),
            place: call.colo.as_deref(),
            ..Line::new("request").in_request(&id)
        };
        self.platform.log(&line.json());
        reply
    }

    async fn dispatch(&self, call: &Call, id: &str) -> Result<Reply, Error> {
        // Nothing secret goes to or from `/health`, and it names what is missing.
        let is_health = || Route::<P>::template(&call.path) == Some("/health");
        if is_in_plain_text(&call.origin) && !is_health() {
            return Err(BadInput::body("Send this request to https://, not to http://.").into());
        }
        if call.method == Method::Options {
            let allowed = Route::<P>::allowed(&call.path).ok_or(Error::NotFound)?;
            call.whole_body()?;
            return Ok(preflight(&allowed, call));
        }
        let route = Route::<P>::find(call.method, &call.path)?;
        call.whole_body()?;
        let platform = &self.platform;
        let deadline = call.deadline(platform);
        match route.handler {
            Handler::Owner(answer) => {
                answer(&OwnerRequest {
                    platform,
                    settings: self.settings,
                    is_local: is_local(&call.origin),
                    deadline,
                })
                .await
            }
            Handler::Api(answer) => {
                let config = self.settings.config.as_ref();
                answer(&Request {
                    platform,
                    config: config.map_err(|error| Error::Misconfigured(*error))?,
                    deadline,
                    id,
                    call,
                })
                .await
            }
        }
    }

    /// The reply to an error, and its code. What the operator should know of is logged.
    fn refuse(&self, error: &Error, call: &Call, id: &str) -> (Reply, Option<&'static str>) {
        let reply = if oauth::is_oauth(call) {
            oauth::reply(error, is_local(&call.origin))
        } else {
            error.reply(is_local(&call.origin))
        };
        let cause = error.to_string();
        let line = match error {
            Error::TooManyAttempts(_)
            | Error::TooManyRequests(_)
            | Error::TooManySignUps(_)
            | Error::ServiceKeyInvalid => Some(Line::new(reply.code)),
            _ if reply.status >= 500 => Some(Line {
                code: Some(reply.code),
                ..Line::new("fault").because_of(&cause)
            }),
            _ => None,
        };
        if let Some(line) = line {
            self.platform.log(&line.in_request(id).json());
        }
        (reply.to_reply(id), Some(reply.code))
    }

    /// Cloudflare's own name for the request where there is one: it finds the log line.
    fn request_id(&self, call: &Call) -> String {
        let is_plain = |ray: &&String| {
            (1..=64).contains(&ray.len())
                && ray
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let ray = call.ray.as_ref().filter(is_plain);
        ray.cloned().unwrap_or_else(|| {
            let bytes: [u8; 8] = self.platform.bytes();
            format!("{:016x}", u64::from_be_bytes(bytes))
        })
    }
}
