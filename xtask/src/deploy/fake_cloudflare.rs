//! As much of Cloudflare's API as `wrangler deploy`, `wrangler d1` and `wrangler kv` need, on this
//! computer.
//!
//! It remembers which databases, namespaces and workers there are, and notes every change in its
//! order. The databases are `SQLite`'s, the engine behind D1.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
};

use rusqlite::{Batch, Connection, fallible_iterator::FallibleIterator as _, types::ValueRef};
use serde_json::{Map, Value, json};
use tiny_http::{Method, Request, Response, Server};

/// One account.
#[derive(Default)]
pub struct Account {
    /// By their names; the id of a database is `d-` and its name.
    databases: BTreeMap<String, Connection>,
    /// Their titles; the id of a namespace is `k-` and its title.
    pub namespaces: Vec<String>,
    /// The bindings of each worker that is online.
    workers: BTreeMap<String, Value>,
    /// Fails whenever it is asked about a worker.
    pub hides_workers: bool,
    /// Accepts no worker.
    pub refuses_uploads: bool,
    /// What was changed, in order.
    pub changes: Vec<String>,
}

impl Account {
    /// Adds a database.
    pub fn with_database(mut self, name: &str, sql: &str) -> Self {
        let database = Connection::open_in_memory().expect("memory");
        database.execute_batch(sql).expect("SQL");
        self.databases.insert(name.into(), database);
        self
    }

    pub fn with_namespace(mut self, title: &str) -> Self {
        self.namespaces.push(title.into());
        self
    }

    /// Adds a worker that is online, with its own namespace and this database.
    pub fn with_worker(mut self, name: &str, database: &str) -> Self {
        let bindings = json!([
            {"type": "kv_namespace", "name": "SESSIONS", "namespace_id": "k-online"},
            {"type": "d1", "name": "DB", "id": format!("d-{database}")},
        ]);
        self.workers.insert(name.into(), bindings);
        self
    }

    /// The worker that a database belongs to.
    pub fn owner(&self, database: &str) -> String {
        const SQL: &str = "SELECT value FROM meta WHERE key = 'worker'";
        let owner = self.databases[database].query_row(SQL, [], |row| row.get(0));
        owner.expect("an owner")
    }
}

/// The running API.
pub struct FakeCloudflare {
    server: Arc<Server>,
    pub account: Arc<Mutex<Account>>,
}

impl FakeCloudflare {
    pub fn start(account: Account) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a free port"));
        let account = Arc::new(Mutex::new(account));
        let (requests, shared) = (Arc::clone(&server), Arc::clone(&account));
        thread::spawn(move || {
            for request in requests.incoming_requests() {
                answer(
                    request,
                    &mut shared.lock().expect("no other thread panicked"),
                );
            }
        });
        Self { server, account }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.server_addr())
    }
}

impl Drop for FakeCloudflare {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

fn answer(mut request: Request, account: &mut Account) {
    let mut body = Vec::new();
    let _ = request.as_reader().read_to_end(&mut body);
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let path = path.trim_start_matches("/accounts/a1").to_owned();
    let is_past_the_end = query.split('&').any(|part| part == "page=2");
    let outcome = if is_past_the_end {
        Ok(json!([]))
    } else {
        account.answer(request.method(), &path, &String::from_utf8_lossy(&body))
    };
    let status = outcome.as_ref().err().map_or(200, |(status, ..)| *status);
    let text = match outcome {
        Ok(result) => json!({"success": true, "errors": [], "messages": [], "result": result}),
        Err((_, code, message)) => json!({
            "success": false,
            "errors": [{"code": code, "message": message}],
            "messages": [],
            "result": null,
        }),
    };
    let json = "Content-Type: application/json".parse();
    let response = Response::from_string(text.to_string()).with_status_code(status);
    let _ = request.respond(response.with_header::<tiny_http::Header>(json.expect("a header")));
}

/// A result, or the status, code and message of an error.
type Outcome = Result<Value, (u16, u32, String)>;

impl Account {
    fn answer(&mut self, method: &Method, path: &str, body: &str) -> Outcome {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, &parts[..]) {
            (_, ["d1", "database", rest @ ..]) => self.d1(method, rest, body),
            (_, ["storage", "kv", "namespaces"]) => Ok(self.kv(method, body)),
            (_, ["workers", "scripts" | "services", name, rest @ ..]) => {
                self.worker(method, name, rest, body)
            }
            (Method::Get, [.., "scripts" | "namespaces" | "secrets"]) => Ok(json!([])),
            _ => Ok(thing()),
        }
    }

    fn d1(&mut self, method: &Method, rest: &[&str], body: &str) -> Outcome {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let description = |name: &str| json!({"name": name, "uuid": format!("d-{name}")});
        match (method, rest) {
            (Method::Post, []) => {
                let name = body["name"].as_str().expect("a name");
                let database = Connection::open_in_memory().expect("memory");
                self.databases.insert(name.to_owned(), database);
                self.changes.push(format!("database {name} made"));
                Ok(description(name))
            }
            (_, []) => Ok(self
                .databases
                .keys()
                .map(|name| description(name))
                .collect()),
            (_, [id, rest @ ..]) => {
                let name = id.trim_start_matches("d-");
                let Some(database) = self.databases.get(name) else {
                    let message = "The database could not be found";
                    return Err((404, 7404, message.into()));
                };
                if rest != ["query"] {
                    return Ok(description(name));
                }
                let changes_before = database.total_changes();
                let sql = body["sql"].as_str().expect("SQL");
                let rows =
                    execute(database, sql).map_err(|error| (400, 7500, error.to_string()))?;
                if let Some((_, migration)) = sql.rsplit_once("values ('") {
                    let migration = migration.split('\'').next().unwrap_or_default();
                    self.changes.push(format!("{migration} applied to {name}"));
                } else if database.total_changes() > changes_before {
                    self.changes.push(format!("{name} written"));
                }
                Ok(rows)
            }
        }
    }

    fn kv(&mut self, method: &Method, body: &str) -> Value {
        let description = |title: &str| json!({"title": title, "id": format!("k-{title}")});
        if *method != Method::Post {
            return self
                .namespaces
                .iter()
                .map(|title| description(title))
                .collect();
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        let title = body["title"].as_str().expect("a title");
        self.namespaces.push(title.into());
        self.changes.push(format!("namespace {title} made"));
        description(title)
    }

    fn worker(&mut self, method: &Method, name: &str, rest: &[&str], body: &str) -> Outcome {
        if self.hides_workers {
            return Err((500, 10013, "An unknown error has occurred.".into()));
        }
        match (method, rest) {
            (Method::Post, ["assets-upload-session"]) => return Ok(self.files(body)),
            (Method::Put, []) | (Method::Post, ["versions"]) => self.upload(name, body)?,
            (Method::Get, _) if !self.workers.contains_key(name) => {
                let message = "This Worker does not exist on your account.";
                return Err((404, 10007, message.into()));
            }
            (Method::Get, ["secrets"]) => return Ok(json!([])),
            (Method::Get, ["deployments"]) => {
                let version = json!({"version_id": "v1", "percentage": 100});
                return Ok(json!({"deployments": [{"id": "i1", "versions": [version]}]}));
            }
            (Method::Get, ["versions", _]) => {
                return Ok(json!({"id": "v1", "resources": {"bindings": self.workers[name]}}));
            }
            _ => {}
        }
        Ok(thing())
    }

    /// Wants none of the static files: it has them all.
    fn files(&mut self, body: &str) -> Value {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let names = body["manifest"].as_object().into_iter().flatten();
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        self.changes.push(format!("files: {}", names.join(" ")));
        json!({"jwt": "j", "buckets": []})
    }

    /// The bindings are in a part of the form that is JSON.
    fn upload(&mut self, name: &str, body: &str) -> Result<(), (u16, u32, String)> {
        if self.refuses_uploads {
            return Err((400, 10021, "the worker is refused".into()));
        }
        let (_, metadata) = body.split_once("name=\"metadata\"").expect("metadata");
        let metadata = &metadata[metadata.find('{').expect("JSON")..];
        let mut metadata = serde_json::Deserializer::from_str(metadata).into_iter::<Value>();
        let bindings = metadata.next().expect("JSON").expect("JSON")["bindings"].clone();
        let of = |name: &str| {
            let mut all = bindings.as_array().into_iter().flatten();
            let own = all.find(|binding| binding["name"] == name).cloned();
            own.unwrap_or_default()
        };
        let [sessions, database] = [&of("SESSIONS")["namespace_id"], &of("DB")["id"]]
            .map(|id| id.as_str().unwrap_or("what it had").to_owned());
        self.changes
            .push(format!("{name} uploaded with {sessions} and {database}"));
        self.workers.insert(name.into(), bindings);
        Ok(())
    }
}

/// Executes the statements, and answers as D1 does.
fn execute(database: &Connection, sql: &str) -> rusqlite::Result<Value> {
    let mut answers = Vec::new();
    let mut statements = Batch::new(database, sql);
    while let Some(mut statement) = statements.next()? {
        let columns: Vec<String> = statement.column_names().map(Into::into).collect();
        let rows = statement.query_map([], |row| {
            let cells = columns.iter().enumerate();
            let cells = cells.map(|(index, name)| Ok((name.clone(), cell(row.get_ref(index)?))));
            cells.collect::<rusqlite::Result<Map<_, _>>>()
        })?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        answers.push(json!({"results": rows, "success": true, "meta": {"duration": 0}}));
    }
    Ok(json!(answers))
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        _ => Value::Null,
    }
}

/// The version, its address, a setting: whatever else wrangler asks for.
fn thing() -> Value {
    json!({
        "id": "i1", "deployment_id": "i1", "startup_time_ms": 1,
        "version": "production",
        "subdomain": "me", "enabled": true, "previews_enabled": false,
        "default_environment": {"environment": "production", "script": {"last_deployed_from": "wrangler", "tags": []}},
        "resources": {"script": {"etag": "e"}},
        "deployments": [],
        "bindings": [],
    })
}
