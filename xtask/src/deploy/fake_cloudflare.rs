//! As much of Cloudflare's API as `wrangler deploy` and `wrangler d1` need, on this computer.
//!
//! It remembers which databases and workers there are, and notes every change in its order.

use std::{
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
    /// What was changed, in order.
    pub changes: Vec<String>,
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
    let path = request.url().split('?').next().unwrap_or_default();
    let path = path.trim_start_matches("/accounts/a1").to_owned();
    let outcome = account.answer(request.method(), &path, &String::from_utf8_lossy(&body));
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
    let _ = request.respond(Response::from_string(text.to_string()).with_status_code(status));
}

/// A result, or the status, code and message of an error.
type Outcome = Result<Value, (u16, u32, &'static str)>;

impl Account {
    fn answer(&mut self, method: &Method, path: &str, body: &str) -> Outcome {
        match (method, path) {
            (Method::Post, "/d1/database") => {
                self.has_database = true;
                self.changes.push("database made".to_owned());
            }
            (Method::Get, "/d1/database/tokenkeep") if !self.has_database => {
                return Err((404, 7404, "The database could not be found"));
            }
            (Method::Post, path) if path == format!("/d1/database/{ID}/query") => {
                return self.query(body);
            }
            (Method::Post, "/storage/kv/namespaces") => {
                self.changes.push("KV namespace made".to_owned());
            }
            (Method::Get, path) if path.contains("s/tokenkeep") && !self.has_worker => {
                return Err((404, 10007, "This Worker does not exist on your account."));
            }
            (Method::Get, path) if is_list(path) => return Ok(json!([])),
            (Method::Put, "/workers/scripts/tokenkeep")
            | (Method::Post, "/workers/scripts/tokenkeep/versions") => self.upload(body),
            _ => {}
        }
        Ok(thing())
    }

    fn upload(&mut self, body: &str) {
        let bound = if body.contains(ID) {
            "its database"
        } else {
            "what it had"
        };
        self.changes.push(format!("worker uploaded with {bound}"));
        self.has_worker = true;
    }

    /// The statements that applying migrations consists of.
    fn query(&mut self, body: &str) -> Outcome {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let sql = body["sql"].as_str().unwrap_or_default();
        if let Some((_, name)) = sql.rsplit_once("values ('") {
            if self.refuses_migrations {
                return Err((400, 7500, "no such column: SQLITE_ERROR"));
            }
            let name = name.split('\'').next().unwrap_or_default();
            self.changes.push(format!("{name} applied"));
        }
        Ok(json!([{"results": [], "success": true, "meta": {"duration": 0}}]))
    }
}

fn is_list(path: &str) -> bool {
    ["/namespaces", "/scripts", "/secrets"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// The database, the worker, its version, its address: whatever wrangler asks for.
fn thing() -> Value {
    json!({
        "id": "i1", "deployment_id": "i1", "startup_time_ms": 1,
        "name": "tokenkeep", "uuid": ID, "version": "production",
        "subdomain": "me", "enabled": true, "previews_enabled": false,
        "default_environment": {"environment": "production", "script": {"last_deployed_from": "wrangler", "tags": []}},
        "resources": {"script": {"etag": "e"}},
        "deployments": [],
        "bindings": [
            {"type": "kv_namespace", "name": "SESSIONS", "namespace_id": "i1"},
            {"type": "d1", "name": "DB", "id": ID},
        ],
    })
}
