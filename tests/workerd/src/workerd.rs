//! The worker in workerd, once for each set of settings, on a KV of ours.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{
    client::Client,
    d1::D1,
    kv::Kv,
    leash::Leash,
    project::{copy_build, settings, temporary_folder, vars, workerd},
    tokens::random_name,
};

/// The name of the KV binding in `wrangler.toml`.
const SESSIONS: &str = "SESSIONS";

/// What a worker is started with: the vars of `wrangler.toml`, secrets of its own, and changes.
#[derive(Debug, Clone)]
pub struct Settings {
    bindings: BTreeMap<String, Binding>,
    store: Store,
    guard: Guard,
    /// `refresh_token_secret`, unless changed.
    pub refresh_secret: String,
    /// `service_key`, unless changed.
    pub service_key: String,
}

#[derive(Debug, Clone)]
enum Binding {
    Text(String),
    Json(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    Good,
    Broken,
    NotBound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Good,
    Unreachable,
    NotBound,
}

impl Settings {
    /// As a developer gets them: the vars of `wrangler.toml`, and two fresh secrets.
    #[must_use]
    pub fn fresh() -> Self {
        let secret = || format!("{}{SECRET_MARK}{}", random_name(), random_name());
        let (refresh_secret, service_key) = (secret(), secret());
        let mut fresh = Self {
            bindings: BTreeMap::new(),
            store: Store::Good,
            guard: Guard::NotBound,
            refresh_secret: refresh_secret.clone(),
            service_key: service_key.clone(),
        };
        for (name, text) in vars(&settings()) {
            fresh = fresh.with(&name, &text);
        }
        fresh
            .with("refresh_token_secret", &refresh_secret)
            .with("service_key", &service_key)
    }

    /// With this text for a var or a secret.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str) -> Self {
        self.bindings
            .insert(name.into(), Binding::Text(text.into()));
        self
    }

    /// With a var that is a number in `wrangler.toml`.
    #[must_use]
    pub fn with_number(mut self, name: &str, number: u64) -> Self {
        let json = Binding::Json(number.to_string());
        self.bindings.insert(name.into(), json);
        self
    }

    /// Without a var or a secret.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.bindings.remove(name);
        self
    }

    /// With a table of accounts, [`crate::d1`], and the guards of the build.
    #[must_use]
    pub fn with_accounts(mut self) -> Self {
        self.guard = Guard::Good;
        self
    }

    /// With a table of accounts, and guards that are out of order: `broken_guard.mjs` says how.
    #[must_use]
    pub fn with_broken_guards(mut self) -> Self {
        self.guard = Guard::Broken;
        self
    }

    /// With a KV that nobody can reach: whatever asks it gets an error.
    #[must_use]
    pub fn with_unreachable_store(mut self) -> Self {
        self.store = Store::Unreachable;
        self
    }

    /// Without the KV binding.
    #[must_use]
    pub fn without_store(mut self) -> Self {
        self.store = Store::NotBound;
        self
    }
}

/// What every secret of the tests has in it, so that a log can be searched for it.
pub const SECRET_MARK: &str = "secret-of-a-test";

/// A running workerd.
#[derive(Debug)]
pub struct Workerd {
    leash: Leash,
    /// The store of all workers.
    pub kv: Kv,
    /// The table of accounts of all workers that have one.
    pub d1: D1,
    /// A client for each of the settings, in their order.
    pub clients: Vec<Client>,
    folder: Arc<TempDir>,
}

impl Workerd {
    /// Starts workerd with a worker for each of the settings.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start(all: &[Settings]) -> Self {
        let folder = temporary_folder();
        copy_build(folder.path());
        fs::create_dir(folder.path().join("objects")).expect("a temporary folder");
        let guard = folder.path().join("broken_guard.mjs");
        fs::write(guard, include_str!("broken_guard.mjs")).expect("a temporary file");
        Self::start_in(Arc::new(folder), Kv::start(), D1::start(), all)
    }

    /// Starts another workerd on the stores of this one, with what its objects have on disk.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_again(&self, all: &[Settings]) -> Self {
        let (kv, d1) = (self.kv.clone(), self.d1.clone());
        Self::start_in(Arc::clone(&self.folder), kv, d1, all)
    }

    fn start_in(folder: Arc<TempDir>, kv: Kv, d1: D1, all: &[Settings]) -> Self {
        let file = folder.path().join("workerd.capnp");
        fs::write(&file, config(all, folder.path(), kv.port, d1.port)).expect("a temporary file");
        let leash = Leash::start(|command: &mut Command| {
            // Its ports are told on standard output.
            command
                .arg(workerd())
                .args(["serve", "--verbose", "--control-fd=1"])
                .arg(&file);
        });
        let clients = all.iter().enumerate().map(|(index, settings)| {
            let port = leash.wait_for_line(|line| port_of(line, &worker_name(index)));
            Client::new(port, &settings.service_key)
        });
        Self {
            clients: clients.collect(),
            leash,
            kv,
            d1,
            folder,
        }
    }

    /// The folder in which its objects keep what they store.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    /// Kills it at once, in the middle of whatever it does.
    pub fn kill(&self) {
        self.leash.kill();
    }

    /// The memory that it takes, in KiB: its resident set.
    #[must_use]
    pub fn memory_kib(&self) -> Option<u64> {
        self.leash.memory_kib()
    }

    /// Everything that workerd and the worker printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.leash.log()
    }
}

fn worker_name(index: usize) -> String {
    format!("worker-{index}")
}

/// The port of a socket, if the line tells it.
fn port_of(line: &str, socket: &str) -> Option<u16> {
    let message: Json = serde_json::from_str(line).ok()?;
    if message["event"] != "listen" || message["socket"] != socket {
        return None;
    }
    message["port"].as_u64()?.try_into().ok()
}

/// workerd's configuration, as `node_modules/workerd/workerd.capnp` describes it.
fn config(all: &[Settings], folder: &Path, kv_port: u16, d1_port: u16) -> String {
    let numbered = || all.iter().enumerate();
    let workers: Vec<String> = numbered()
        .map(|(index, settings)| worker(&worker_name(index), settings))
        .collect();
    let sockets: Vec<String> = numbered()
        .map(|(index, _)| {
            let name = quoted(&worker_name(index));
            format!("(name = {name}, address = \"127.0.0.1:0\", http = (), service = {name})")
        })
        .collect();
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "kv", external = (address = "127.0.0.1:{kv_port}", http = ())),
    (name = "d1", external = (address = "127.0.0.1:{d1_port}", http = ())),
    (name = "objects", disk = (path = {objects}, writable = true)),
    (name = "unreachable", external = (address = "127.0.0.1:1", http = ())),
    (name = "broken-guard", worker = (
      modules = [(name = "broken_guard.mjs", esModule = embed "broken_guard.mjs")],
      compatibilityDate = "2026-04-01",
      durableObjectNamespaces = [(className = "AccountGuard", uniqueKey = "broken-guard")],
      durableObjectStorage = (inMemory = void),
    )),
    {workers}
  ],
  sockets = [
    {sockets}
  ],
);
"#,
        objects = quoted(&folder.join("objects").to_string_lossy()),
        workers = workers.join(",\n    "),
        sockets = sockets.join(",\n    "),
    )
}

fn worker(name: &str, settings: &Settings) -> String {
    let wrangler = crate::project::settings();
    let date = wrangler["compatibility_date"].as_str().expect("a date");
    let flags: Vec<String> = wrangler
        .get("compatibility_flags")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .map(|flag| quoted(flag.as_str().expect("a flag")))
        .collect();
    let store = match settings.store {
        Store::Good => format!("(name = \"{SESSIONS}\", kvNamespace = \"kv\"),"),
        Store::Unreachable => format!("(name = \"{SESSIONS}\", kvNamespace = \"unreachable\"),"),
        Store::NotBound => String::new(),
    };
    let guards = match settings.guard {
        Guard::NotBound => String::new(),
        Guard::Good => {
            format!("{DB} (name = \"ACCOUNT_GUARD\", durableObjectNamespace = \"AccountGuard\"),")
        }
        Guard::Broken => format!(
            "{DB} (name = \"ACCOUNT_GUARD\", durableObjectNamespace = (className = \"AccountGuard\", serviceName = \"broken-guard\")),"
        ),
    };
    let bindings: Vec<String> = settings
        .bindings
        .iter()
        .map(|(name, binding)| {
            let (kind, text) = match binding {
                Binding::Text(text) => ("text", text),
                Binding::Json(text) => ("json", text),
            };
            format!("(name = {}, {kind} = {})", quoted(name), quoted(text))
        })
        .collect();
    format!(
        r#"(name = {name}, worker = (
      modules = [
        (name = "index.js", esModule = embed "index.js"),
        (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
      ],
      compatibilityDate = {date},
      compatibilityFlags = [{flags}],
      bindings = [{store} {guards} {bindings}],
      durableObjectNamespaces = [(className = "AccountGuard", uniqueKey = {name}, enableSql = true)],
      durableObjectStorage = (localDisk = "objects"),
    ))"#,
        name = quoted(name),
        date = quoted(date),
        flags = flags.join(", "),
        bindings = bindings.join(", "),
    )
}

/// The table of accounts, through the client for D1 that workerd has built in.
const DB: &str = r#"(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")])),"#;

/// Text as Cap'n Proto's schema language has it: for what settings hold, the same as JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}
