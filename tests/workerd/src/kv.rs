//! Workers KV, as workerd talks to it: a server that counts, remembers, and fails as it is told.
//!
//! workerd turns the calls on a KV binding into HTTP requests: `POST /bulk/get` with a list of
//! keys, `GET /` for a list, and `GET`, `PUT` and `DELETE` of `/<key>`, with the lifetime in the query
//! and metadata in a header. Tests share one server and run side by side: each looks only at keys that have its
//! own user or session in them.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::http::{Request, respond};

/// Minimum lifetime that Workers KV takes.
const MIN_TTL_SECONDS: u64 = 60;

/// Maximum size of a key, in bytes.
const MAX_KEY_BYTES: usize = 512;

/// Maximum size of metadata, in bytes.
const MAX_METADATA_BYTES: usize = 1024;

/// Maximum number of keys of one bulk read.
const MAX_KEYS: usize = 100;

/// How long a test waits for something that happens after an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing must happen until a test believes that nothing will.
const SILENCE: Duration = Duration::from_millis(300);

/// A running server.
#[derive(Debug, Clone)]
pub struct Kv {
    /// The port of this computer that it listens on.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

/// How much was asked for, in the units that Workers KV is paid by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that read, of one key or of several.
    pub read_calls: u64,
    /// Keys read; each key of a call counts.
    pub keys_read: u64,
    /// Keys written.
    pub writes: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Lists of keys.
    pub lists: u64,
}

/// What workerd asked for, whether it was granted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Several keys in one call, in any order.
    BulkRead(BTreeSet<String>),
    /// One key.
    Read(String),
    /// The names of so many keys that begin like this, from where another page ended.
    List(String, usize, Option<String>),
    /// A write.
    Write(Write),
    /// A delete.
    Delete(String),
    /// Something that the worker has no business with.
    Other(String),
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where to.
    pub key: String,
    /// What.
    pub value: String,
    /// `expirationTtl`
    pub ttl_seconds: Option<u64>,
    /// `metadata`
    pub metadata: Option<Value>,
}

/// How calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// An answer with this status.
    Status(u16),
    /// The answer comes late.
    Delay(Duration),
    /// There is no answer.
    Silence,
    /// An answer that says "done", with this body.
    Rubbish(&'static str),
}

/// Which calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Reads.
    Reads,
    /// Writes and deletes.
    Writes,
    /// Listings.
    Lists,
}

#[derive(Debug)]
struct Fault {
    calls: Calls,
    key_part: String,
    failure: Failure,
    times: usize,
}

#[derive(Debug, Default)]
struct State {
    values: HashMap<String, String>,
    operations: Vec<Operation>,
    only_counts: bool,
    tally: Tally,
    faults: Vec<Fault>,
}

impl Kv {
    /// Starts a server. It runs until the test process ends.
    ///
    /// # Panics
    /// The computer has no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let kv = Self {
            port: listener.local_addr().expect("an address").port(),
            state: Arc::default(),
        };
        let this = kv.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let this = this.clone();
                // A connection that breaks is one that workerd has given up.
                thread::spawn(move || drop(this.serve(connection)));
            }
        });
        kv
    }

    /// Starts a server that counts what is asked for but does not remember it: for millions of
    /// calls.
    ///
    /// # Panics
    /// The computer has no free port.
    #[must_use]
    pub fn counting() -> Self {
        let kv = Self::start();
        kv.state().only_counts = true;
        kv
    }

    /// How much was asked for so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state().tally
    }

    /// What stands under a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Value> {
        let text = self.state().values.get(key).cloned()?;
        Some(serde_json::from_str(&text).expect("the worker stores JSON"))
    }

    /// Puts a value there, unseen by the counts.
    pub fn put(&self, key: &str, value: &Value) {
        self.put_text(key, &value.to_string());
    }

    /// Puts any text there.
    pub fn put_text(&self, key: &str, text: &str) {
        self.state().values.insert(key.into(), text.into());
    }

    /// Takes a key away.
    pub fn remove(&self, key: &str) {
        self.state().values.remove(key);
    }

    /// Lets calls fail whose key has this text in it: the next so many of them.
    pub fn fail(&self, calls: Calls, key_part: &str, failure: Failure, times: usize) {
        self.state().faults.push(Fault {
            calls,
            key_part: key_part.into(),
            failure,
            times,
        });
    }

    /// Lets all such calls fail until [`Kv::mend`].
    pub fn fail_for_ever(&self, calls: Calls, key_part: &str, failure: Failure) {
        self.fail(calls, key_part, failure, usize::MAX);
    }

    /// Lets all listings of keys that begin like this fail until [`Kv::mend`].
    pub fn fail_lists(&self, prefix: &str, failure: Failure) {
        self.fail_for_ever(Calls::Lists, prefix, failure);
    }

    /// The keys that begin like this.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let state = self.state();
        let keys = state.values.keys().filter(|key| key.starts_with(prefix));
        keys.cloned().collect()
    }

    /// Ends every failure of keys with this text in it.
    pub fn mend(&self, key_part: &str) {
        self.state()
            .faults
            .retain(|fault| fault.key_part != key_part);
    }

    /// Every call so far whose keys have one of these texts in them.
    #[must_use]
    pub fn operations(&self, key_parts: &[&str]) -> Vec<Operation> {
        let state = self.state();
        let about = |operation: &&Operation| {
            let keys = operation.keys();
            key_parts
                .iter()
                .any(|part| keys.iter().any(|key| key.contains(part)))
        };
        state.operations.iter().filter(about).cloned().collect()
    }

    /// Every call so far.
    #[must_use]
    pub fn all_operations(&self) -> Vec<Operation> {
        self.state().operations.clone()
    }

    /// As [`Kv::operations`], once nothing has been going on for a while.
    #[must_use]
    pub fn settled_operations(&self, key_parts: &[&str]) -> Vec<Operation> {
        let mut seen = self.operations(key_parts);
        loop {
            thread::sleep(SILENCE);
            let now = self.operations(key_parts);
            if now == seen {
                return seen;
            }
            seen = now;
        }
    }

    /// As [`Kv::operations`], but only writes, once there are so many.
    ///
    /// # Panics
    /// There are not, even after some seconds.
    #[must_use]
    #[track_caller]
    pub fn wait_for_writes(&self, key_part: &str, count: usize) -> Vec<Write> {
        let started = Instant::now();
        loop {
            let writes = writes(&self.operations(&[key_part]));
            if writes.len() >= count {
                return writes;
            }
            assert!(started.elapsed() < PATIENCE, "only {writes:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let mut incoming = BufReader::new(connection.try_clone()?);
        while let Some(request) = Request::read(&mut incoming)? {
            let operation = Operation::of(&request);
            let failure = self.state().record(&operation);
            let (status, body) = match failure {
                Some(Failure::Silence) => {
                    // Until workerd gives up.
                    io::copy(&mut incoming, &mut io::sink())?;
                    return Ok(());
                }
                Some(Failure::Status(status)) => (status, String::new()),
                Some(Failure::Rubbish(body)) => (200, body.to_owned()),
                Some(Failure::Delay(delay)) => {
                    thread::sleep(delay);
                    self.state().answer(operation)
                }
                None => self.state().answer(operation),
            };
            respond(&mut connection, status, &body)?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writes among these calls.
#[must_use]
pub fn writes(operations: &[Operation]) -> Vec<Write> {
    let write = |operation: &Operation| match operation {
        Operation::Write(write) => Some(write.clone()),
        _ => None,
    };
    operations.iter().filter_map(write).collect()
}

impl Operation {
    /// A read of these keys in one call.
    #[must_use]
    pub fn bulk_read<const N: usize>(keys: [String; N]) -> Self {
        Self::BulkRead(keys.into())
    }

    fn of(request: &Request) -> Self {
        let target = &request.target;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = percent_decode_str(&path[1..]).decode_utf8_lossy().into();
        match request.method.as_str() {
            "POST" if path == "/bulk/get" => Self::BulkRead(keys_of(&request.body)),
            "GET" if path != "/" => Self::Read(key),
            "GET" => {
                let parameter = |name: &str| {
                    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                    let (_, value) = pairs.find(|(known, _)| *known == name)?;
                    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
                };
                let limit = parameter("key_count_limit").and_then(|text| text.parse().ok());
                let prefix = parameter("prefix").unwrap_or_default();
                Self::List(prefix, limit.unwrap_or(1000), parameter("cursor"))
            }
            "PUT" => Self::Write(Write {
                key,
                value: request.body.clone(),
                ttl_seconds: query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix("expiration_ttl="))
                    .map(|text| text.parse().expect("whole seconds")),
                metadata: request
                    .header("cf-kv-metadata")
                    .map(|text| serde_json::from_str(text).expect("JSON")),
            }),
            "DELETE" => Self::Delete(key),
            other => Self::Other(format!("{other} {target}")),
        }
    }

    fn keys(&self) -> Vec<&str> {
        match self {
            Self::BulkRead(keys) => keys.iter().map(String::as_str).collect(),
            Self::Write(write) => vec![&write.key],
            Self::Read(key) | Self::Delete(key) | Self::Other(key) | Self::List(key, ..) => {
                vec![key]
            }
        }
    }

    fn calls(&self) -> Calls {
        match self {
            Self::Write(_) | Self::Delete(_) => Calls::Writes,
            Self::List(..) => Calls::Lists,
            _ => Calls::Reads,
        }
    }
}

impl Tally {
    fn count(&mut self, operation: &Operation) {
        match operation {
            Operation::BulkRead(keys) => {
                self.read_calls += 1;
                self.keys_read += keys.len() as u64;
            }
            Operation::Read(_) => {
                self.read_calls += 1;
                self.keys_read += 1;
            }
            Operation::Write(_) => self.writes += 1,
            Operation::Delete(_) => self.deletes += 1,
            Operation::List(..) => self.lists += 1,
            Operation::Other(_) => {}
        }
    }

    /// The same so many times.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            read_calls: self.read_calls * times,
            keys_read: self.keys_read * times,
            writes: self.writes * times,
            deletes: self.deletes * times,
            lists: self.lists * times,
        }
    }

    /// What was asked for since an earlier tally.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            read_calls: self.read_calls - earlier.read_calls,
            keys_read: self.keys_read - earlier.keys_read,
            writes: self.writes - earlier.writes,
            deletes: self.deletes - earlier.deletes,
            lists: self.lists - earlier.lists,
        }
    }
}

impl Write {
    fn is_acceptable(&self) -> bool {
        let metadata = self.metadata.as_ref().map_or(0, |it| it.to_string().len());
        self.ttl_seconds.is_none_or(|ttl| ttl >= MIN_TTL_SECONDS)
            && self.key.len() <= MAX_KEY_BYTES
            && metadata <= MAX_METADATA_BYTES
    }

    /// The value.
    ///
    /// # Panics
    /// It is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.value).expect("the worker stores JSON")
    }
}

impl State {
    /// Counts a call, and says how it is to fail.
    fn record(&mut self, operation: &Operation) -> Option<Failure> {
        self.tally.count(operation);
        if !self.only_counts {
            self.operations.push(operation.clone());
        }
        let keys = operation.keys();
        let fault = self.faults.iter_mut().find(|fault| {
            fault.times > 0
                && fault.calls == operation.calls()
                && keys.iter().any(|key| key.contains(&fault.key_part))
        })?;
        fault.times -= 1;
        Some(fault.failure)
    }

    /// Status and body.
    fn answer(&mut self, operation: Operation) -> (u16, String) {
        match operation {
            Operation::BulkRead(keys) if keys.len() <= MAX_KEYS => (200, self.values_of(&keys)),
            Operation::Read(key) => match self.values.get(&key) {
                Some(value) => (200, value.clone()),
                None => (404, String::new()),
            },
            Operation::Write(write) if write.is_acceptable() => {
                self.values.insert(write.key, write.value);
                (200, String::new())
            }
            Operation::List(prefix, limit, cursor) => {
                (200, self.page(&prefix, limit, cursor.as_deref()))
            }
            Operation::Delete(key) => {
                self.values.remove(&key);
                (200, String::new())
            }
            _ => (400, String::new()),
        }
    }

    fn page(&self, prefix: &str, limit: usize, cursor: Option<&str>) -> String {
        let is_next = |key: &&String| {
            key.starts_with(prefix) && cursor.is_none_or(|cursor| key.as_str() > cursor)
        };
        let mut names: Vec<&String> = self.values.keys().filter(is_next).collect();
        names.sort();
        let is_complete = names.len() <= limit;
        names.truncate(limit);
        let keys: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let mut page = json!({"keys": keys, "list_complete": is_complete});
        if let Some(last) = names.last().filter(|_| !is_complete) {
            page["cursor"] = json!(last);
        }
        page.to_string()
    }

    fn values_of(&self, keys: &BTreeSet<String>) -> String {
        let value = |key: &String| (key.clone(), json!(self.values.get(key)));
        Value::Object(keys.iter().map(value).collect::<Map<_, _>>()).to_string()
    }
}

fn keys_of(body: &str) -> BTreeSet<String> {
    let body: Value = serde_json::from_str(body).expect("workerd sends JSON");
    let keys = body["keys"].as_array().expect("keys");
    let key = |key: &Value| key.as_str().expect("a key").to_owned();
    keys.iter().map(key).collect()
}
