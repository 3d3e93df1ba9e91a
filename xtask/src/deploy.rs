//! `cargo xtask deploy`: puts the worker on the reader's own Cloudflare account.
//!
//! Nothing has to be prepared there. The order is the same the first time and later: the
//! database, its tables, then the worker, so that new code always finds what it reads and writes;
//! code that is still online meets newer tables for a moment. wrangler would make the database at
//! the first upload, but too late for its tables; it makes the KV namespace. The secrets come
//! last, because they belong to a worker that exists.

use anyhow::{Context as _, Result};

use crate::{
    build::build,
    dev_vars::SECRETS,
    process::{run as run_program, run_interactively, step},
    project::Project,
    remote_database::RemoteDatabase,
    tools::{self, Tools},
};

#[derive(clap::Args)]
pub struct Arguments {
    /// Do everything but the upload; needs no account
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
    RemoteDatabase::find_or_create(project, tools)
        .and_then(|database| database.migrate())
        .context("nothing was uploaded; a worker that is online stays as it is")?;
    step(
        "deploy",
        "uploading (wrangler deploy); a new account is asked for its name at workers.dev",
    );
    run_interactively(tools.wrangler().arg("deploy"), "wrangler deploy")
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
