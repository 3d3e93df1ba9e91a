//! Requests to the worker, and its answers.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use tokenkeep_contract::{Seen, check};
use ureq::{
    Agent, AsSendBody, SendBody,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, request::Builder},
};

use crate::tokens::random_name;

/// Longer than anything the worker should take; a phone's patience is the tests' own concern.
const PATIENCE: Duration = Duration::from_secs(40);

/// A client of one worker.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    /// The worker's port.
    pub port: u16,
    /// The worker's scheme, host and port.
    pub origin: String,
    service_key: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

/// What an answer with tokens says.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `accessToken`
    pub access: String,
    /// `refreshToken`
    pub refresh: String,
    /// `userId`
    pub user: String,
    /// `sessionId`
    pub session: String,
}

impl Client {
    /// A client of the worker at this port of the computer.
    #[must_use]
    pub fn new(port: u16, service_key: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            agent: config.into(),
            port,
            origin: format!("http://127.0.0.1:{port}"),
            service_key: service_key.to_owned(),
        }
    }

    /// A request that is yet to be filled in.
    ///
    /// # Panics
    /// The method is not one that HTTP can express.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Builder {
        Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(format!("{}{path}", self.origin))
    }

    /// Sends a request. Whatever is answered is as `public/openapi.json` says.
    ///
    /// # Panics
    /// It is not, or there is no answer at all.
    #[must_use]
    pub fn send<B: AsSendBody>(&self, request: Builder, body: B) -> Answer {
        self.try_send(request, body).expect("an answer")
    }

    /// Sends a request to a worker that may be gone.
    ///
    /// # Errors
    /// There is no answer, or not all of it.
    ///
    /// # Panics
    /// It is no request.
    pub fn try_send<B: AsSendBody>(
        &self,
        request: Builder,
        body: B,
    ) -> Result<Answer, ureq::Error> {
        let request = request.body(body).expect("a request");
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = self.agent.run(request)?;
        let answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().read_to_string()?,
        };
        answer.assert_documented(method.as_str(), &path);
        Ok(answer)
    }

    /// Sends a body as it is.
    #[must_use]
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.send(self.request("POST", path), body)
    }

    /// Sends a body without telling its length first.
    #[must_use]
    pub fn post_chunked(&self, path: &str, body: &[u8]) -> Answer {
        let body = SendBody::from_owned_reader(io::Cursor::new(body.to_vec()));
        self.send(self.request("POST", path), body)
    }

    /// Sends JSON.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self
            .request("POST", path)
            .header("content-type", "application/json");
        self.send(request, body.to_string())
    }

    /// `GET` without a credential.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path), ())
    }

    /// `POST /auth/token`
    #[must_use]
    pub fn refresh(&self, token: &str) -> Answer {
        self.post("/auth/token", &json!({"refreshToken": token}))
    }

    /// `POST /auth/logout`
    #[must_use]
    pub fn log_out(&self, token: &str) -> Answer {
        self.post("/auth/logout", &json!({"refreshToken": token}))
    }

    /// `GET /auth/me` with an access token.
    #[must_use]
    pub fn me(&self, access_token: &str) -> Answer {
        let request = self
            .request("GET", "/auth/me")
            .header("authorization", format!("Bearer {access_token}"));
        self.send(request, ())
    }

    /// `GET /auth/me` with these bytes as the access token. The client in use elsewhere sends no
    /// `Authorization` that is not ASCII.
    ///
    /// # Panics
    /// There is no answer at all.
    #[must_use]
    pub fn me_bytes(&self, access_token: &[u8]) -> Answer {
        if let Ok(text) = str::from_utf8(access_token)
            && text.is_ascii()
        {
            return self.me(text);
        }
        let host = self.origin.strip_prefix("http://").expect("an origin");
        let head = format!("GET /auth/me HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        let mut connection = TcpStream::connect(host).expect("a connection");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a time above zero");
        let parts: [&[u8]; 4] = [
            head.as_bytes(),
            b"authorization: Bearer ",
            access_token,
            b"\r\n\r\n",
        ];
        connection.write_all(&parts.concat()).expect("a request");
        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let length = connection.read(&mut piece).expect("an answer");
            assert_ne!(length, 0, "cut short: {bytes:?}");
            bytes.extend(&piece[..length]);
            if let Some(answer) = Answer::read(&bytes) {
                return answer;
            }
        }
    }

    /// Sends JSON with an access token.
    #[must_use]
    pub fn send_as(&self, access_token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let request = self
            .request(method, path)
            .header("authorization", format!("Bearer {access_token}"));
        self.send(request, body.to_string())
    }

    /// The session of these tokens was ended.
    ///
    /// # Panics
    /// One of the two is not refused as that of a session that was ended.
    pub fn assert_ended(&self, tokens: &Tokens) {
        self.refresh(&tokens.refresh)
            .assert_error(401, "session_revoked");
        self.me(&tokens.access).assert_error(401, "session_revoked");
    }

    /// `POST /auth/session` with the service key.
    #[must_use]
    pub fn open_session(&self, body: &Value) -> Answer {
        let request = self
            .request("POST", "/auth/session")
            .header("authorization", format!("Bearer {}", self.service_key));
        self.send(request, body.to_string())
    }

    /// `POST /auth/revoke` with the service key.
    #[must_use]
    pub fn revoke(&self, body: &Value) -> Answer {
        let key = self.service_key.clone();
        self.send_as(&key, "POST", "/auth/revoke", body)
    }

    /// `GET /auth/sessions` with an access token.
    #[must_use]
    pub fn sessions(&self, access_token: &str, query: &str) -> Answer {
        let request = self
            .request("GET", &format!("/auth/sessions{query}"))
            .header("authorization", format!("Bearer {access_token}"));
        self.send(request, ())
    }

    /// A new session of a user that no other test has.
    #[must_use]
    pub fn new_session(&self) -> Tokens {
        self.open_session(&json!({"userId": random_user()}))
            .tokens()
    }
}

/// What every user of the tests has in its name, so that a log can be searched for it.
pub const USER_MARK: &str = "@users.test";

/// A user that no other test has.
#[must_use]
pub fn random_user() -> String {
    format!("{}{USER_MARK}", random_name())
}

impl Answer {
    /// Reads an answer; none until all of it is there. (workerd takes seconds to close a connection.)
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut parsed = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut parsed);
        let httparse::Status::Complete(head) = response.parse(bytes).expect("HTTP") else {
            return None;
        };
        let headers = response.headers.iter().map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value);
            (name.expect("a name"), value.expect("a value"))
        });
        let mut answer = Self {
            status: response.code.expect("a status"),
            headers: headers.collect(),
            text: String::new(),
        };
        let length = answer.header("content-length").expect("a length");
        let length: usize = length.parse().expect("a number");
        let body = bytes.get(head..head + length)?;
        answer.text = String::from_utf8(body.to_vec()).expect("text");
        Some(answer)
    }

    /// The body.
    ///
    /// # Panics
    /// It is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{} {:?}: {error}", self.status, self.text))
    }

    fn assert_documented(&self, method: &str, path: &str) {
        // Not the worker's: the runtime answers so to a method that it does not know.
        if self.status == 501 {
            return;
        }
        let seen = Seen {
            method,
            path,
            status: self.status,
            header: &|name| self.header(name).map(str::to_owned),
            body: &self.text,
        };
        if let Err(objection) = check(&seen) {
            panic!("{objection}\n{}", self.text);
        }
    }

    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The tokens of a good answer.
    ///
    /// # Panics
    /// It is none, or not as the contract has it.
    #[must_use]
    #[track_caller]
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{}", self.text);
        let json = self.json();
        assert_eq!(json["tokenType"], "Bearer");
        let text = |name: &str| json[name].as_str().expect(name).to_owned();
        Tokens {
            access: text("accessToken"),
            refresh: text("refreshToken"),
            user: text("userId"),
            session: text("sessionId"),
        }
    }

    /// Checks that this is an error with this status and code, and all that belongs to one.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        let told = format!("{} {}", self.status, self.text);
        assert_eq!(self.status, status, "{told}");
        let json = self.json();
        assert_eq!(json["code"], code, "{told}");
        for name in ["message", "requestId"] {
            let text = json[name].as_str().expect(name);
            assert!(!text.is_empty(), "{name}: {told}");
        }
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{told}"
        );
        if status == 503 {
            let seconds = self
                .header("retry-after")
                .and_then(|text| text.parse().ok());
            assert!(
                (1..=60_u32).contains(&seconds.expect("Retry-After")),
                "{told}"
            );
        }
    }

    /// Checks that this is an error about this field, or about the body as a whole.
    ///
    /// # Panics
    /// It is not.
    #[track_caller]
    pub fn assert_invalid(&self, field: Option<&str>) {
        self.assert_error(400, "invalid_request");
        assert_eq!(self.json()["field"].as_str(), field, "{}", self.text);
    }
}
