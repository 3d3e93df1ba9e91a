//! `cargo xtask deploy`: puts the worker on the reader's own Cloudflare account.
//!
//! Nothing has to be prepared there. The order is the same the first time and later: the
//! database, its tables, then the worker, so that new code always finds what it reads and writes;
//! code that is still online meets newer tables for a moment. wrangler would make the database at
//! the first upload, but too late for its tables; it makes the KV namespace. The secrets come
//! last, because they belong to a worker that exists.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::{
    build::build,
    dev_vars::SECRETS,
    process::{output, run as run_program, run_interactively, run_quietly, show, step},
    project::Project,
    tools::{self, DATABASE, Tools},
};

#[derive(clap::Args)]
pub struct Arguments {
    /// Do everything but the upload; needs no Cloudflare account
    #[arg(long)]
    dry_run: bool,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    if arguments.dry_run {
        step(
            "deploy",
            "trying the upload without uploading (wrangler deploy --dry-run)",
        );
        let mut wrangler = tools.wrangler();
        wrangler.args(["deploy", "--dry-run"]);
        return run_program(&mut wrangler, "wrangler deploy --dry-run");
    }
    put_online(project, &tools)?;
    print_next_steps();
    Ok(())
}

fn put_online(project: &Project, tools: &Tools) -> Result<()> {
    let path = project.path("wrangler.toml");
    let settings = fs::read_to_string(path).context("wrangler.toml cannot be read")?;
    check_database_name(&settings).context("nothing was uploaded")?;
    prepare_database(tools)
        .context("nothing was uploaded; a worker that is online stays as it is")?;
    step(
        "deploy",
        "uploading (wrangler deploy); a new account is asked for its name at workers.dev",
    );
    run_interactively(tools.wrangler().arg("deploy"), "wrangler deploy")
}

/// Stops a renamed worker before it takes the database of another. wrangler finds a database without
/// an id by its name alone, so two workers of one Cloudflare account would share their users.
fn check_database_name(settings: &str) -> Result<()> {
    let settings: toml::Table = settings.parse().context("wrangler.toml is not valid")?;
    let worker = settings.get("name").and_then(toml::Value::as_str);
    let worker = worker.context("`name` is missing from wrangler.toml")?;
    let databases = settings.get("d1_databases").and_then(toml::Value::as_array);
    for database in databases.into_iter().flatten() {
        let text = |key| database.get(key).and_then(toml::Value::as_str);
        if let (None, Some(name)) = (text("database_id"), text("database_name"))
            && name != worker
        {
            bail!(
                "wrangler.toml names the worker `{worker}` and its database `{name}`, which may be \
                 another worker's. For a database of its own, set database_name = \"{worker}\". To \
                 use `{name}` on purpose, because you have renamed the worker, put its database_id \
                 beside database_name (npx wrangler d1 list), and the id of the KV namespace beside \
                 SESSIONS (npx wrangler kv namespace list), or all sessions are missing"
            );
        }
    }
    Ok(())
}

/// Applies the migrations that the database on Cloudflare has not seen; creates it where there is none.
fn prepare_database(tools: &Tools) -> Result<()> {
    step(
        "database",
        "bringing its tables up to date, by the files in migrations/ (wrangler d1 migrations apply --remote)",
    );
    let mut migrate = tools.wrangler();
    migrate.args(["d1", "migrations", "apply", DATABASE, "--remote"]);
    // Or it would ask for a yes.
    migrate.env("CI", "1");
    let outcome = output(&mut migrate, "wrangler d1 migrations apply")?;
    if outcome.status.success() {
        return Ok(());
    }
    let Some(name) = missing_database(&String::from_utf8_lossy(&outcome.stderr)) else {
        show(&outcome);
        bail!(
            "the tables of the database could not be brought up to date; the message is above. If \
             you are not logged in, type `npx wrangler login`; if you have several accounts, name \
             the one to use as account_id in wrangler.toml; then run the same command again"
        )
    };
    step(
        "database",
        &format!("creating the D1 database `{name}` on Cloudflare (wrangler d1 create)"),
    );
    run_quietly(
        tools.wrangler().args(["d1", "create", &name]),
        "wrangler d1 create",
    )?;
    run_quietly(&mut migrate, "wrangler d1 migrations apply")
}

/// The database that wrangler did not find. Its message says how to create it.
fn missing_database(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Run 'wrangler d1 create ")?;
    Some(rest.split_once('\'')?.0.to_owned())
}

fn print_next_steps() {
    println!(
        "\nDeployed. The first time, give the worker its secrets; later ones keep them. For each, open\n\
         https://<the address above>/generate_jwt_secret once and paste the `secret` shown there:\n"
    );
    for name in SECRETS {
        println!("  npx wrangler secret put {name}");
    }
    println!("\nThen open the address above. The page there names whatever is still missing.");
}

#[cfg(all(test, unix))]
mod fake_cloudflare;
#[cfg(all(test, unix))]
mod tests;
