//! The workerd that most tests share, and sessions with a past.

use std::{
    cell::Cell,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, USER_MARK, random_user},
    kv::{Kv, Operation},
    time::{DAY, minute_of, now},
    tokens::{RefreshClaims, derived_access_key, random_name, sign},
    workerd::{SECRET_MARK, SessionsIn, Settings, Workerd},
};

/// The default idle window of a session.
pub const IDLE: u64 = 90 * DAY;
/// The default lifetime of a session.
pub const LIFETIME: u64 = 365 * DAY;

thread_local! {
    static SESSIONS: Cell<SessionsIn> = const { Cell::new(SessionsIn::Kv) };
}

/// From here on, the worker of this test keeps sessions in this place.
pub fn use_sessions_in(place: SessionsIn) {
    SESSIONS.set(place);
}

/// Where it keeps them.
pub fn sessions_in() -> SessionsIn {
    SESSIONS.get()
}

/// A worker with the settings of `wrangler.toml`.
#[derive(Debug)]
pub struct Stage {
    workerd: Workerd,
    pub refresh_secret: String,
}

impl Stage {
    /// The one that tests share, for each place of sessions; each test has users of its own.
    pub fn shared() -> &'static Self {
        static IN_KV: LazyLock<Stage> = LazyLock::new(Stage::start);
        static IN_OBJECTS: LazyLock<Stage> =
            LazyLock::new(|| Stage::with(Settings::fresh().with_sessions_in(SessionsIn::Objects)));
        match sessions_in() {
            SessionsIn::Kv => &IN_KV,
            _ => &IN_OBJECTS,
        }
    }

    /// One that no other test uses.
    pub fn start() -> Self {
        Self::with(Settings::fresh())
    }

    fn with(settings: Settings) -> Self {
        Self {
            workerd: Workerd::start(std::slice::from_ref(&settings)),
            refresh_secret: settings.refresh_secret,
        }
    }

    pub fn client(&self) -> &Client {
        // Every test asks for the client, so what one has logged is seen by a later one. Told once:
        // the others have their own things to tell.
        static TOLD: AtomicBool = AtomicBool::new(false);
        let leak = leak(&self.log());
        assert!(
            leak.is_none() || TOLD.swap(true, Relaxed),
            "logged by some test: {leak:?}"
        );
        &self.workerd.clients[0]
    }

    pub fn kv(&self) -> &Kv {
        &self.workerd.kv
    }

    pub fn log(&self) -> String {
        self.workerd.log()
    }
}

/// Every token begins so: base64url of `{"`.
const TOKEN_MARK: &str = "eyJ";

/// The first line of a log that has a token, a secret or a user in it.
pub fn leak(log: &str) -> Option<String> {
    let leaks = |line: &&str| {
        [TOKEN_MARK, SECRET_MARK, USER_MARK]
            .iter()
            .any(|mark| line.contains(mark))
    };
    log.lines().find(leaks).map(str::to_owned)
}

/// A session with a past: written straight into the store, with tokens of any age.
#[derive(Debug)]
pub struct Chain {
    stage: &'static Stage,
    pub user: String,
    pub session: String,
    pub created_at: u64,
    pub expires_at: u64,
}

impl Chain {
    /// A session that began so many milliseconds ago, never refreshed since.
    pub fn begun_before(age: u64) -> Self {
        let created_at = now() - age;
        let chain = Self::unstored(created_at, created_at + LIFETIME);
        chain.store();
        chain
    }

    /// A session that the store does not know.
    pub fn unstored(created_at: u64, expires_at: u64) -> Self {
        Self::unstored_on(Stage::shared(), created_at, expires_at)
    }

    /// As above, on another stage than the one that tests share.
    pub fn unstored_on(stage: &'static Stage, created_at: u64, expires_at: u64) -> Self {
        Self {
            stage,
            user: random_user(),
            session: random_name(),
            created_at,
            expires_at,
        }
    }

    /// Writes it as a login does.
    pub fn store(&self) {
        let record = json!({
            "v": 1,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "claims": {"role": "admin"},
            "account": true,
        });
        self.put(&self.session_key(), &record);
    }

    /// Says which token is in force, since when, and when the client was last seen.
    pub fn store_activity(&self, generation: u64, issued_at: u64, taken_up_at: u64, seen_at: u64) {
        let activity = json!({
            "v": 1,
            "gen": generation,
            "iat": issued_at,
            "gen_at": taken_up_at,
            "seen_at": seen_at,
        });
        self.put(&self.activity_key(), &activity);
    }

    /// The token that a client took up at this time, right when it was given out.
    pub fn taken_up(self, generation: u64, at: u64) -> Self {
        self.store_activity(generation, minute_of(at), at, at);
        self
    }

    fn put(&self, key: &str, value: &Value) {
        self.stage.kv().put(key, value);
    }

    pub fn session_key(&self) -> String {
        format!("session:{}:{}", self.user, self.session)
    }

    pub fn activity_key(&self) -> String {
        format!("activity:{}", self.session)
    }

    pub fn cut_off_key(&self) -> String {
        format!("revoked:{}", self.user)
    }

    /// The token of the login.
    pub fn first_token(&self) -> String {
        self.token(0, minute_of(self.created_at))
    }

    /// The token of a generation, given out at this time (in seconds).
    pub fn token(&self, generation: u64, issued_at: u64) -> String {
        self.claims(generation, issued_at)
            .sign(&self.stage.refresh_secret)
    }

    pub fn claims(&self, generation: u64, issued_at: u64) -> RefreshClaims {
        RefreshClaims {
            user: self.user.clone(),
            session: self.session.clone(),
            generation,
            issued_at,
            expires_at: self.expires_at / 1000,
        }
    }

    /// An access token of this session, given out at this time (in milliseconds).
    pub fn access_token(&self, at: u64) -> String {
        let issued_at = at / 1000;
        let claims = json!({
            "iss": self.stage.client().origin,
            "sub": self.user,
            "aud": self.stage.client().origin,
            "iat": issued_at,
            "exp": issued_at + 3600,
            "jti": random_name(),
            "sid": self.session,
            "role": "admin",
        });
        let header = json!({"alg": "HS256", "typ": "at+jwt"});
        sign(
            &header,
            &claims,
            derived_access_key(&self.stage.refresh_secret),
        )
    }

    /// What the store was asked for about this session and its user, once it is quiet.
    pub fn operations(&self) -> Vec<Operation> {
        self.stage
            .kv()
            .settled_operations(&[&self.user, &self.session])
    }

    /// The bulk read of a refresh.
    pub fn three_keys(&self) -> Operation {
        Operation::bulk_read([self.session_key(), self.activity_key(), self.cut_off_key()])
    }
}
