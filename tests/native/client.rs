//! Clients of the worker: the requests that they send, and what they read in replies.

use serde_json::{Value, json};
use tokenkeep::{
    http::{method::Method, reply::Reply, request::Call},
    token::{
        id::{Realm, SessionId, SessionRef, UserId},
        refresh::{Position, RefreshToken},
        secret::Secret,
        time::UnixSeconds,
    },
};
use tokenkeep_world::client;

use crate::{codes::Refusal, world::World};

pub use tokenkeep_world::client::{REFRESH_SECRET, SERVICE_KEY, Stamp, Tokens, bearer};

/// Ada's account.
pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "correct horse";
/// A bcrypt hash of the password, as another system stored it: cheap to check.
pub const BCRYPT: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

/// A world, and a session of Ada's in it that another back end has opened.
pub fn logged_in() -> (World, Tokens) {
    let world = World::new();
    let login = world.log_in();
    (world, login)
}

/// A request, and the work that comes after the answer.
impl World {
    pub fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Reply {
        let reply = self.answer(&with_bearer(method, path, token, body));
        self.settle();
        reply
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let reply = self.answer(&post(path, body));
        self.settle();
        reply
    }

    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.answer(&call(Method::Get, path, Some(&bearer(token)), ""))
    }

    /// Opens a session as another back end does.
    pub fn open(&self, body: &Value) -> Reply {
        self.answer(&with_bearer(
            Method::Post,
            "/auth/session",
            SERVICE_KEY,
            body,
        ))
    }

    /// A session of this user that another back end has opened.
    pub fn open_for(&self, user: &str) -> Tokens {
        tokens(&self.open(&json!({ "userId": user })))
    }

    /// A new session of Ada's that another back end has opened.
    pub fn log_in(&self) -> Tokens {
        let session = json!({"userId": "ada", "device": "phone", "claims": {"role": "admin"}});
        let reply = self.open(&session);
        self.operations();
        tokens(&reply)
    }

    pub fn try_refresh(&self, refresh_token: impl AsRef<str>) -> Reply {
        let body = json!({ "refreshToken": refresh_token.as_ref() });
        self.post("/auth/token", &body)
    }

    /// A refresh that must work.
    #[track_caller]
    pub fn refresh(&self, refresh_token: impl AsRef<str>) -> Tokens {
        tokens(&self.try_refresh(refresh_token))
    }

    /// The same after so many milliseconds.
    #[track_caller]
    pub fn refresh_after(&self, milliseconds: u64, refresh_token: impl AsRef<str>) -> Tokens {
        self.pass(milliseconds);
        self.refresh(refresh_token)
    }

    /// Expects a refresh to be answered with this refresh token.
    #[track_caller]
    pub fn gives(&self, refresh_token: impl AsRef<str>, expected: &Tokens) {
        assert_eq!(self.refresh(refresh_token).refresh, expected.refresh);
    }

    /// Expects a refresh to be refused.
    #[track_caller]
    pub fn refuses(&self, refresh_token: impl AsRef<str>, refusal: Refusal) {
        expect_error(&self.try_refresh(refresh_token), refusal);
    }

    pub fn log_out(&self, refresh_token: impl AsRef<str>) -> Reply {
        let body = json!({ "refreshToken": refresh_token.as_ref() });
        self.post("/auth/logout", &body)
    }

    pub fn log_out_all(&self, tokens: &Tokens) -> Reply {
        self.send(Method::Post, "/auth/logout/all", &tokens.access, &json!({}))
    }

    pub fn end_session(&self, tokens: &Tokens, id: &str) -> Reply {
        let path = format!("/auth/sessions/{id}");
        self.send(Method::Delete, &path, &tokens.access, &json!({}))
    }

    pub fn revoke(&self, input: &Value) -> Reply {
        self.send(Method::Post, "/auth/revoke", SERVICE_KEY, input)
    }

    pub fn me(&self, tokens: &Tokens) -> Reply {
        self.get("/auth/me", &tokens.access)
    }
}

/// The same for Ada's account.
impl World {
    #[track_caller]
    pub fn sign_up(&self) -> Tokens {
        let person = json!({"email": EMAIL, "password": PASSWORD, "name": "Ada"});
        tokens(&self.post("/auth/signup", &person))
    }

    pub fn try_log_in(&self, email: &str, password: &str) -> Reply {
        self.post(
            "/auth/login",
            &json!({"email": email, "password": password}),
        )
    }

    /// A login with this password, which must work.
    #[track_caller]
    pub fn log_in_with(&self, password: &str) -> Tokens {
        tokens(&self.try_log_in(EMAIL, password))
    }

    /// A login with a wrong password.
    #[track_caller]
    pub fn fail_to_log_in(&self) {
        let reply = self.try_log_in(EMAIL, "wrong horse");
        expect_error(&reply, crate::codes::INVALID_CREDENTIALS);
    }

    pub fn change_password(&self, tokens: &Tokens, current: &str, new: &str) -> Reply {
        let body = json!({"currentPassword": current, "newPassword": new});
        self.send(Method::Post, "/auth/password/change", &tokens.access, &body)
    }

    pub fn rename(&self, tokens: &Tokens, body: &Value) -> Reply {
        self.send(Method::Patch, "/auth/me", &tokens.access, body)
    }

    pub fn delete_account(&self, tokens: &Tokens, password: &str) -> Reply {
        let body = json!({ "password": password });
        self.send(Method::Delete, "/auth/me", &tokens.access, &body)
    }
}

pub fn call(method: Method, path: &str, authorization: Option<&str>, body: &str) -> Call {
    Call {
        colo: Some("MAD".into()),
        ip: Some("192.0.2.1".into()),
        ..client::call(method, path, authorization, body)
    }
}

/// Any `POST` without a Bearer token.
pub fn post(path: &str, body: &Value) -> Call {
    call(Method::Post, path, None, &body.to_string())
}

pub fn with_bearer(method: Method, path: &str, token: &str, body: &Value) -> Call {
    call(method, path, Some(&bearer(token)), &body.to_string())
}

pub fn body(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).expect("an answer is JSON")
}

pub fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let mut values = reply
        .headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let value = values.next().map(|(_, value)| value.as_str());
    assert!(values.next().is_none(), "{name} twice");
    value
}

#[track_caller]
pub fn expect_error(reply: &Reply, (status, code): Refusal) {
    let body = body(reply);
    let seen = (reply.status, body["code"].as_str());
    assert_eq!(seen, (status, Some(code)), "{body}");
}

/// Expects a field to be named as the one that is wrong.
#[track_caller]
pub fn expect_bad_field(reply: &Reply, field: &str) {
    expect_error(reply, crate::codes::INVALID_REQUEST);
    assert_eq!(body(reply)["field"], field);
}

#[track_caller]
pub fn tokens(reply: &Reply) -> Tokens {
    Tokens::read(reply).unwrap_or_else(|| panic!("{} {}", reply.status, reply.body))
}

/// A refresh token of Ada's as our worker would sign it.
pub fn signed(session: &str, generation: u32, issued_at: u64, session_end: u64) -> String {
    RefreshToken {
        session_ref: SessionRef {
            realm: Realm::Service,
            user: UserId::parse("ada").expect("a user id"),
            session: SessionId::parse(session).expect("a session id"),
        },
        position: Position {
            generation,
            issued_at: UnixSeconds(issued_at / 1000),
        },
        session_end: UnixSeconds(session_end / 1000),
    }
    .sign(
        &Secret::parse(REFRESH_SECRET)
            .expect("long enough")
            .signing_key(),
    )
}
