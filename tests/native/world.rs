//! The worker in a calm cloud in memory, and clients that send it requests.

use std::{ops::Deref, rc::Rc};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokenkeep::{
    app::App,
    config::Setup,
    http::{method::Method, reply::Reply, request::Call},
    token::{
        id::{SessionId, SessionRef, UserId},
        refresh::{Position, RefreshToken},
        secret::Secret,
        time::UnixSeconds,
    },
};
use tokenkeep_contract::{Seen, check};
use tokenkeep_world::{
    Cloud, Conditions, Place,
    client::{self, settings},
    conditions::Guarding,
    trouble::{Plan, Store, Trouble},
};

pub use tokenkeep_world::client::{REFRESH_SECRET, SERVICE_KEY, Stamp, Tokens, bearer};

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// What was asked of the store of sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operations {
    pub reads: Vec<Vec<String>>,
    pub writes: Vec<String>,
}

/// Reads of single keys go wrong like this.
pub fn reads(trouble: Trouble) -> Plan {
    Plan::new(Store::Kv, "read", trouble)
}

/// So many writes go wrong like this.
pub fn next_writes(times: usize, trouble: Trouble) -> Plan {
    Plan::new(Store::Kv, "write", trouble).times(times)
}

/// Listings that go on where a page ended go wrong like this.
pub fn later_pages(trouble: Trouble) -> Plan {
    Plan::new(Store::Kv, "list more", trouble)
}

/// Every call on this store fails.
pub fn all_fail(store: Store) -> Plan {
    Plan::new(store, "", Trouble::Fails)
}

/// The worker, and the cloud around it.
pub struct World {
    place: Place,
    setup: Rc<Setup>,
}

impl Deref for World {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        self.place.cloud()
    }
}

/// A guard holds on to its place, and the cloud to its guards.
impl Drop for World {
    fn drop(&mut self) {
        self.guards_fall_asleep();
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A world with these settings besides the two secrets.
    pub fn with(values: &[(&str, &str)]) -> Self {
        Self::in_conditions(Conditions::default(), values)
    }

    /// A world where any password will do, so that none is hashed.
    pub fn with_any_password() -> Self {
        let conditions = Conditions {
            guarding: Guarding::AnyPassword,
            ..Conditions::default()
        };
        Self::in_conditions(conditions, &[])
    }

    fn in_conditions(conditions: Conditions, values: &[(&str, &str)]) -> Self {
        // 20 s into a minute.
        let cloud = Cloud::new(1_800_000_020_000, conditions);
        Self {
            place: Place::new(cloud, 0, 0),
            setup: Rc::new(Setup::read(&settings(values))),
        }
    }

    /// Another world like this one: what is done to one is not done to the other. Its guards are
    /// asleep.
    pub fn copy(&self) -> Self {
        Self {
            place: self.place.copy(),
            setup: Rc::clone(&self.setup),
        }
    }

    /// From here on such things happen by chance that this request, when it is the next, ends so
    /// that it fits.
    pub fn set_chance_so_that(&self, call: &Call, fits: impl Fn(&World, &Reply) -> bool) {
        let mut seeds = 0..10_000;
        let seed = seeds.find(|seed| {
            let copy = self.copy();
            copy.place.set_seed(*seed);
            let reply = copy.answer(call);
            copy.settle();
            fits(&copy, &reply)
        });
        self.place.set_seed(seed.expect("it is not that unlikely"));
    }

    /// The alarm of the guard of this address rings, now.
    pub fn ring_alarm(&self, email: &str) {
        self.place.ring_alarm(email);
    }

    /// The stored password hash of an address.
    pub fn password_hash(&self, email: &str) -> Option<String> {
        let accounts = self.accounts.borrow();
        let row = accounts.row(email);
        row.map(|(_, hash)| hash.as_str().to_owned())
    }

    /// Puts an account in place, as an import does.
    pub fn import(&self, id: &str, email: &str, hash: &str) {
        let mut accounts = self.accounts.borrow_mut();
        accounts.import(id, email, hash, self.now());
    }

    /// Puts JSON under a key of the store.
    pub fn put(&self, key: &str, value: &Value) {
        self.place.cloud().put(key, &value.to_string());
    }

    /// What was asked of the store of sessions since the last time.
    pub fn operations(&self) -> Operations {
        let mut operations = Operations::default();
        for call in self.take_calls() {
            match (call.store, call.verb) {
                (Store::Kv, "read") => operations.reads.push(call.keys.to_vec()),
                (Store::Kv, "write") => operations.writes.extend(call.keys.iter().cloned()),
                _ => {}
            }
        }
        operations
    }

    /// The lines of the log that tell this event.
    pub fn lines(&self, event: &str) -> Vec<Value> {
        let lines = self.log();
        let lines = lines.iter().map(|line| serde_json::from_str(line));
        let lines = lines.map(|line: Result<Value, _>| line.expect("a line is JSON"));
        lines.filter(|line| line["event"] == event).collect()
    }

    /// Answers, without the work that comes after the answer.
    pub fn answer(&self, call: &Call) -> Reply {
        let app = App {
            platform: self.place.clone(),
            setup: &self.setup,
        };
        let reply = self.timeline.answer(app.handle(call));
        let reply = reply.expect("no request hangs");
        expect_documented(call, &reply);
        reply
    }

    /// Answers these requests, which come at once.
    pub fn answer_at_once(&self, calls: &[Call]) -> Vec<Reply> {
        let app = App {
            platform: self.place.clone(),
            setup: &self.setup,
        };
        let replies = self
            .timeline
            .answer(join_all(calls.iter().map(|call| app.handle(call))));
        replies.expect("no request hangs")
    }

    /// A request with a Bearer token and a body, and the work that comes after the answer.
    pub fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> Reply {
        let reply = self.answer(&call(method, path, Some(&bearer(token)), &body.to_string()));
        self.settle();
        reply
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let reply = self.answer(&call(Method::Post, path, None, &body.to_string()));
        self.settle();
        reply
    }

    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.answer(&call(Method::Get, path, Some(&bearer(token)), ""))
    }

    pub fn open(&self, body: &Value) -> Reply {
        let service = bearer(SERVICE_KEY);
        let path = "/auth/session";
        self.answer(&call(Method::Post, path, Some(&service), &body.to_string()))
    }

    /// A new session of Ada's.
    pub fn log_in(&self) -> Tokens {
        let reply =
            self.open(&json!({"userId": "ada", "device": "phone", "claims": {"role": "admin"}}));
        self.operations();
        tokens(&reply)
    }

    pub fn try_refresh(&self, refresh_token: &str) -> Reply {
        self.post("/auth/token", &json!({ "refreshToken": refresh_token }))
    }

    /// A refresh that must work.
    #[track_caller]
    pub fn refresh(&self, refresh_token: &str) -> Tokens {
        tokens(&self.try_refresh(refresh_token))
    }

    /// Expects a refresh to be refused with this status and code.
    #[track_caller]
    pub fn refuses(&self, refresh_token: &str, status: u16, code: &str) {
        expect_error(&self.try_refresh(refresh_token), status, code);
    }

    pub fn log_out(&self, refresh_token: &str) -> Reply {
        self.post("/auth/logout", &json!({ "refreshToken": refresh_token }))
    }
}

/// Whether someone has looked for too many sessions.
pub fn has_looked(world: &World) -> bool {
    let calls = world.take_calls();
    calls.iter().any(|call| call.verb.starts_with("list"))
}

pub fn call(method: Method, path: &str, authorization: Option<&str>, body: &str) -> Call {
    Call {
        colo: Some("MAD".into()),
        ip: Some("192.0.2.1".into()),
        ..client::call(method, path, authorization, body)
    }
}

/// Every answer of every test is as `src/openapi.json` says.
#[track_caller]
fn expect_documented(call: &Call, reply: &Reply) {
    let seen = Seen {
        verb: call.method.name(),
        path: &call.path,
        status: reply.status,
        header: &|name| header(reply, name).map(str::to_owned),
        body: &reply.body,
    };
    if let Err(objection) = check(&seen) {
        panic!("{objection}");
    }
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
pub fn expect_error(reply: &Reply, status: u16, code: &str) {
    let body = body(reply);
    assert_eq!(
        (reply.status, body["code"].as_str()),
        (status, Some(code)),
        "{body}"
    );
}

#[track_caller]
pub fn tokens(reply: &Reply) -> Tokens {
    Tokens::read(reply).unwrap_or_else(|| panic!("{} {}", reply.status, reply.body))
}

/// A refresh token of Ada's as our worker would sign it.
pub fn signed(session: &str, generation: u32, issued_at: u64, session_end: u64) -> String {
    RefreshToken {
        session_ref: SessionRef {
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
