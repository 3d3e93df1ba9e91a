//! Who takes part, how each is asked for a refresh, and what it has to answer.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    kv::{Kv, Tally},
    project::folder,
    tokens::random_name,
    workerd::{SessionsIn, Settings},
};

use crate::{
    bundle::Bundles,
    driver::{Answer, Call},
    right, session,
    stage::Objects,
};

/// One of those that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// The build in `build/`.
    Tokenkeep,
    /// The same build, with sessions in Durable Objects.
    InObjects,
    /// The same build, whose access tokens a P-256 key signs.
    Es256,
    /// The same build, whose access tokens an RSA key of 2048 bits signs.
    Rs256,
    /// Another build of Tokenkeep, in this folder.
    Build(&'static str),
    /// A worker by hand that does the same.
    HonoJose,
    /// The same, with three reads instead of one.
    HonoJoseThreeReads,
    /// `@cloudflare/workers-oauth-provider`
    WorkersOauthProvider,
    /// `@openauthjs/openauth`
    OpenAuth,
    /// Reads three keys and answers a constant.
    FloorRead,
    /// Answers a constant.
    Floor,
}

use Contender::{
    Build, Es256, Floor, FloorRead, HonoJose, HonoJoseThreeReads, InObjects, OpenAuth, Rs256,
    Tokenkeep, WorkersOauthProvider,
};

/// The setting of a key pair.
const PRIVATE_KEY: &str = "access_token_private_key";

/// How many sessions take turns.
const SESSIONS: usize = 64;

impl Contender {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 10] = [
        Tokenkeep,
        InObjects,
        Es256,
        Rs256,
        HonoJose,
        HonoJoseThreeReads,
        WorkersOauthProvider,
        OpenAuth,
        FloorRead,
        Floor,
    ];

    /// What the tables call it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Tokenkeep => "Tokenkeep",
            InObjects => "Tokenkeep, in objects",
            Es256 => "Tokenkeep, ES256",
            Rs256 => "Tokenkeep, RS256",
            Build(folder) => folder,
            HonoJose => "hono + jose",
            HonoJoseThreeReads => "hono + jose, three reads",
            WorkersOauthProvider => "workers-oauth-provider",
            OpenAuth => "openauth",
            FloorRead => "floor: one bulk read",
            Floor => "floor: only an answer",
        }
    }

    /// Its file in `tests/bench/workers/src`, without `.ts`; none for Tokenkeep.
    #[must_use]
    pub fn source(self) -> Option<&'static str> {
        match self {
            Tokenkeep | InObjects | Es256 | Rs256 | Build(_) => None,
            HonoJose => Some("hono-jose"),
            HonoJoseThreeReads => Some("hono-jose-three-reads"),
            WorkersOauthProvider => Some("workers-oauth-provider"),
            OpenAuth => Some("openauth"),
            FloorRead => Some("floor-read"),
            Floor => Some("floor"),
        }
    }

    /// The files of the worker.
    #[must_use]
    pub fn files(self, bundles: &Bundles) -> Vec<PathBuf> {
        match self.source() {
            Some(source) => vec![bundles.script(source)],
            None => ["index.js", "index_bg.wasm"]
                .map(|name| self.build().join(name))
                .into(),
        }
    }

    /// The folder of a build of Tokenkeep.
    fn build(self) -> PathBuf {
        match self {
            Build(other) => other.into(),
            _ => folder().join("build"),
        }
    }

    /// What workerd starts it with. All have the same vars and secrets.
    #[must_use]
    pub fn settings(self, common: &Settings, bundles: &Bundles) -> Settings {
        let Some(source) = self.source() else {
            let settings = common.clone().with_build(&self.build());
            return match self {
                InObjects => settings.with_sessions_in(SessionsIn::Objects),
                Es256 => settings.with(PRIVATE_KEY, include_str!("../../vectors/keys/es256.pem")),
                Rs256 => settings.with(PRIVATE_KEY, include_str!("../../vectors/keys/rs256.pem")),
                _ => settings,
            };
        };
        let script = bundles.script(source);
        match self {
            WorkersOauthProvider => common.clone().with_script(&script, "OAUTH_KV"),
            // Its storage in memory, which is not used here, asks for `node:fs`.
            OpenAuth => common
                .clone()
                .with_script(&script, "SESSIONS")
                .with_flag("nodejs_compat"),
            _ => common.clone().with_script(&script, "SESSIONS"),
        }
    }

    /// Makes sessions, and the requests that refresh them.
    ///
    /// # Errors
    /// The worker refused to make one.
    pub fn calls(self, port: u16, kv: &Kv, settings: &Settings) -> Result<Vec<Call>> {
        let secret = &settings.refresh_secret;
        (0..SESSIONS)
            .map(|_| match self {
                InObjects => Ok(session::in_object(port, settings)),
                Tokenkeep => Ok(session::own_unused(kv, secret, &random_name())),
                Es256 | Rs256 | Build(_) | HonoJose | HonoJoseThreeReads => {
                    Ok(session::own(kv, secret, &random_name()))
                }
                WorkersOauthProvider => session::of_workers_oauth_provider(port),
                OpenAuth => session::of_openauth(port),
                FloorRead | Floor => Ok(Call {
                    path: "/".into(),
                    content_type: "text/plain",
                    body: Bytes::new(),
                }),
            })
            .collect()
    }

    /// The requests of a user who has so many sessions of Tokenkeep's, for some of them.
    #[must_use]
    pub fn calls_of_one_user(kv: &Kv, secret: &str, sessions: usize) -> Vec<Call> {
        let user = random_name();
        let mut calls: Vec<Call> = (0..sessions)
            .map(|_| session::own(kv, secret, &user))
            .collect();
        calls.truncate(SESSIONS);
        calls
    }

    /// Checks that an answer is what a client of this worker needs.
    ///
    /// # Errors
    /// It is not. The message names what is wrong, and repeats no token.
    pub fn check(self, answer: &Answer, secret: &str) -> Result<()> {
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&answer.body);
            bail!("{} answered {}: {text}", self.title(), answer.status);
        }
        let json: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("{} did not answer with JSON", self.title()))?;
        let wrong = match self {
            Tokenkeep | InObjects | Es256 | Rs256 | Build(_) | HonoJose | HonoJoseThreeReads => {
                right::our_fields(&json, secret, self.algorithm())
                    .or_else(|| right::our_headers(&answer.headers))
            }
            WorkersOauthProvider | OpenAuth => right::oauth_fields(&json),
            FloorRead | Floor => (json != json!({"status": "ok"})).then_some("the body"),
        };
        match wrong {
            None => Ok(()),
            Some(wrong) => bail!("{} answered 200, but {wrong} is not right", self.title()),
        }
    }

    /// What its access tokens are signed with.
    fn algorithm(self) -> &'static str {
        match self {
            Es256 => "ES256",
            Rs256 => "RS256",
            _ => "HS256",
        }
    }

    /// What the first use of a token and every further one ask of KV, where that is part of what is
    /// compared.
    #[must_use]
    pub fn expected(self) -> Option<[Tally; 2]> {
        let reads = |read_calls, keys_read| Tally {
            read_calls,
            keys_read,
            ..Tally::default()
        };
        let noted = Tally {
            writes: 1,
            ..reads(1, 3)
        };
        match self {
            Tokenkeep => Some([noted, reads(1, 3)]),
            Es256 | Rs256 | Build(_) | HonoJose | FloorRead => Some([reads(1, 3); 2]),
            HonoJoseThreeReads => Some([reads(3, 3); 2]),
            Floor | InObjects => Some([Tally::default(); 2]),
            WorkersOauthProvider | OpenAuth => None,
        }
    }

    /// What the first use of a token and every further one ask of objects: the native tests count it.
    #[must_use]
    pub fn objects(self) -> [Objects; 2] {
        let asked = |rows_written| Objects {
            requests: 1,
            rows_read: 3,
            rows_written,
        };
        match self {
            InObjects => [asked(1), asked(0)],
            _ => [Objects::default(); 2],
        }
    }
}
