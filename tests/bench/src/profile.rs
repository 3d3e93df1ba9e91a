//! Where the CPU time of Tokenkeep goes, function by function: a profile of its isolate under load,
//! taken through workerd's inspector (the Chrome `DevTools` protocol, domain `Profiler`).

use std::{
    collections::BTreeMap,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    kv::Kv,
    project::folder,
    workerd::{Settings, Workerd, worker_name},
};
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _, protocol::WebSocketConfig};

use crate::{
    contender::Contender,
    driver::{Load, ask, drive},
    report::Table,
};

/// Time between two looks at the stack, in microseconds.
const INTERVAL_US: u64 = 100;

/// Rows of the table.
const ROWS: usize = 45;

/// What the profiler calls the time in which no JavaScript and no WebAssembly runs: the runtime's
/// own work between calls, and waiting.
const OUTSIDE: [&str; 2] = ["(program)", "(idle)"];

/// A profile.
#[derive(Debug)]
pub struct Profile {
    json: Value,
    requests: usize,
}

/// Takes a profile of so many refreshes of the build that has names, `build/names`.
///
/// # Errors
/// The worker does not answer rightly, or the inspector does not.
pub fn take(requests: usize) -> Result<Profile> {
    let build = folder().join("build/names");
    ensure!(
        build.join("index.js").is_file(),
        "build/names is not there: run `cargo xtask bench --profile`"
    );
    let settings = Settings::fresh().with_build(&build);
    let kv = Kv::counting();
    let inspector = "--inspector-addr=127.0.0.1:0";
    let workerd = Workerd::start_on(kv.clone(), std::slice::from_ref(&settings), &[inspector]);
    let port = workerd.clients[0].port;
    let secret = &settings.refresh_secret;
    let calls = Contender::Tokenkeep.calls(port, &kv, &settings)?;
    for call in &calls {
        Contender::Tokenkeep.check(&ask(port, call)?, secret)?;
    }
    let load = |requests| Load {
        requests,
        connections: 16,
    };
    // V8 compiles hot functions a second time; what is wanted is how it goes on from there.
    drive(port, &calls, load(requests / 4))?;

    let mut inspector = Inspector::connect(workerd.inspector_port(), &worker_name(0))?;
    inspector.call("Profiler.enable", &json!({}))?;
    inspector.call(
        "Profiler.setSamplingInterval",
        &json!({"interval": INTERVAL_US}),
    )?;
    inspector.call("Profiler.start", &json!({}))?;
    let driver = thread::spawn(move || drive(port, &calls, load(requests)));
    driver
        .join()
        .map_err(|_| anyhow!("the load stopped unexpectedly"))??;
    let mut stopped = inspector.call("Profiler.stop", &json!({}))?;
    Ok(Profile {
        json: stopped["profile"].take(),
        requests,
    })
}

impl Profile {
    /// Writes it where `DevTools` can open it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> Result<PathBuf> {
        let path = Path::new("build/tokenkeep.cpuprofile");
        fs::write(folder().join(path), self.json.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.into())
    }

    /// The functions with the largest self time.
    ///
    /// # Errors
    /// The profile is not as the protocol describes it.
    pub fn table(&self) -> Result<String> {
        let times = self.self_times()?;
        let outside = |name: &str| OUTSIDE.contains(&name);
        let inside: u64 = times
            .iter()
            .filter(|((name, _), _)| !outside(name))
            .map(|(_, time)| time)
            .sum();
        let mut places = BTreeMap::<String, u64>::new();
        for ((name, place), time) in &times {
            if !outside(name) {
                *places.entry(place.clone()).or_default() += time;
            }
        }
        let mut table = Table::new(&["Function", "in", "self µs a refresh", "share"]);
        let mut sorted: Vec<_> = times.into_iter().collect();
        sorted.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        for ((name, place), time) in sorted.into_iter().take(ROWS) {
            let share = if outside(&name) {
                "outside".to_owned()
            } else {
                format!("{:.1} %", percent(time, inside))
            };
            table.row(vec![name, place, self.a_refresh(time), share]);
        }
        for (place, time) in places {
            let (name, share) = ("all together".into(), percent(time, inside));
            table.row(vec![
                name,
                place,
                self.a_refresh(time),
                format!("{share:.1} %"),
            ]);
        }
        Ok(table.text())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a profile is shorter than 2^53 µs"
    )]
    fn a_refresh(&self, time_us: u64) -> String {
        format!("{:.1}", time_us as f64 / self.requests as f64)
    }

    /// Microseconds in which a function itself was at work, by its name and its file.
    fn self_times(&self) -> Result<BTreeMap<(String, String), u64>> {
        let list = |name: &str| {
            self.json[name]
                .as_array()
                .with_context(|| format!("a profile without {name}"))
        };
        let functions: BTreeMap<u64, (String, String)> = list("nodes")?
            .iter()
            .filter_map(|node| Some((node["id"].as_u64()?, function(&node["callFrame"]))))
            .collect();
        let mut times = BTreeMap::new();
        for (sample, delta) in list("samples")?.iter().zip(list("timeDeltas")?) {
            let id = sample.as_u64().context("a sample without an id")?;
            let function = functions.get(&id).context("a sample of an unknown node")?;
            // A delta is negative where two samples were stored out of order.
            *times.entry(function.clone()).or_default() += delta.as_u64().unwrap_or_default();
        }
        Ok(times)
    }
}

/// Name and file; WebAssembly is told by its address.
fn function(frame: &Value) -> (String, String) {
    let text = |name: &str| frame[name].as_str().unwrap_or_default();
    let url = text("url");
    let place = match url {
        "" => "runtime",
        _ if url.starts_with("wasm:") => "wasm",
        _ => url.rsplit('/').next().unwrap_or(url),
    };
    let name = match text("functionName") {
        "" => "(anonymous)",
        name => without_hash(name),
    };
    (shortened(name), place.to_owned())
}

/// rustc ends names with a hash that changes with every build.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => name,
    }
}

/// Names of generics can fill a screen.
fn shortened(name: &str) -> String {
    const MAX: usize = 90;
    let mut short: String = name.chars().take(MAX).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a profile is shorter than 2^53 µs"
)]
fn percent(part: u64, of: u64) -> f64 {
    part as f64 * 100.0 / of as f64
}

/// A connection to the inspector of one worker.
struct Inspector {
    socket: WebSocket<TcpStream>,
    calls: u64,
}

impl Inspector {
    fn connect(port: u16, worker: &str) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("no inspector")?;
        let request = format!("ws://127.0.0.1:{port}/{worker}").into_client_request()?;
        // A profile is some megabytes in one message.
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) = tungstenite::client::client_with_config(request, stream, Some(config))
            .map_err(|error| anyhow!("the inspector refused: {error}"))?;
        Ok(Self { socket, calls: 0 })
    }

    /// Calls a method of the protocol, and waits for its result; events in between are dropped.
    fn call(&mut self, method: &str, parameters: &Value) -> Result<Value> {
        self.calls += 1;
        let call = json!({"id": self.calls, "method": method, "params": parameters});
        self.socket.send(Message::text(call.to_string()))?;
        loop {
            let Message::Text(text) = self.socket.read()? else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] != self.calls {
                continue;
            }
            ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return Ok(answer["result"].take());
        }
    }
}
