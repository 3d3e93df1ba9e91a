//! The worker in workerd, once for each set of settings, on a KV of ours.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{
    client::Client,
    d1::D1,
    kv::Kv,
    leash::Leash,
    project::{copy_build_of, folder, settings, temporary_folder, vars, workerd},
    tokens::random_name,
};

/// What the file with the guard's class is called in workerd.
const GUARD_FILE: &str = "guard.js";

/// The name of the KV binding in `wrangler.toml`.
const SESSIONS: &str = "SESSIONS";

/// How long a line of the log is waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// The module behind the binding of a rate limit.
const RATE_LIMIT_MODULE: &str = "test:rate-limit";

/// What a worker is started with: the vars of `wrangler.toml`, secrets of its own, and changes.
#[derive(Debug, Clone)]
pub struct Settings {
    program: Program,
    bindings: BTreeMap<String, Binding>,
    store: Store,
    store_name: String,
    flags: Vec<String>,
    guard: Guard,
    sessions: SessionsIn,
    rate_limits: Vec<(&'static str, u32)>,
    wrapper: Option<&'static str>,
    internet: Option<u16>,
    /// `refresh_token_secret`, unless changed.
    pub refresh_secret: String,
    /// `service_key`, unless changed.
    pub service_key: String,
}

/// Where the worker keeps sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionsIn {
    /// In KV.
    Kv,
    /// In the objects of their users, which are on disk.
    Objects,
    /// In objects that are out of order: `broken_guard.mjs` says how.
    BrokenObjects,
}

/// What guards accounts.
#[derive(Debug, Clone)]
enum Guard {
    /// The build's own class, with a table of accounts.
    Good,
    /// A class that is out of order, with a table of accounts.
    Broken,
    /// Another class, and the file that exports it.
    Other {
        file: PathBuf,
        class: String,
    },
    NotBound,
}

/// What runs.
#[derive(Debug, Clone)]
enum Program {
    /// The two files of a build of ours, in this folder.
    Build(PathBuf),
    /// One file of JavaScript.
    Script(PathBuf),
}

#[derive(Debug, Clone)]
enum Binding {
    Text(String),
    Json(String),
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
            program: Program::Build(folder().join("build")),
            bindings: BTreeMap::new(),
            store: Store::Good,
            store_name: SESSIONS.into(),
            flags: Vec::new(),
            guard: Guard::NotBound,
            sessions: SessionsIn::Kv,
            rate_limits: Vec::new(),
            wrapper: None,
            internet: None,
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

    /// With the two files of a build in another folder.
    #[must_use]
    pub fn with_build(mut self, folder: &Path) -> Self {
        self.program = Program::Build(folder.into());
        self
    }

    /// With another worker than ours: one file of JavaScript that finds the KV under this name.
    #[must_use]
    pub fn with_script(mut self, script: &Path, store_name: &str) -> Self {
        self.program = Program::Script(script.into());
        self.store_name = store_name.into();
        self
    }

    /// With a class that guards accounts, as objects in memory. The file that exports it goes
    /// around the built worker, which it finds as `./index.js`.
    #[must_use]
    pub fn with_guard(mut self, file: &Path, class: &str) -> Self {
        let (file, class) = (file.into(), class.into());
        self.guard = Guard::Other { file, class };
        self
    }

    /// With a compatibility flag that `wrangler.toml` does not set.
    #[must_use]
    pub fn with_flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.into());
        self
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

    /// With sessions in this place.
    #[must_use]
    pub fn with_sessions_in(mut self, place: SessionsIn) -> Self {
        self.sessions = place;
        match place {
            SessionsIn::Kv => self.with("SESSION_STORE", "kv"),
            _ => self.with("SESSION_STORE", "durable_objects"),
        }
    }

    /// With a table of accounts, and guards that are out of order: `broken_guard.mjs` says how.
    #[must_use]
    pub fn with_broken_guards(mut self) -> Self {
        self.guard = Guard::Broken;
        self
    }

    /// With a rate limit that lets so many calls of a key pass, and none after them.
    #[must_use]
    pub fn with_rate_limit(mut self, name: &'static str, limit: u32) -> Self {
        self.rate_limits.push((name, limit));
        self
    }

    /// With a KV that nobody can reach: whatever asks it gets an error.
    #[must_use]
    pub fn with_unreachable_store(mut self) -> Self {
        self.store = Store::Unreachable;
        self
    }

    /// With a server on this port in the place of everything that the worker calls by `fetch`.
    #[must_use]
    pub fn with_internet(mut self, port: u16) -> Self {
        self.internet = Some(port);
        self
    }

    /// With a module around the worker, which calls it as `./index.js`.
    #[must_use]
    pub fn wrapped_in(mut self, module: &'static str) -> Self {
        self.wrapper = Some(module);
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
        Self::start_on(Kv::start(), all, &[])
    }

    /// Starts workerd on this KV, with further parameters.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_on(kv: Kv, all: &[Settings], parameters: &[&str]) -> Self {
        Self::start_with(kv, D1::start(), all, parameters)
    }

    /// Starts workerd with a database that has no table yet.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_without_tables(all: &[Settings]) -> Self {
        Self::start_with(Kv::start(), D1::start_empty(), all, &[])
    }

    /// Starts workerd on these stores, with objects of its own.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_with(kv: Kv, d1: D1, all: &[Settings], parameters: &[&str]) -> Self {
        let folder = temporary_folder();
        for (index, settings) in all.iter().enumerate() {
            let copy = folder.path().join(worker_name(index));
            settings.program.copy(&copy);
            if let Guard::Other { file, .. } = &settings.guard {
                fs::copy(file, copy.join(GUARD_FILE)).expect("the file of a guard");
            }
        }
        fs::create_dir(folder.path().join("objects")).expect("a temporary folder");
        for (name, module) in [
            ("broken_guard.mjs", include_str!("broken_guard.mjs")),
            ("rate_limit.mjs", include_str!("rate_limit.mjs")),
        ] {
            fs::write(folder.path().join(name), module).expect("a temporary file");
        }
        Self::start_in(Arc::new(folder), kv, d1, all, parameters)
    }

    /// Starts another workerd on the stores of this one, with what its objects have on disk.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start_again(&self, all: &[Settings]) -> Self {
        let (kv, d1) = (self.kv.clone(), self.d1.clone());
        Self::start_in(Arc::clone(&self.folder), kv, d1, all, &[])
    }

    fn start_in(
        folder: Arc<TempDir>,
        kv: Kv,
        d1: D1,
        all: &[Settings],
        parameters: &[&str],
    ) -> Self {
        let file = folder.path().join("workerd.capnp");
        fs::write(&file, config(all, folder.path(), kv.port, d1.port)).expect("a temporary file");
        let leash = Leash::start(|command: &mut Command| {
            // Its ports are told on standard output.
            command
                .arg(workerd())
                .args(["serve", "--verbose", "--control-fd=1"])
                .args(parameters)
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

    /// Waits until the log has a text so many times: a line may come later than its answer.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_log(&self, text: &str, times: usize) {
        let until = Instant::now() + PATIENCE;
        while self.log().matches(text).count() < times {
            let log = self.log();
            assert!(Instant::now() < until, "{times} times {text:?}:\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process that serves, on Linux.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.leash.program_id()
    }

    /// The port of the inspector, where workerd was started with one.
    ///
    /// # Panics
    /// It was not.
    #[must_use]
    pub fn inspector_port(&self) -> u16 {
        self.leash.wait_for_line(|line| {
            let message: Json = serde_json::from_str(line).ok()?;
            let is_inspector = message["event"] == "listen-inspector";
            is_inspector
                .then(|| message["port"].as_u64()?.try_into().ok())
                .flatten()
        })
    }
}

impl Program {
    fn copy(&self, to: &Path) {
        match self {
            Self::Build(folder) => copy_build_of(folder, to),
            Self::Script(file) => {
                fs::create_dir_all(to).expect("a folder in a temporary folder");
                fs::copy(file, to.join("index.js"))
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
    }

    /// As workerd's configuration lists them.
    fn modules(&self, folder: &str) -> String {
        let script = format!(r#"(name = "index.js", esModule = embed "{folder}/index.js")"#);
        match self {
            Self::Script(_) => script,
            Self::Build(_) => format!(
                r#"{script}, (name = "index_bg.wasm", wasm = embed "{folder}/index_bg.wasm")"#
            ),
        }
    }
}

/// The name of the service and of the inspector's page of the worker with these settings, counted
/// from 0.
#[must_use]
pub fn worker_name(index: usize) -> String {
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
    let internet = |(index, settings): (usize, &Settings)| {
        let port = settings.internet?;
        let name = quoted(&internet_name(&worker_name(index)));
        let external = format!("external = (address = \"127.0.0.1:{port}\", http = ())");
        Some(format!("(name = {name}, {external})"))
    };
    let workers = numbered().map(|(index, settings)| worker(&worker_name(index), settings));
    let workers: Vec<String> = workers.chain(numbered().filter_map(internet)).collect();
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
    (name = "broken-guard", worker = (
      modules = [(name = "broken_guard.mjs", esModule = embed "broken_guard.mjs")],
      compatibilityDate = "2026-04-01",
      durableObjectNamespaces = [
        (className = "AccountGuard", uniqueKey = "broken-guard"),
        (className = "UserSessions", uniqueKey = "broken-sessions"),
      ],
      durableObjectStorage = (inMemory = void),
    )),
    (name = "unreachable", external = (address = "127.0.0.1:1", http = ())),
    {workers}
  ],
  sockets = [
    {sockets}
  ],
  extensions = [(modules = [
    (name = "{RATE_LIMIT_MODULE}", internal = true, esModule = embed "rate_limit.mjs"),
  ])],
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
        .map(|flag| flag.as_str().expect("a flag"))
        .chain(settings.flags.iter().map(String::as_str))
        .map(quoted)
        .collect();
    let store_name = quoted(&settings.store_name);
    let store = match settings.store {
        Store::Good => format!("(name = {store_name}, kvNamespace = \"kv\"),"),
        Store::Unreachable => format!("(name = {store_name}, kvNamespace = \"unreachable\"),"),
        Store::NotBound => String::new(),
    };
    let guard = guard(name, settings);
    let sessions = sessions(name, settings);
    let classes: Vec<&str> = [guard.class.as_str(), sessions.class.as_str()]
        .into_iter()
        .filter(|class| !class.is_empty())
        .collect();
    let storage = if guard.storage.is_empty() {
        sessions.storage
    } else {
        guard.storage
    };
    let rate_limits = settings.rate_limits.iter().map(|(name, limit)| {
        format!(
            r#"(name = "{name}", wrapped = (moduleName = "{RATE_LIMIT_MODULE}", innerBindings = [(name = "limit", json = "{limit}")])),"#
        )
    });
    let rate_limits: String = rate_limits.collect();
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
    // The first module is the one that is called.
    let wrapper = settings.wrapper.map_or(String::new(), |module| {
        format!("(name = \"wrapper.js\", esModule = {}),", quoted(module))
    });
    format!(
        r"(name = {name}, worker = (
      modules = [{wrapper} {guard_module} {modules}],
      compatibilityDate = {date},
      compatibilityFlags = [{flags}],
      bindings = [{store} {guard_bindings} {sessions_binding} {rate_limits} {bindings}],
      durableObjectNamespaces = [{classes}],
      {storage} {internet}
    ))",
        internet = internet(name, settings),
        guard_module = guard.module,
        guard_bindings = guard.bindings,
        sessions_binding = sessions.bindings,
        classes = classes.join(", "),
        modules = settings.program.modules(name),
        name = quoted(name),
        date = quoted(date),
        flags = flags.join(", "),
        bindings = bindings.join(", "),
    )
}

/// What is called by `fetch`: without a server for it, the internet.
fn internet(name: &str, settings: &Settings) -> String {
    let internet = quoted(&internet_name(name));
    settings
        .internet
        .map_or(String::new(), |_| format!("globalOutbound = {internet},"))
}

fn internet_name(name: &str) -> String {
    format!("internet-of-{name}")
}

/// The table of accounts, through the client for D1 that workerd has built in.
const DB: &str = r#"(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1")])),"#;

/// Objects on disk.
const ON_DISK: &str = r#"durableObjectStorage = (localDisk = "objects"),"#;

/// What a class of objects needs; empty where there is none of it.
#[derive(Default)]
struct Objects {
    /// The first module.
    module: String,
    bindings: String,
    /// The namespace.
    class: String,
    /// Where objects keep what they store.
    storage: &'static str,
}

fn namespace(class: &str, key: &str) -> String {
    format!(
        "(className = {}, uniqueKey = {}, enableSql = true)",
        quoted(class),
        quoted(key)
    )
}

fn guard(name: &str, settings: &Settings) -> Objects {
    let binding =
        |what: &str| format!(r#"(name = "ACCOUNT_GUARD", durableObjectNamespace = {what}),"#);
    match &settings.guard {
        Guard::NotBound => Objects::default(),
        Guard::Good => Objects {
            bindings: format!("{DB} {}", binding(r#""AccountGuard""#)),
            class: namespace("AccountGuard", name),
            storage: ON_DISK,
            ..Objects::default()
        },
        Guard::Broken => Objects {
            bindings: format!(
                "{DB} {}",
                binding(r#"(className = "AccountGuard", serviceName = "broken-guard")"#)
            ),
            ..Objects::default()
        },
        Guard::Other { class, .. } => Objects {
            module: format!(r#"(name = "{GUARD_FILE}", esModule = embed "{name}/{GUARD_FILE}"),"#),
            bindings: binding(&quoted(class)),
            class: namespace(class, "guard"),
            storage: "durableObjectStorage = (inMemory = void),",
        },
    }
}

fn sessions(name: &str, settings: &Settings) -> Objects {
    let binding =
        |what: &str| format!(r#"(name = "USER_SESSIONS", durableObjectNamespace = {what}),"#);
    match settings.sessions {
        SessionsIn::Kv => Objects::default(),
        SessionsIn::Objects => Objects {
            bindings: binding(r#""UserSessions""#),
            class: namespace("UserSessions", &format!("{name}-sessions")),
            storage: ON_DISK,
            ..Objects::default()
        },
        SessionsIn::BrokenObjects => Objects {
            bindings: binding(r#"(className = "UserSessions", serviceName = "broken-guard")"#),
            ..Objects::default()
        },
    }
}

/// Text as Cap'n Proto's schema language has it: for what settings hold, the same as JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}
