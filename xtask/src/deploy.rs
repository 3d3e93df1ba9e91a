//! `cargo xtask deploy`: puts the worker on the reader's own Cloudflare account.
//!
//! Nothing has to be prepared there. The order is the same the first time and later: the database
//! and the KV namespace, the tables, then the worker, so that new code always finds what it reads and
//! writes; code that is still online meets newer tables for a moment. The secrets come last, because
//! they belong to a worker that exists.
//!
//! wrangler would make both stores by itself, and find them later by the name of the worker or of the
//! database. That is how a renamed worker gets an empty namespace, or somebody else's users. So their
//! ids are written into wrangler.toml as soon as they are known, and a database belongs to one worker.

mod account;
mod database;
mod settings;

use anyhow::{Context as _, Result};

use crate::{
    build::build,
    dev_vars::SECRETS,
    process::{run as run_program, run_interactively, step},
    project::Project,
    tools::{self, Tools},
};

use account::Bound;
use database::Contents;
use settings::{ACCOUNTS, Binding, SESSIONS, Settings};

#[derive(clap::Args)]
pub struct Arguments {
    /// Do everything but the upload; needs no Cloudflare account
    #[arg(long)]
    dry_run: bool,
    /// Take the database over from the worker that it belongs to, after a change of the worker's name
    #[arg(long)]
    take_over: bool,
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
    put_online(project, &tools, arguments.take_over)?;
    print_next_steps();
    Ok(())
}

fn put_online(project: &Project, tools: &Tools, take_over: bool) -> Result<()> {
    prepare(project, tools, take_over)
        .context("nothing was uploaded; a worker that is online stays as it is")?;
    step(
        "deploy",
        "uploading (wrangler deploy); a new account is asked for its name at workers.dev",
    );
    run_interactively(tools.wrangler().arg("deploy"), "wrangler deploy")
}

/// Looks first, then decides, and changes something only if the decision is good.
fn prepare(project: &Project, tools: &Tools, take_over: bool) -> Result<()> {
    let mut settings = Settings::read(project)?;
    let worker = settings.worker()?;
    step(
        "account",
        "looking for the worker's database and sessions on Cloudflare",
    );
    let found = find(&mut settings, tools)?;
    let contents = match &found.database {
        Some(database) => database::contents(tools, database)?,
        None => Contents::default(),
    };
    database::check(&worker, &contents, found.sessions.is_some(), take_over)?;
    let database = create_and_pin(&mut settings, tools, found)?;
    database::migrate(tools)?;
    if contents.owner.as_ref() != Some(&worker) {
        database::claim(tools, &database, &worker)?;
    }
    Ok(())
}

/// An id in wrangler.toml comes first, then a name there, then what the worker that is online has, and
/// last what is named after the worker: a deployment that failed may have made it.
fn find(settings: &mut Settings, tools: &Tools) -> Result<Bound> {
    let pinned = Bound {
        sessions: settings.id(&SESSIONS)?,
        database: settings.id(&ACCOUNTS)?,
    };
    if pinned.sessions.is_some() && pinned.database.is_some() {
        return Ok(pinned);
    }
    let mut online = account::bound(tools)?;
    if settings.names_its_database()? {
        online.database = None;
    }
    let mut found = Bound {
        sessions: pinned.sessions.or(online.sessions),
        database: pinned.database.or(online.database),
    };
    if found.database.is_none() {
        found.database = account::find_database(tools, &settings.database_name()?)?;
    }
    if found.sessions.is_none() {
        found.sessions = account::find_namespace(tools, &settings.namespace_title()?)?;
    }
    Ok(found)
}

/// Creates what is missing and writes the ids into wrangler.toml. Each one at once: a deployment that
/// fails later finds what this one has made. Returns the id of the database.
fn create_and_pin(settings: &mut Settings, tools: &Tools, found: Bound) -> Result<String> {
    let name = settings.database_name()?;
    let create = || account::create_database(tools, &name);
    let database = found.database.map_or_else(create, Ok)?;
    pin(settings, &ACCOUNTS, &database)?;
    let title = settings.namespace_title()?;
    let create = || account::create_namespace(tools, &title);
    let sessions = found.sessions.map_or_else(create, Ok)?;
    pin(settings, &SESSIONS, &sessions)?;
    Ok(database)
}

fn pin(settings: &mut Settings, binding: &Binding, id: &str) -> Result<()> {
    if settings.pin(binding, id)? {
        let line = format!("{} = \"{id}\"", binding.id_key);
        step(
            "pin",
            &format!(
                "wrote {line} under {} into wrangler.toml; commit that file",
                binding.name
            ),
        );
    }
    Ok(())
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
