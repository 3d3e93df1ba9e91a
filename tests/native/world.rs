//! A world in memory: a store that keeps its rules, a clock, chance that repeats itself, and
//! clients.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, pending},
    pin::Pin,
    rc::Rc,
};

use futures_util::lock::Mutex;
use serde_json::{Value, json};
use tokenkeep::{
    account::{
        Account, Name,
        email::Email,
        guard::{self, Memory, answer},
        message::{Answer, Ask},
        password::PasswordHash,
    },
    app::{App, Setup},
    config::Settings,
    http::{
        method::Method,
        reply::Reply,
        request::{Body, Call},
    },
    port::{
        Accounts, Clock, Fault, Guard, KeyValue, LEAST_TTL_SECONDS, Page, Platform, Rng, Write,
    },
    token::{
        id::{SessionId, SessionRef, UserId},
        refresh::{Position, RefreshToken},
        secret::Secret,
        time::{UnixMillis, UnixSeconds},
    },
};
use tokenkeep_contract::{Seen, check};

use crate::{
    timeline::Timeline,
    trouble::{Store, Troubles, beside, suffer},
};

pub const REFRESH_SECRET: &str = "a-refresh-secret-of-at-least-32-bytes";
pub const SERVICE_KEY: &str = "a-service-key-of-at-least-32-bytes";
pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// What the store does with the next calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Well,
    Failing,
    Throttling,
    Hanging,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub value: String,
    pub expires_at: u64,
    pub metadata: Option<String>,
}

/// What was asked of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operations {
    pub reads: Vec<Vec<String>>,
    pub writes: Vec<String>,
}

#[derive(Default)]
struct State {
    timeline: Rc<Timeline>,
    pub troubles: Troubles,
    chance: Cell<u64>,
    entries: RefCell<BTreeMap<String, Entry>>,
    operations: RefCell<Operations>,
    reading: Cell<Mood>,
    listing: Cell<Mood>,
    listing_on: Cell<Mood>,
    deleting: Cell<(u32, Mood)>,
    /// How many writes from now on, and what becomes of them.
    writing: Cell<(u32, Mood)>,
    bound: Cell<bool>,
    accounts: RefCell<BTreeMap<String, (Account, PasswordHash)>>,
    accounts_fail: Cell<bool>,
    accounts_unbound: Cell<bool>,
    guard_unbound: Cell<bool>,
    /// The guards that are awake: none before it has read its storage.
    guards: RefCell<BTreeMap<String, Rc<Mutex<Option<Memory>>>>>,
    guard_storage: RefCell<BTreeMap<String, String>>,
    flooded: Cell<bool>,
    flood_limit_unbound: Cell<bool>,
    guard_fails: Cell<bool>,
    deferred: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
    log: RefCell<Vec<String>>,
}

/// The platform of the tests. Clones share everything.
#[derive(Clone, Default)]
pub struct InMemory(Rc<State>);

impl Clock for InMemory {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.timeline.now.get())
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        self.0.timeline.sleep(milliseconds).await;
    }
}

impl Rng for InMemory {
    /// The same bytes in every run, and never the same twice in one.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64.
            let state = self.0.chance.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.0.chance.set(state);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The kinds of these keys, for the name of a call.
fn kinds(keys: &[&str]) -> String {
    let kind = |key: &&str| key.split(':').next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> = keys.iter().map(kind).collect();
    kinds.dedup();
    if kinds.len() > 4 {
        return "sessions".into();
    }
    kinds.join(", ")
}

impl KeyValue for InMemory {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        assert!(keys.len() <= 100, "more keys than KV reads at once");
        let asked: Vec<String> = keys.iter().copied().map(str::to_owned).collect();
        self.0.operations.borrow_mut().reads.push(asked.clone());
        face(self.0.reading.get()).await?;
        let what = format!("read {}", kinds(keys));
        let rubbish = |values: Vec<_>| Ok(values.iter().map(|_| Some("rubbish".into())).collect());
        let values = move |world: &Self| Ok(asked.iter().map(|key| world.alive(key)).collect());
        self.call(Store::Kv, what, values, rubbish).await
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        let key = write.key.clone();
        self.0.operations.borrow_mut().writes.push(key.clone());
        if let (left @ 1.., mood) = self.0.writing.get() {
            self.0.writing.set((left - 1, mood));
            face(mood).await?;
        }
        if write.ttl_seconds < LEAST_TTL_SECONDS || key.len() > 512 {
            return Err(Fault::Failed);
        }
        let write = write.clone();
        let what = format!("write {}", kinds(&[&key]));
        let put = move |world: &Self| {
            world.put(write);
            Ok(())
        };
        self.call(Store::Kv, what, put, Ok).await
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Fault> {
        assert!(limit <= 1000, "more keys than KV lists at once");
        face(self.0.reading.get()).await?;
        face(self.0.listing.get()).await?;
        if from.is_some() {
            face(self.0.listing_on.get()).await?;
        }
        let (prefix, from) = (prefix.to_owned(), from.map(str::to_owned));
        let unreadable = |_| Err(Fault::Unreadable);
        let page = move |world: &Self| Ok(world.page(&prefix, from.as_deref(), limit as usize));
        self.call(Store::Kv, "list sessions".into(), page, unreadable)
            .await
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        if let (left @ 1.., mood) = self.0.deleting.get() {
            self.0.deleting.set((left - 1, mood));
            face(mood).await?;
        }
        let what = format!("delete {}", kinds(&[key]));
        let key = key.to_owned();
        let delete = move |world: &Self| {
            world.0.entries.borrow_mut().remove(&key);
            Ok(())
        };
        self.call(Store::Kv, what, delete, Ok).await
    }
}

impl InMemory {
    /// A call on a store, with whatever trouble it meets.
    async fn call<T: 'static>(
        &self,
        store: Store,
        what: String,
        work: impl FnOnce(&Self) -> Result<T, Fault> + 'static,
        rubbish: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let trouble = self.0.troubles.meet(store, what);
        let pace_ms = self.0.troubles.pace_ms.get();
        if pace_ms > 0 {
            self.sleep_ms(pace_ms).await;
        }
        let world = self.clone();
        suffer(
            trouble,
            &self.0.timeline,
            async move { work(&world) },
            rubbish,
        )
        .await
    }

    fn alive(&self, key: &str) -> Option<String> {
        let entries = self.0.entries.borrow();
        let entry = entries.get(key)?;
        (entry.expires_at > self.0.timeline.now.get()).then(|| entry.value.clone())
    }

    fn put(&self, write: Write) {
        let entry = Entry {
            value: write.value,
            expires_at: self.0.timeline.now.get() + write.ttl_seconds * 1000,
            metadata: write.metadata,
        };
        self.0.entries.borrow_mut().insert(write.key, entry);
    }

    fn page(&self, prefix: &str, from: Option<&str>, limit: usize) -> Page {
        let entries = self.0.entries.borrow();
        let mut alive = entries
            .iter()
            .filter(|(_, entry)| entry.expires_at > self.0.timeline.now.get())
            .filter(|(name, _)| {
                name.starts_with(prefix) && from.is_none_or(|from| name.as_str() > from)
            });
        let names: Vec<String> = alive
            .by_ref()
            .take(limit)
            .map(|(name, _)| name.clone())
            .collect();
        let next = alive.next().and_then(|_| names.last().cloned());
        Page { names, next }
    }

    /// A question to the table of accounts.
    async fn table<T: 'static>(
        &self,
        what: &str,
        work: impl FnOnce(&mut BTreeMap<String, (Account, PasswordHash)>) -> T + 'static,
    ) -> Result<T, Fault> {
        if self.0.accounts_fail.get() {
            return Err(Fault::Failed);
        }
        let work = move |world: &Self| Ok(work(&mut world.0.accounts.borrow_mut()));
        let unreadable = |_| Err(Fault::Unreadable);
        self.call(Store::D1, what.into(), work, unreadable).await
    }

    async fn change_account<T: Default + 'static>(
        &self,
        what: &str,
        id: &UserId,
        change: impl FnOnce(&mut (Account, PasswordHash)) -> T + 'static,
    ) -> Result<T, Fault> {
        let id = id.clone();
        self.table(what, move |accounts| {
            let mut accounts = accounts.values_mut();
            let found = accounts.find(|(account, _)| account.id == id);
            found.map(change).unwrap_or_default()
        })
        .await
    }
}

/// The table of accounts.
impl Accounts for InMemory {
    async fn check(&self) -> Result<(), Fault> {
        self.table("check", |_| ()).await
    }

    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        let email = email.clone();
        self.table("find by address", move |accounts| {
            accounts.get(email.as_str()).cloned()
        })
        .await
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let id = id.clone();
        self.table("find by id", move |accounts| {
            let mut accounts = accounts.values().map(|(account, _)| account);
            accounts.find(|account| account.id == id).cloned()
        })
        .await
    }

    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        let new = (account.clone(), hash.clone());
        self.table("add", move |accounts| {
            let email = new.0.email.as_str().to_owned();
            let is_free = !accounts.contains_key(&email);
            accounts.entry(email).or_insert(new);
            is_free
        })
        .await
    }

    async fn set_password(
        &self,
        id: &UserId,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Fault> {
        let (verified, new) = (verified.clone(), new.clone());
        self.change_account("set password", id, move |(_, stored)| {
            let is_there = stored.as_str() == verified.as_str();
            if is_there {
                *stored = new;
            }
            is_there
        })
        .await
    }

    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        let name = name.cloned();
        self.change_account("set name", id, |(account, _)| account.name = name)
            .await
    }

    async fn delete(&self, id: &UserId) -> Result<(), Fault> {
        let id = id.clone();
        self.table("delete", move |accounts| {
            accounts.retain(|_, (account, _)| account.id != id);
        })
        .await
    }
}

/// The guards: the real ones, each with its memory and its storage, one question after the other.
impl Guard for InMemory {
    async fn ask(&self, email: &Email, ask: &Ask) -> Result<Answer, Fault> {
        if self.0.guard_fails.get() {
            return Err(Fault::Failed);
        }
        let what = match ask {
            Ask::Stamp => "stamp",
            Ask::Check(_) => "check password",
        };
        let trouble = self.0.troubles.meet(Store::Guard, what);
        // Over the wire and back, as between a Worker and an object.
        let ask = serde_json::from_str(&serde_json::to_string(ask).expect("JSON")).expect("JSON");
        let (world, email) = (self.clone(), email.as_str().to_owned());
        // An object goes on when the Worker has given up.
        let timeline = Rc::clone(&self.0.timeline);
        let work = async move { beside(&timeline, world.guard_answers(email, ask)).await };
        Box::pin(suffer(trouble, &self.0.timeline, work, |_| {
            Err(Fault::Unreadable)
        }))
        .await
    }
}

impl InMemory {
    /// What `GuardInside` does in its object.
    async fn guard_answers(self, email: String, ask: Ask) -> Result<Answer, Fault> {
        let came_at = self.now();
        let guard = Rc::clone(self.0.guards.borrow_mut().entry(email.clone()).or_default());
        let mut memory = guard.lock().await;
        if memory.is_none() {
            let (key, rubbish) = (email.clone(), |_| Ok(Some("rubbish".to_owned())));
            let get = move |world: &Self| Ok(world.0.guard_storage.borrow().get(&key).cloned());
            let json = self
                .call(Store::Storage, "get".into(), get, rubbish)
                .await?;
            let attempts = json.and_then(|json| serde_json::from_str(&json).ok());
            *memory = Some(Memory::of(attempts.unwrap_or_default()));
        }
        let memory = memory.as_mut().expect("just put there");
        let before = memory.attempts.clone();
        let answer = answer(&self, memory, ask, came_at).await;
        if memory.is_worth_storing(&before) {
            let json = serde_json::to_string(&memory.attempts).expect("JSON");
            let json = (!memory.attempts.is_empty()).then_some(json);
            let put = move |world: &Self| {
                let mut storage = world.0.guard_storage.borrow_mut();
                match json {
                    Some(json) => storage.insert(email, json),
                    None => storage.remove(&email),
                };
                Ok(())
            };
            self.call(Store::Storage, "put".into(), put, Ok).await?;
        }
        let answer = answer.unwrap_or(Answer::Fault);
        Ok(serde_json::from_str(&serde_json::to_string(&answer).expect("JSON")).expect("JSON"))
    }
}

impl guard::World for InMemory {
    type Accounts = Self;

    fn accounts(&self) -> Result<Self, Fault> {
        Ok(self.clone())
    }
}

impl InMemory {
    /// What `GuardInside` does when its alarm goes off.
    fn clear_guard(&self, email: &str) {
        let guards = self.0.guards.borrow();
        let mut memory = guards[email].try_lock().expect("no question is open");
        let memory = memory.as_mut().expect("it is awake");
        let stays = memory.clear(self.now()).filter(|stays| !stays.is_empty());
        let json = stays.map(|stays| serde_json::to_string(stays).expect("JSON"));
        let mut storage = self.0.guard_storage.borrow_mut();
        match json {
            Some(json) => storage.insert(email.into(), json),
            None => storage.remove(email),
        };
    }
}

async fn face(mood: Mood) -> Result<(), Fault> {
    match mood {
        Mood::Well => Ok(()),
        Mood::Failing => Err(Fault::Failed),
        Mood::Throttling => Err(Fault::Throttled),
        Mood::Hanging => pending().await,
    }
}

impl Platform for InMemory {
    type Sessions = Self;
    type Accounts = Self;
    type Guard = Self;

    fn accounts(&self) -> Result<Self, Fault> {
        if self.0.accounts_unbound.get() {
            return Err(Fault::NotBound("DB"));
        }
        Ok(self.clone())
    }

    fn guard(&self) -> Result<Self, Fault> {
        if self.0.guard_unbound.get() {
            return Err(Fault::NotBound("ACCOUNT_GUARD"));
        }
        Ok(self.clone())
    }

    fn sessions(&self) -> Result<Self, Fault> {
        if self.0.bound.get() {
            Ok(self.clone())
        } else {
            Err(Fault::NotBound("SESSIONS"))
        }
    }

    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.0.deferred.borrow_mut().push(Box::pin(work));
    }

    fn counts_floods(&self) -> bool {
        !self.0.flood_limit_unbound.get()
    }

    async fn is_flooded(&self) -> Result<bool, Fault> {
        let flooded = |world: &Self| Ok(world.0.flooded.get());
        let unreadable = |_| Err(Fault::Unreadable);
        self.call(Store::Flood, "count".into(), flooded, unreadable)
            .await
    }

    fn log(&self, line: &str) {
        self.0.log.borrow_mut().push(line.to_owned());
    }
}

/// The world and the worker in it.
pub struct World {
    platform: InMemory,
    setup: Rc<Setup>,
}

/// What a client keeps of an answer.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub session: String,
}

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A world with these settings besides the two secrets.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let mut all = BTreeMap::from([
            ("refresh_token_secret", REFRESH_SECRET),
            ("service_key", SERVICE_KEY),
        ]);
        all.extend(settings.iter().copied());
        let world = Self {
            platform: InMemory::default(),
            setup: Rc::new(Setup::of(&Settings::read(|name| {
                all.get(name).map(|text| (*text).to_owned())
            }))),
        };
        // 20 s into a minute.
        world.platform.0.timeline.now.set(1_800_000_020_000);
        world.platform.0.bound.set(true);
        world
    }

    /// Another world like this one: what is done to one is not done to the other. Its guards are
    /// asleep.
    pub fn copy(&self) -> Self {
        let state = &self.platform.0;
        let copy = State::default();
        copy.timeline.now.set(state.timeline.now.get());
        copy.chance.set(state.chance.get());
        copy.entries.replace(state.entries.borrow().clone());
        copy.bound.set(state.bound.get());
        copy.accounts.replace(state.accounts.borrow().clone());
        copy.guard_storage
            .replace(state.guard_storage.borrow().clone());
        copy.flooded.set(state.flooded.get());
        Self {
            platform: InMemory(Rc::new(copy)),
            setup: Rc::clone(&self.setup),
        }
    }

    /// From here on other things happen by chance.
    pub fn set_chance(&self, chance: u64) {
        self.platform.0.chance.set(chance);
    }

    /// Takes an account away, and nothing else.
    pub fn remove_account(&self, email: &str) {
        self.platform.0.accounts.borrow_mut().remove(email);
    }

    /// The accounts: address, name, password hash.
    pub fn accounts(&self) -> Vec<(String, Option<String>, String)> {
        let accounts = self.platform.0.accounts.borrow();
        let row = |(email, (account, hash)): (&String, &(Account, PasswordHash))| {
            let name = account.name.as_ref().map(|name| name.as_str().to_owned());
            (email.clone(), name, hash.as_str().to_owned())
        };
        accounts.iter().map(row).collect()
    }

    pub fn now(&self) -> u64 {
        self.platform.0.timeline.now.get()
    }

    pub fn pass(&self, milliseconds: u64) {
        self.platform.0.timeline.now.set(self.now() + milliseconds);
    }

    pub fn reads_are(&self, mood: Mood) {
        self.platform.0.reading.set(mood);
    }

    pub fn next_writes_are(&self, count: u32, mood: Mood) {
        self.platform.0.writing.set((count, mood));
    }

    pub fn listings_are(&self, mood: Mood) {
        self.platform.0.listing.set(mood);
    }

    /// How listings are that go on where a page ended.
    pub fn later_pages_are(&self, mood: Mood) {
        self.platform.0.listing_on.set(mood);
    }

    pub fn next_deletes_are(&self, count: u32, mood: Mood) {
        self.platform.0.deleting.set((count, mood));
    }

    pub fn unbind_store(&self) {
        self.platform.0.bound.set(false);
    }

    pub fn unbind_accounts(&self) {
        self.platform.0.accounts_unbound.set(true);
    }

    pub fn unbind_guard(&self) {
        self.platform.0.guard_unbound.set(true);
    }

    pub fn unbind_flood_limit(&self) {
        self.platform.0.flood_limit_unbound.set(true);
    }

    pub fn accounts_fail(&self, fail: bool) {
        self.platform.0.accounts_fail.set(fail);
    }

    pub fn is_flooded(&self, flooded: bool) {
        self.platform.0.flooded.set(flooded);
    }

    /// Guards that are not asked for a while are put to sleep: what they have in mind is gone.
    pub fn guards_fall_asleep(&self) {
        self.platform.0.guards.take();
    }

    /// The alarm of the guard of this address goes off.
    pub fn clear_guard(&self, email: &str) {
        self.platform.clear_guard(email);
    }

    /// What is stored for addresses.
    pub fn guard_storage(&self) -> BTreeMap<String, String> {
        self.platform.0.guard_storage.borrow().clone()
    }

    pub fn troubles(&self) -> &Troubles {
        &self.platform.0.troubles
    }

    pub fn guard_fails(&self, fail: bool) {
        self.platform.0.guard_fails.set(fail);
    }

    /// The stored password hash of an address.
    pub fn password_hash(&self, email: &str) -> Option<String> {
        let accounts = self.platform.0.accounts.borrow();
        accounts
            .get(email)
            .map(|(_, hash)| hash.as_str().to_owned())
    }

    /// Puts an account in place, as an import does.
    pub fn import(&self, id: &str, email: &str, hash: &str) {
        let account = Account {
            id: UserId::parse(id).expect("a user id"),
            email: Email::parse(email).expect("an address"),
            name: None,
            created_at: UnixMillis(self.now()),
        };
        let hash = PasswordHash::parse(hash).expect("a hash");
        self.platform
            .0
            .accounts
            .borrow_mut()
            .insert(email.into(), (account, hash));
    }

    /// The keys of the store that begin like this.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let entries = self.platform.0.entries.borrow();
        entries
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    /// A request with a Bearer token and a body.
    pub fn send(&self, method: Method, path: &str, bearer: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {bearer}");
        let reply = self.answer(&call(method, path, Some(&bearer), &body.to_string()));
        self.settle();
        reply
    }

    pub fn log(&self) -> Vec<String> {
        self.platform.0.log.borrow().clone()
    }

    /// The lines of the log that tell this event.
    pub fn lines(&self, event: &str) -> Vec<Value> {
        let lines = self.log();
        let lines = lines.iter().map(|line| serde_json::from_str(line));
        let lines = lines.map(|line: Result<Value, _>| line.expect("a line is JSON"));
        lines.filter(|line| line["event"] == event).collect()
    }

    pub fn entry(&self, key: &str) -> Option<Entry> {
        self.platform.0.entries.borrow().get(key).cloned()
    }

    pub fn put(&self, key: &str, value: &Value) {
        let entry = Entry {
            value: value.to_string(),
            expires_at: u64::MAX,
            metadata: None,
        };
        self.platform
            .0
            .entries
            .borrow_mut()
            .insert(key.into(), entry);
    }

    pub fn forget(&self, key: &str) {
        self.platform.0.entries.borrow_mut().remove(key);
    }

    /// What was asked of the store since the last time.
    pub fn operations(&self) -> Operations {
        self.platform.0.operations.take()
    }

    /// Answers, without the work that comes after the answer.
    pub fn answer(&self, call: &Call) -> Reply {
        let app = App {
            platform: self.platform.clone(),
            setup: &self.setup,
        };
        let timeline = &self.platform.0.timeline;
        let reply = timeline.run(app.handle(call)).expect("no request hangs");
        expect_documented(call, &reply);
        reply
    }

    /// Does the work that comes after the answers so far.
    pub fn settle(&self) {
        let State {
            timeline, troubles, ..
        } = &*self.platform.0;
        troubles.is_after.set(true);
        for work in self.platform.0.deferred.take() {
            timeline.spawn(work);
        }
        timeline.settle();
        troubles.is_after.set(false);
    }

    /// The worker is gone before it did that work.
    pub fn crash(&self) {
        self.platform.0.deferred.take();
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let reply = self.answer(&call(Method::Post, path, None, &body.to_string()));
        self.settle();
        reply
    }

    pub fn get(&self, path: &str, bearer: &str) -> Reply {
        self.answer(&call(
            Method::Get,
            path,
            Some(&format!("Bearer {bearer}")),
            "",
        ))
    }

    pub fn open(&self, body: &Value) -> Reply {
        let bearer = format!("Bearer {SERVICE_KEY}");
        self.answer(&call(
            Method::Post,
            "/auth/session",
            Some(&bearer),
            &body.to_string(),
        ))
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

pub fn call(method: Method, path: &str, authorization: Option<&str>, body: &str) -> Call {
    Call {
        method,
        path: path.split('?').next().unwrap_or_default().into(),
        query: path
            .split_once('?')
            .map(|(_, query)| query.into())
            .unwrap_or_default(),
        origin: "https://api.example.com".into(),
        authorization: authorization.map(Into::into),
        page_origin: None,
        wanted_headers: None,
        ray: None,
        place: Some("MAD".into()),
        ip: Some("192.0.2.1".into()),
        body: Body::Whole(body.into()),
    }
}

/// Every answer of every test is as `public/openapi.json` says.
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
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = body(reply);
    let text = |name: &str| body[name].as_str().expect(name).to_owned();
    Tokens {
        access: text("accessToken"),
        refresh: text("refreshToken"),
        session: text("sessionId"),
    }
}

/// The place of a refresh token in its chain: its generation, and its `iat` in milliseconds.
pub fn place(refresh_token: &str) -> (u32, u64) {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = refresh_token.split('.').nth(1).expect("three parts");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
    let number = |name: &str| claims[name].as_u64().expect(name);
    (
        u32::try_from(number("gen")).expect("small"),
        number("iat") * 1000,
    )
}

/// A refresh token of Ada's as our worker would sign it.
pub fn signed(session: &str, generation: u32, issued_at: u64, session_end: u64) -> String {
    RefreshToken {
        of: SessionRef {
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
