//! The worker in a calm cloud in memory.

use std::{cell::Cell, collections::BTreeMap, ops::Deref, rc::Rc};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokenkeep::{
    app::App,
    config::{CheckedSettings, SessionStore},
    http::{reply::Reply, request::Call},
};
use tokenkeep_contract::{Seen, check};
use tokenkeep_world::{
    Cloud, Conditions, Place,
    client::settings,
    conditions::Guarding,
    trouble::{Plan, Store, Trouble},
};

use crate::client::header;

/// The mark of the store's birth: here it is older than every session.
pub const BIRTH_KEY: &str = "tokenkeep:born";

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// A guard holds on to its cloud, and the cloud to its guards.
impl Drop for World {
    fn drop(&mut self) {
        self.guards_fall_asleep();
        self.restart_objects();
    }
}

thread_local! {
    static STORE: Cell<SessionStore> = const { Cell::new(SessionStore::Kv) };
}

/// The worlds of this test keep sessions in this store. A test of sessions takes the store as a
/// parameter, unless it is about the keys of KV, its delay and its birth mark, or what is written to it
/// after the response; `objects.rs` is about objects.
pub fn use_store(store: SessionStore) {
    STORE.set(store);
}

/// Whether they are objects.
pub fn is_in_objects() -> bool {
    STORE.get() == SessionStore::DurableObjects
}

/// The setting that keeps sessions in objects.
pub const IN_OBJECTS: (&str, &str) = ("SESSION_STORE", "durable_objects");

fn checked(values: &[(&str, &str)]) -> Rc<CheckedSettings> {
    let of_store = match STORE.get() {
        SessionStore::Kv => vec![],
        SessionStore::DurableObjects => vec![IN_OBJECTS],
    };
    let values = [&of_store, values].concat();
    Rc::new(CheckedSettings::read(&settings(&values)))
}

/// What was asked of the store of sessions: with objects, each request is a read.
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
    settings: Rc<CheckedSettings>,
}

impl Deref for World {
    type Target = Cloud;

    fn deref(&self) -> &Cloud {
        self.place.cloud()
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

    /// A world whose places have clocks that are off by so much.
    pub fn with_clocks(clocks_ms: [i64; 3]) -> Self {
        let conditions = Conditions {
            clocks_ms,
            ..Conditions::default()
        };
        Self::in_conditions(conditions, &[])
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
        cloud.put(BIRTH_KEY, r#"{"v":1,"at":0}"#);
        cloud.has_birth_mark.set(true);
        Self {
            place: Place::new(cloud, 0, 0),
            settings: checked(values),
        }
    }

    /// Another world like this one: what is done to one is not done to the other. Its guards are
    /// asleep.
    pub fn copy(&self) -> Self {
        Self {
            place: self.place.copy(),
            settings: Rc::clone(&self.settings),
        }
    }

    /// The cloud, for what happens in it by itself.
    pub fn cloud(&self) -> Rc<Cloud> {
        Rc::clone(self.place.cloud())
    }

    /// The same place, where the owner's settings are these.
    pub fn here_with(&self, values: &[(&str, &str)]) -> Self {
        Self {
            place: self.place.clone(),
            settings: checked(values),
        }
    }

    /// What is stored of sessions, in either store, open and ended ones: keys with their values.
    pub fn session_rows(&self) -> BTreeMap<String, String> {
        let value = |key: &String| self.entry(key).expect("listed").value.to_string();
        let in_kv = ["session:", "service:"].map(|prefix| self.keys(prefix));
        let in_kv = in_kv
            .concat()
            .into_iter()
            .map(|key| (key.clone(), value(&key)));
        let of_object = |(name, rows): (String, BTreeMap<String, String>)| {
            let rows = rows.into_iter().filter(|(key, _)| key != "user");
            rows.map(move |(key, value)| (format!("{name} {key}"), value))
        };
        let in_objects = self.object_storage().into_iter().flat_map(of_object);
        in_kv.chain(in_objects).collect()
    }

    /// The keys of all sessions, open and ended ones.
    pub fn session_keys(&self) -> Vec<String> {
        self.session_rows().into_keys().collect()
    }

    /// Those of sessions that are not ended.
    pub fn stored_sessions(&self) -> Vec<String> {
        let mut rows = self.session_rows();
        rows.retain(|_, value| !value.contains("revoked_at"));
        rows.into_keys().collect()
    }

    /// Puts in place what ended sessions of a user of another back end.
    pub fn put_cut_off(&self, user: &str, cut_off: &Value) {
        if is_in_objects() {
            let row = json!({"cut_off": cut_off, "until": u64::MAX});
            self.put_row(&format!("service:{user}"), "user", &row.to_string());
        } else {
            self.put(&format!("service-revoked:{user}"), cut_off);
        }
    }

    /// Another place of the same cloud, where the owner's settings are these.
    pub fn elsewhere(&self, values: &[(&str, &str)]) -> Self {
        Self {
            place: Place::new(Rc::clone(self.place.cloud()), 1, 1),
            settings: checked(values),
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

    /// The alarms of objects with sessions ring that are due.
    pub fn ring_object_alarms(&self) {
        self.place.ring_object_alarms();
    }

    /// The alarm of the guard of this address rings, now.
    pub fn ring_alarm(&self, email: &str) {
        self.place.ring_alarm(email);
    }

    /// Puts JSON under a key of the store.
    pub fn put(&self, key: &str, value: &Value) {
        self.place.cloud().put(key, &value.to_string());
    }

    /// What was asked of the store of sessions since the last time.
    pub fn operations(&self) -> Operations {
        let mut operations = Operations::default();
        for call in self.take_calls() {
            match (call.store, call.operation) {
                (Store::Kv, "read") => operations.reads.push(call.keys.to_vec()),
                (Store::Kv, "write") => operations.writes.extend(call.keys.iter().cloned()),
                (Store::Object, asked) => operations.reads.push(vec![asked.to_owned()]),
                (Store::Rows, "put") => operations.writes.push("put".to_owned()),
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
            settings: &self.settings,
        };
        let reply = self.timeline.answer(app.handle(call));
        let reply = reply.expect("no request hangs");
        expect_documented(call, &reply);
        reply
    }

    /// Answers these calls, which come at once.
    pub fn answer_at_once(&self, calls: &[Call]) -> Vec<Reply> {
        let app = App {
            platform: self.place.clone(),
            settings: &self.settings,
        };
        let replies = join_all(calls.iter().map(|call| app.handle(call)));
        self.timeline.answer(replies).expect("no request hangs")
    }
}

/// Whether someone has looked for too many sessions.
pub fn has_looked(world: &World) -> bool {
    let calls = world.take_calls();
    calls.iter().any(|call| call.operation.starts_with("list"))
}

/// Every answer of every test is as `public/openapi.json` says.
#[track_caller]
fn expect_documented(call: &Call, reply: &Reply) {
    let seen = Seen {
        method: call.method.name(),
        path: &call.path,
        status: reply.status,
        header: &|name| header(reply, name).map(str::to_owned),
        body: &reply.body,
    };
    if let Err(objection) = check(&seen) {
        panic!("{objection}");
    }
}
