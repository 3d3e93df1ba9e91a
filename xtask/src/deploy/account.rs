//! What is on the reader's Cloudflare account. wrangler knows the account, so wrangler is asked.

use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    process::{output, run_quietly, show, step},
    tools::Tools,
};

use super::settings::{ACCOUNTS, SESSIONS};

/// The ids of the namespace and the database that a worker has.
#[derive(Default)]
pub struct Bound {
    pub sessions: Option<String>,
    pub database: Option<String>,
}

/// What the worker of `wrangler.toml` that is online is bound to; nothing, if it is not.
///
/// Any other failure is an error: a worker that could not be looked up may have sessions.
pub fn bound(tools: &Tools) -> Result<Bound> {
    let status = output(
        &mut wrangler(tools, &["deployments", "status", "--json"]),
        "wrangler deployments status",
    )?;
    if !status.status.success() && is_not_online(&status) {
        return Ok(Bound::default());
    }
    let deployment = json_of(&successful(status)?)?;
    let version = deployment["versions"][0]["version_id"].as_str();
    let version = version.context("the deployment has no version")?;
    let version = ask(tools, &["versions", "view", version, "--json"])?;
    Ok(bindings(&version))
}

/// The worker does not exist, or exists without code, as after `wrangler secret put`.
fn is_not_online(output: &Output) -> bool {
    const SIGNS: [&str; 3] = ["[code: 10007]", "[code: 10090]", "has no deployments"];
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    SIGNS
        .iter()
        .any(|sign| stdout.contains(sign) || stderr.contains(sign))
}

fn bindings(version: &Value) -> Bound {
    let all = version["resources"]["bindings"].as_array();
    let id = |name: &str, keys: [&str; 2]| {
        let own = all?.iter().find(|binding| binding["name"] == name)?;
        keys.iter()
            .find_map(|&key| own[key].as_str())
            .map(Into::into)
    };
    Bound {
        sessions: id(SESSIONS.name, ["namespace_id", "id"]),
        database: id(ACCOUNTS.name, ["database_id", "id"]),
    }
}

/// The id of the database with this name.
pub fn find_database(tools: &Tools, name: &str) -> Result<Option<String>> {
    let databases = ask(tools, &["d1", "list", "--json"])?;
    Ok(find(&databases, ("name", name), "uuid"))
}

/// The id of the KV namespace with this title.
pub fn find_namespace(tools: &Tools, title: &str) -> Result<Option<String>> {
    let namespaces = ask(tools, &["kv", "namespace", "list"])?;
    Ok(find(&namespaces, ("title", title), "id"))
}

fn find(list: &Value, (key, text): (&str, &str), id: &str) -> Option<String> {
    let found = list.as_array()?.iter().find(|item| item[key] == text)?;
    found[id].as_str().map(Into::into)
}

pub fn create_database(tools: &Tools, name: &str) -> Result<String> {
    step(
        "database",
        &format!("creating the D1 database `{name}` on Cloudflare"),
    );
    create(tools, &["d1", "create", name])?;
    find_database(tools, name)?.context(NOT_LISTED)
}

pub fn create_namespace(tools: &Tools, title: &str) -> Result<String> {
    step(
        "sessions",
        &format!("creating the KV namespace `{title}` on Cloudflare"),
    );
    create(tools, &["kv", "namespace", "create", title])?;
    find_namespace(tools, title)?.context(NOT_LISTED)
}

const NOT_LISTED: &str =
    "Cloudflare does not list what was just created; wait a minute and run the same command again";

fn create(tools: &Tools, arguments: &[&str]) -> Result<()> {
    run_quietly(
        &mut wrangler(tools, arguments),
        &format!("wrangler {}", arguments.join(" ")),
    )
}

/// Executes one statement in the database of this id, and returns its rows.
pub fn query(tools: &Tools, database: &str, sql: &str) -> Result<Vec<Value>> {
    let arguments = [
        "d1",
        "execute",
        database,
        "--remote",
        "--json",
        "--command",
        sql,
    ];
    let answer = ask(tools, &arguments)?;
    let rows = answer[0]["results"].as_array();
    Ok(rows.context("the database's answer has no rows")?.clone())
}

fn ask(tools: &Tools, arguments: &[&str]) -> Result<Value> {
    json_of(&successful(output(
        &mut wrangler(tools, arguments),
        "wrangler",
    )?)?)
}

fn wrangler(tools: &Tools, arguments: &[&str]) -> Command {
    let mut wrangler = tools.wrangler();
    wrangler.args(arguments);
    // Or it may ask a question.
    wrangler.env("CI", "1");
    wrangler
}

fn successful(output: Output) -> Result<Output> {
    if !output.status.success() {
        show(&output);
        bail!(
            "Cloudflare did not answer as expected; the message is above. If you are not logged in, \
             type `npx wrangler login`; if you have several accounts, name the one to use as \
             account_id in wrangler.toml; if an id in wrangler.toml is of another account or no \
             longer exists, delete its line; then run the same command again"
        );
    }
    Ok(output)
}

/// Notes may stand around the JSON.
fn json_of(output: &Output) -> Result<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let starts = text.match_indices(['[', '{']).map(|(start, _)| start);
    let mut starts = starts.filter(|&start| start == 0 || text[..start].ends_with('\n'));
    starts
        .find_map(|start| {
            let values = serde_json::Deserializer::from_str(&text[start..]);
            values.into_iter().next()?.ok()
        })
        .context("wrangler's answer is not JSON")
}
