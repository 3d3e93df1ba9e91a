//! From a call to a reply: the whole worker, without Cloudflare's types.

use serde::Serialize;

use crate::{
    config::{AllowedOrigins, Config, ConfigError, Settings},
    error::{BadInput, Error},
    flow::{
        Scope, change_password::change_password, delete_account::delete_account,
        end_session::end_session, generate_secret::generate_secret, health::health,
        list_sessions::list_sessions, log_in::log_in, log_out::log_out, log_out_all::log_out_all,
        open_session::open_session, refresh::refresh, rename::rename, revoke::revoke,
        show_me::show_me, sign_up::sign_up,
    },
    limits::{GET_MS, IP_BYTES, REQUEST_MS, WANTED_HEADERS_BYTES},
    port::{Patience, Platform},
    route::{Allowed, Method, Route, id_in, resolve},
    wire::ErrorBody,
};

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
    /// The body.
    pub body: Body,
}

/// A request's body, read up to its limit.
#[derive(Clone)]
pub enum Body {
    /// All of it; empty where there was none.
    Whole(Vec<u8>),
    /// More than [`crate::limits::BODY_BYTES`].
    TooLarge,
    /// The connection broke off, or what came is no body.
    Unreadable,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, each once.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or nothing.
    pub body: String,
}

/// What is read from the settings, once for as long as they stay the same.
#[derive(Debug)]
pub struct Setup {
    config: Result<Config, ConfigError>,
    origins: AllowedOrigins,
}

impl Setup {
    /// Checks the settings; what is wrong is answered to whoever calls.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            config: Config::check(settings),
            origins: AllowedOrigins::read(settings),
        }
    }
}

/// The worker.
pub struct App<'a, P: Platform> {
    /// The world outside.
    pub platform: P,
    /// The owner's settings.
    pub setup: &'a Setup,
}

impl<P: Platform> App<'_, P> {
    /// Answers a call. There is always an answer.
    pub async fn handle(&self, call: &Call) -> Reply {
        let mut reply = match self.dispatch(call).await {
            Ok(reply) => reply,
            Err(error) => self.refuse(&error, call),
        };
        if call.method == Method::Head {
            reply.body.clear();
        }
        self.share(call, &mut reply);
        reply
    }

    async fn dispatch(&self, call: &Call) -> Result<Reply, Error> {
        let route = resolve(call.method, &call.path)?;
        let body = match &call.body {
            Body::Whole(bytes) => bytes.as_slice(),
            Body::TooLarge => return Err(Error::PayloadTooLarge),
            Body::Unreadable => return Err(BadInput::body("The body could not be read.").into()),
        };
        let authorization = call.authorization.as_deref();
        Ok(match route {
            Route::Preflight(allowed) => preflight(allowed, call),
            Route::GenerateSecret => ok(&generate_secret(&self.platform)),
            Route::Health => self.health(call).await,
            Route::Refresh => ok(&refresh(&self.scope(call)?, body).await?),
            Route::SignUp => ok(&sign_up(&self.scope(call)?, body).await?),
            Route::LogIn => ok(&log_in(&self.scope(call)?, body).await?),
            Route::OpenSession => ok(&open_session(&self.scope(call)?, authorization, body).await?),
            Route::ChangePassword => {
                ok(&change_password(&self.scope(call)?, authorization, body).await?)
            }
            Route::Me => ok(&show_me(&self.scope(call)?, authorization).await?),
            Route::Rename => ok(&rename(&self.scope(call)?, authorization, body).await?),
            Route::DeleteAccount => {
                ok(&delete_account(&self.scope(call)?, authorization, body).await?)
            }
            Route::LogOut => ok(&log_out(&self.scope(call)?, body).await?),
            Route::LogOutAll => ok(&log_out_all(&self.scope(call)?, authorization).await?),
            Route::ListSessions => {
                let cursor = cursor(&call.query);
                ok(&list_sessions(&self.scope(call)?, authorization, cursor.as_deref()).await?)
            }
            Route::EndSession => {
                let id = id_in(&call.path);
                ok(&end_session(&self.scope(call)?, authorization, id).await?)
            }
            Route::Revoke => ok(&revoke(&self.scope(call)?, authorization, body).await?),
        })
    }

    fn scope<'s>(&'s self, call: &'s Call) -> Result<Scope<'s, P>, Error> {
        Ok(Scope {
            platform: &self.platform,
            config: self
                .setup
                .config
                .as_ref()
                .map_err(|error| Error::Misconfigured(*error))?,
            origin: &call.origin,
            ip: call
                .ip
                .as_deref()
                .filter(|ip| ip.len() <= IP_BYTES)
                .unwrap_or_default(),
            patience: self.patience(call),
        })
    }

    fn patience(&self, call: &Call) -> Patience {
        let milliseconds = match call.method {
            Method::Get | Method::Head => GET_MS,
            _ => REQUEST_MS,
        };
        Patience::of_ms(milliseconds, &self.platform)
    }

    async fn health(&self, call: &Call) -> Reply {
        let config = self.setup.config.as_ref();
        let health = health(&self.platform, self.patience(call), config).await;
        Reply {
            status: if health.status == "ok" { 200 } else { 503 },
            ..ok(&health)
        }
    }

    fn refuse(&self, error: &Error, call: &Call) -> Reply {
        let answer = error.answer();
        let request_id = self.request_id(call);
        if answer.status >= 500 {
            self.platform.log(&format!(
                r#"{{"event":"fault","code":"{}","cause":"{error}","requestId":"{request_id}"}}"#,
                answer.code
            ));
        }
        let mut reply = json(
            answer.status,
            &ErrorBody {
                code: answer.code,
                message: &answer.message,
                request_id: &request_id,
                field: answer.field,
            },
        );
        reply.headers.extend(answer.header);
        reply
    }

    /// Cloudflare's own name for the request where there is one: it finds the log line.
    fn request_id(&self, call: &Call) -> String {
        let plain = |ray: &&String| {
            (1..=64).contains(&ray.len())
                && ray
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        call.ray.as_ref().filter(plain).cloned().unwrap_or_else(|| {
            let bytes: [u8; 8] = self.platform.bytes();
            format!("{:016x}", u64::from_be_bytes(bytes))
        })
    }

    /// Lets web pages of the allowed origins read the reply (CORS).
    fn share(&self, call: &Call, reply: &mut Reply) {
        let allowed = match (&self.setup.origins, &call.page_origin) {
            (AllowedOrigins::Any, _) => Some("*".to_owned()),
            (AllowedOrigins::Only(origins), Some(page))
                if origins.contains(&page.to_ascii_lowercase()) =>
            {
                Some(page.clone())
            }
            (AllowedOrigins::Only(_), _) => None,
        };
        if let AllowedOrigins::Only(_) = self.setup.origins {
            reply.headers.push(("Vary", "Origin".into()));
        }
        if let Some(origin) = allowed {
            reply.headers.push(("Access-Control-Allow-Origin", origin));
            reply.headers.push((
                "Access-Control-Expose-Headers",
                "Retry-After, WWW-Authenticate".into(),
            ));
        }
    }
}

/// Allows the headers that the browser asks for: the wildcard would not cover `Authorization`
/// (Fetch Standard, CORS protocol).
fn preflight(allowed: Allowed, call: &Call) -> Reply {
    let mut headers = vec![
        ("Allow", allowed.list()),
        ("Access-Control-Allow-Methods", allowed.list()),
        ("Access-Control-Max-Age", "86400".into()),
    ];
    // Names of headers are ASCII (RFC 9110, section 5.1).
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

/// The value of `cursor` in a query; an empty one counts as none.
fn cursor(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| {
        (name == "cursor" && !value.is_empty()).then(|| value.into_owned())
    })
}

fn ok(body: &impl Serialize) -> Reply {
    json(200, body)
}

fn json(status: u16, body: &impl Serialize) -> Reply {
    Reply {
        status,
        headers: vec![
            ("Content-Type", "application/json".into()),
            ("Cache-Control", "no-store".into()),
            ("X-Content-Type-Options", "nosniff".into()),
        ],
        body: serde_json::to_string(body).expect("answers are text, numbers and JSON values"),
    }
}
