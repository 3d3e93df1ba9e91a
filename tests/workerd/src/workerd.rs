//! The worker in workerd, once for each set of settings, on a KV of ours.

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::{
    client::Client,
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
    wrapper: Option<&'static str>,
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
            wrapper: None,
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

    /// With a KV that nobody can reach: whatever asks it gets an error.
    #[must_use]
    pub fn with_unreachable_store(mut self) -> Self {
        self.store = Store::Unreachable;
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
    /// A client for each of the settings, in their order.
    pub clients: Vec<Client>,
    _folder: TempDir,
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
        let kv = Kv::start();
        let file = folder.path().join("workerd.capnp");
        fs::write(&file, config(all, kv.port)).expect("a temporary file");
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
            _folder: folder,
        }
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
fn config(all: &[Settings], kv_port: u16) -> String {
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
    (name = "unreachable", external = (address = "127.0.0.1:1", http = ())),
    {workers}
  ],
  sockets = [
    {sockets}
  ],
);
"#,
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
        r#"(name = {name}, worker = (
      modules = [
        {wrapper}
        (name = "index.js", esModule = embed "index.js"),
        (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
      ],
      compatibilityDate = {date},
      compatibilityFlags = [{flags}],
      bindings = [{store} {bindings}],
    ))"#,
        name = quoted(name),
        date = quoted(date),
        flags = flags.join(", "),
        bindings = bindings.join(", "),
    )
}

/// Text as Cap'n Proto's schema language has it: for what settings hold, the same as JSON.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}
