//! A world in memory: a store that keeps its rules, a clock, chance that repeats itself, and
//! clients.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, pending},
    pin::Pin,
    rc::Rc,
};

use serde_json::{Value, json};
use tokenkeep::{
    app::{App, Body, Call, Reply, Setup},
    config::Settings,
    domain::{
        account::{Account, Name},
        email::Email,
        id::{SessionId, SessionRef, UserId},
        password::PasswordHash,
        secret::Secret,
        session::Position,
        time::{UnixMillis, UnixSeconds},
        token::RefreshToken,
    },
    guard::{
        self, Memory, answer,
        message::{Answer, Ask},
    },
    port::{
        Accounts, Clock, Fault, Guard, KeyValue, LEAST_TTL_SECONDS, Page, Platform, Rng, SetupPage,
        Write,
    },
    route::Method,
};
use tokenkeep_contract::{Seen, check};

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
    now: Cell<u64>,
    chance: Cell<u64>,
    entries: RefCell<BTreeMap<String, Entry>>,
    operations: RefCell<Operations>,
    reading: Cell<Mood>,
    listing: Cell<Mood>,
    deleting: Cell<(u32, Mood)>,
    /// How many writes from now on, and what becomes of them.
    writing: Cell<(u32, Mood)>,
    bound: Cell<bool>,
    accounts: RefCell<BTreeMap<String, (Account, PasswordHash)>>,
    accounts_fail: Cell<bool>,
    accounts_unbound: Cell<bool>,
    guard_unbound: Cell<bool>,
    guards: RefCell<BTreeMap<String, Memory>>,
    guard_fails: Cell<bool>,
    deferred: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
    log: RefCell<Vec<String>>,
}

/// The platform of the tests. Clones share everything.
#[derive(Clone, Default)]
pub struct InMemory(Rc<State>);

impl Clock for InMemory {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.now.get())
    }

    /// Time jumps: whoever waits has waited.
    async fn sleep_ms(&self, milliseconds: u64) {
        self.0.now.set(self.0.now.get() + milliseconds);
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

impl KeyValue for InMemory {
    async fn read_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        assert!(keys.len() <= 100, "more keys than KV reads at once");
        let asked = keys.iter().copied().map(str::to_owned).collect();
        self.0.operations.borrow_mut().reads.push(asked);
        face(self.0.reading.get()).await?;
        let entries = self.0.entries.borrow();
        let alive = |entry: &&Entry| entry.expires_at > self.0.now.get();
        let value = |key: &&str| {
            entries
                .get(*key)
                .filter(alive)
                .map(|entry| entry.value.clone())
        };
        Ok(keys.iter().map(value).collect())
    }

    async fn write(&self, write: &Write) -> Result<(), Fault> {
        self.0
            .operations
            .borrow_mut()
            .writes
            .push(write.key.clone());
        if let (left @ 1.., mood) = self.0.writing.get() {
            self.0.writing.set((left - 1, mood));
            face(mood).await?;
        }
        if write.ttl_seconds < LEAST_TTL_SECONDS || write.key.len() > 512 {
            return Err(Fault::Failed);
        }
        let entry = Entry {
            value: write.value.clone(),
            expires_at: self.0.now.get() + write.ttl_seconds * 1000,
            metadata: write.metadata.clone(),
        };
        self.0.entries.borrow_mut().insert(write.key.clone(), entry);
        Ok(())
    }

    async fn list(&self, prefix: &str, from: Option<&str>, limit: u32) -> Result<Page, Fault> {
        face(self.0.reading.get()).await?;
        face(self.0.listing.get()).await?;
        let entries = self.0.entries.borrow();
        let alive = |(_, entry): &(&String, &Entry)| entry.expires_at > self.0.now.get();
        let mut names = entries
            .iter()
            .filter(alive)
            .map(|(name, _)| name.clone())
            .filter(|name| {
                name.starts_with(prefix) && from.is_none_or(|from| name.as_str() > from)
            });
        let page: Vec<String> = names.by_ref().take(limit as usize).collect();
        let next = names.next().and_then(|_| page.last().cloned());
        Ok(Page { names: page, next })
    }

    async fn delete(&self, key: &str) -> Result<(), Fault> {
        if let (left @ 1.., mood) = self.0.deleting.get() {
            self.0.deleting.set((left - 1, mood));
            face(mood).await?;
        }
        self.0.entries.borrow_mut().remove(key);
        Ok(())
    }
}

/// The table of accounts.
impl Accounts for InMemory {
    async fn check(&self) -> Result<(), Fault> {
        self.accounts_answer()
    }

    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        self.accounts_answer()?;
        Ok(self.0.accounts.borrow().get(email.as_str()).cloned())
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        self.accounts_answer()?;
        let accounts = self.0.accounts.borrow();
        let mut accounts = accounts.values().map(|(account, _)| account);
        Ok(accounts.find(|account| account.id == *id).cloned())
    }

    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        self.accounts_answer()?;
        let mut accounts = self.0.accounts.borrow_mut();
        let is_free = !accounts.contains_key(account.email.as_str());
        if is_free {
            accounts.insert(
                account.email.as_str().into(),
                (account.clone(), hash.clone()),
            );
        }
        Ok(is_free)
    }

    async fn set_password(&self, id: &UserId, hash: &PasswordHash) -> Result<(), Fault> {
        self.change_account(id, |(_, stored)| *stored = hash.clone())
    }

    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        self.change_account(id, |(account, _)| account.name = name.cloned())
    }

    async fn delete(&self, id: &UserId) -> Result<(), Fault> {
        self.accounts_answer()?;
        self.0
            .accounts
            .borrow_mut()
            .retain(|_, (account, _)| account.id != *id);
        Ok(())
    }
}

impl InMemory {
    fn accounts_answer(&self) -> Result<(), Fault> {
        if self.0.accounts_fail.get() {
            Err(Fault::Failed)
        } else {
            Ok(())
        }
    }

    fn change_account(
        &self,
        id: &UserId,
        change: impl FnOnce(&mut (Account, PasswordHash)),
    ) -> Result<(), Fault> {
        self.accounts_answer()?;
        let mut accounts = self.0.accounts.borrow_mut();
        accounts
            .values_mut()
            .find(|(account, _)| account.id == *id)
            .map(change);
        Ok(())
    }
}

/// The guards: the real ones, each with its memory.
impl Guard for InMemory {
    async fn ask(&self, email: &Email, ask: &Ask) -> Result<Answer, Fault> {
        if self.0.guard_fails.get() {
            return Err(Fault::Failed);
        }
        // Over the wire and back, as between a Worker and an object.
        let ask = serde_json::from_str(&serde_json::to_string(ask).expect("JSON")).expect("JSON");
        let mut memory = self
            .0
            .guards
            .borrow_mut()
            .remove(email.as_str())
            .unwrap_or_default();
        let answer = answer(self, &mut memory, ask).await;
        self.0
            .guards
            .borrow_mut()
            .insert(email.as_str().into(), memory);
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

    fn setup_page(&self) -> SetupPage {
        SetupPage {
            html: "<!doctype html>".into(),
            policy: "default-src 'none'".into(),
        }
    }

    fn log(&self, line: &str) {
        self.0.log.borrow_mut().push(line.to_owned());
    }
}

/// The world and the worker in it.
pub struct World {
    platform: InMemory,
    setup: Setup,
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
            setup: Setup::of(&Settings::read(|name| {
                all.get(name).map(|text| (*text).to_owned())
            })),
        };
        // 20 s into a minute.
        world.platform.0.now.set(1_800_000_020_000);
        world.platform.0.bound.set(true);
        world
    }

    pub fn now(&self) -> u64 {
        self.platform.0.now.get()
    }

    pub fn pass(&self, milliseconds: u64) {
        self.platform.0.now.set(self.now() + milliseconds);
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

    pub fn accounts_fail(&self, fail: bool) {
        self.platform.0.accounts_fail.set(fail);
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
        let reply = pollster::block_on(app.handle(call));
        expect_documented(call, &reply);
        reply
    }

    /// Does the work that comes after the answers so far.
    pub fn settle(&self) {
        let deferred = self.platform.0.deferred.take();
        deferred.into_iter().for_each(pollster::block_on);
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
