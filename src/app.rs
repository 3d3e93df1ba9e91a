//! From a call to a reply: the whole worker, without Cloudflare's types.

use serde::Serialize;

use crate::{
    account::{
        change_password::change_password, delete::delete_account, log_in::log_in,
        log_out_all::log_out_all, me::show_me, rename::rename, sign_up::sign_up,
    },
    config::{AllowedOrigins, Config, ConfigError, Report, Settings},
    http::{
        answers::ErrorBody,
        cors::WANTED_HEADERS_BYTES,
        error::{BadInput, Error},
        method::Method,
        reply::Reply,
        request::{Body, Call, GET_MS, IP_BYTES, REQUEST_MS},
        scope::Scope,
    },
    log::Line,
    port::{Patience, Platform},
    routes::{Allowed, Route, id_in, resolve, template},
    session::{
        end::end_session, list::list_sessions, log_out::log_out, open::open_session,
        refresh::refresh, revoke::revoke,
    },
    setup::{generate_secret::generate_secret, health::health},
};

/// What is read from the settings, once for as long as they stay the same.
#[derive(Debug)]
pub struct Setup {
    config: Result<Config, ConfigError>,
    report: Report,
    origins: AllowedOrigins,
}

impl Setup {
    /// Checks the settings; what is wrong is answered to whoever calls.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            config: Config::check(settings),
            report: Report::of(settings),
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
        let began_at = self.platform.now();
        let id = self.request_id(call);
        let (mut reply, code) = match self.dispatch(call, &id).await {
            Ok(reply) => (reply, None),
            Err(error) => self.refuse(&error, &id),
        };
        if call.method == Method::Head {
            reply.body.clear();
        }
        self.share(call, &mut reply);
        let line = Line {
            route: template(&call.path),
            method: Some(call.method.name()),
            status: Some(reply.status),
            code,
            ms: Some(self.platform.now().since_ms(began_at)),
            place: call.place.as_deref(),
            ..Line::of("request").in_request(&id)
        };
        self.platform.log(&line.json());
        reply
    }

    async fn dispatch(&self, call: &Call, id: &str) -> Result<Reply, Error> {
        let route = resolve(call.method, &call.path)?;
        let body = match &call.body {
            Body::Whole(bytes) => bytes.as_slice(),
            Body::TooLarge => return Err(Error::PayloadTooLarge),
            Body::Unreadable => return Err(BadInput::body("The body could not be read.").into()),
        };
        let authorization = call.authorization.as_deref();
        let scope = || self.scope(call, id);
        Ok(match route {
            Route::Preflight(allowed) => preflight(allowed, call),
            Route::GenerateSecret => ok(&generate_secret(&self.platform)),
            Route::Health => self.health(call).await,
            Route::Refresh => ok(&refresh(&scope()?, body).await?),
            Route::SignUp => ok(&sign_up(&scope()?, body).await?),
            Route::LogIn => ok(&log_in(&scope()?, body).await?),
            Route::OpenSession => ok(&open_session(&scope()?, authorization, body).await?),
            Route::ChangePassword => ok(&change_password(&scope()?, authorization, body).await?),
            Route::Me => ok(&show_me(&scope()?, authorization).await?),
            Route::Rename => ok(&rename(&scope()?, authorization, body).await?),
            Route::DeleteAccount => ok(&delete_account(&scope()?, authorization, body).await?),
            Route::LogOut => ok(&log_out(&scope()?, body).await?),
            Route::LogOutAll => ok(&log_out_all(&scope()?, authorization).await?),
            Route::ListSessions => {
                let cursor = cursor(&call.query);
                ok(&list_sessions(&scope()?, authorization, cursor.as_deref()).await?)
            }
            Route::EndSession => {
                let id = id_in(&call.path);
                ok(&end_session(&scope()?, authorization, id).await?)
            }
            Route::Revoke => ok(&revoke(&scope()?, authorization, body).await?),
        })
    }

    fn scope<'s>(&'s self, call: &'s Call, id: &'s str) -> Result<Scope<'s, P>, Error> {
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
            request_id: id,
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
        let report = &self.setup.report;
        let health = health(&self.platform, self.patience(call), config, report).await;
        Reply {
            status: if health.status == "ok" { 200 } else { 503 },
            ..ok(&health)
        }
    }

    /// The reply to an error, and its code. What the operator should know of is logged.
    fn refuse(&self, error: &Error, id: &str) -> (Reply, Option<&'static str>) {
        let answer = error.answer();
        let cause;
        let line = match error {
            Error::TooManyAttempts(_) | Error::ServiceKeyInvalid => Some(Line::of(answer.code)),
            _ if answer.status >= 500 => {
                cause = error.to_string();
                let code = Some(answer.code);
                Some(Line {
                    code,
                    ..Line::of("fault").because_of(&cause)
                })
            }
            _ => None,
        };
        if let Some(line) = line {
            self.platform.log(&line.in_request(id).json());
        }
        let mut reply = json(
            answer.status,
            &ErrorBody {
                code: answer.code,
                message: &answer.message,
                request_id: id,
                field: answer.field,
            },
        );
        reply.headers.extend(answer.header);
        (reply, Some(answer.code))
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
