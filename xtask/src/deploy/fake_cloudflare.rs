//! As much of Cloudflare's API as `wrangler deploy` and `wrangler d1` ask for, on this computer.
//!
//! It remembers which databases and workers there are, and notes every change in its order.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use tiny_http::{Method, Request, Response, Server};

const ID: &str = "11111111-2222-4333-8444-555555555555";

#[derive(Default)]
pub struct Account {
    pub has_database: bool,
    pub has_worker: bool,
    pub refuses_migrations: bool,
    /// The migrations that the database has seen.
    pub applied: BTreeSet<String>,
    /// What was changed, in order.
    pub changes: Vec<String>,
    /// What the API does not know here: a sign that this file has to grow.
    pub unknown: Vec<String>,
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
                answer(request, &shared);
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

fn answer(mut request: Request, account: &Mutex<Account>) {
    let mut body = Vec::new();
    let _ = request.as_reader().read_to_end(&mut body);
    let path = request.url().split('?').next().unwrap_or_default();
    let path = path.trim_start_matches("/accounts/a1").to_owned();
    let mut account = account.lock().expect("no other thread panicked");
    let (status, result) = account.answer(request.method(), &path, &body);
    let text = match result {
        Ok(result) => json!({"success": true, "errors": [], "messages": [], "result": result}),
        Err((code, message)) => json!({
            "success": false,
            "errors": [{"code": code, "message": message}],
            "messages": [],
            "result": null,
        }),
    };
    let _ = request.respond(Response::from_string(text.to_string()).with_status_code(status));
}

type Answer = (u16, Result<Value, (u32, &'static str)>);

fn ok(value: Value) -> Answer {
    (200, Ok(value))
}

impl Account {
    fn answer(&mut self, method: &Method, path: &str, body: &[u8]) -> Answer {
        let no_worker = (
            404,
            Err((10007, "This Worker does not exist on your account.")),
        );
        match (method, path) {
            (Method::Get, "/d1/database") => ok(json!(self.databases())),
            (Method::Post, "/d1/database") => {
                self.has_database = true;
                self.changes.push("database made".to_owned());
                ok(database())
            }
            (Method::Get, path)
                if self.has_database
                    && ["tokenkeep", ID]
                        .map(|key| format!("/d1/database/{key}"))
                        .contains(&path.to_owned()) =>
            {
                ok(database())
            }
            (Method::Get, path) if path.starts_with("/d1/database/") => {
                (404, Err((7404, "The database could not be found")))
            }
            (Method::Post, path) if path == format!("/d1/database/{ID}/query") => self.query(body),
            (Method::Get, "/storage/kv/namespaces") => ok(json!([])),
            (Method::Post, "/storage/kv/namespaces") => {
                self.changes.push("KV namespace made".to_owned());
                ok(json!({"id": "kv1"}))
            }
            (Method::Post, "/workers/scripts/tokenkeep/assets-upload-session") => self.files(body),
            (Method::Put, "/workers/scripts/tokenkeep") if !self.has_worker => self.upload(body),
            // A worker that exists gets a new version, which is then put online.
            (Method::Post, "/workers/scripts/tokenkeep/versions") => self.upload(body),
            (Method::Post, "/workers/scripts/tokenkeep/deployments") => {
                self.changes.push("worker online".to_owned());
                ok(json!({"id": "deployment"}))
            }
            (Method::Patch, "/workers/scripts/tokenkeep/script-settings") => ok(json!({})),
            (Method::Get, "/workers/services/tokenkeep") if self.has_worker => ok(json!({
                "default_environment": {"environment": "production", "script": {"last_deployed_from": "wrangler", "tags": [], "migration_tag": "v1"}},
            })),
            (Method::Get, "/workers/scripts/tokenkeep/settings") if self.has_worker => {
                ok(json!({"bindings": [
                    {"type": "kv_namespace", "name": "SESSIONS", "namespace_id": "kv1"},
                    {"type": "d1", "name": "DB", "id": ID},
                ]}))
            }
            (Method::Get, "/workers/scripts") => ok(json!(if self.has_worker {
                vec![json!({"id": "tokenkeep", "migration_tag": "v1"})]
            } else {
                vec![]
            })),
            (Method::Get | Method::Post, "/workers/scripts/tokenkeep/subdomain") => {
                ok(json!({"enabled": true, "previews_enabled": false}))
            }
            (Method::Get, "/workers/subdomain") => ok(json!({"subdomain": "me"})),
            (Method::Get, path) if path.contains("/tokenkeep") => no_worker,
            _ => {
                self.unknown.push(format!("{method} {path}"));
                (404, Err((7000, "No route for that URI")))
            }
        }
    }

    /// Wants none of the static files: it has them all.
    fn files(&mut self, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let names = body["manifest"].as_object().into_iter().flatten();
        let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
        self.changes.push(format!("files: {}", names.join(" ")));
        ok(json!({"jwt": "j", "buckets": []}))
    }

    fn upload(&mut self, body: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(body);
        let bound = if text.contains(ID) {
            "its database"
        } else {
            "what it had"
        };
        self.changes.push(format!("worker uploaded with {bound}"));
        self.has_worker = true;
        ok(json!({
            "id": "v1",
            "deployment_id": "v1",
            "startup_time_ms": 1,
            "resources": {"script": {"etag": "e"}},
        }))
    }

    fn databases(&self) -> Vec<Value> {
        let other = json!({"name": "tokenkeep-of-another", "uuid": "other"});
        let ours = self.has_database.then(database);
        [other].into_iter().chain(ours).collect()
    }

    /// The statements that applying migrations consists of.
    fn query(&mut self, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let sql = body["sql"].as_str().unwrap_or_default();
        let mut rows = Vec::new();
        if sql.trim_start().starts_with("SELECT *") {
            rows = self
                .applied
                .iter()
                .map(|name| json!({"name": name}))
                .collect();
        } else if let Some((_, name)) = sql.rsplit_once("values ('") {
            if self.refuses_migrations {
                return (400, Err((7500, "no such column: SQLITE_ERROR")));
            }
            let name = name.split('\'').next().unwrap_or_default();
            self.applied.insert(name.to_owned());
            self.changes.push(format!("{name} applied"));
        }
        ok(json!([{"results": rows, "success": true, "meta": {"duration": 0}}]))
    }
}

fn database() -> Value {
    json!({"name": "tokenkeep", "uuid": ID, "version": "production"})
}
