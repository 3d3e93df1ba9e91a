//! `cargo xtask dev`, `deploy` and `secret`: what the npm package's own command does, `npm/`, after
//! everything is installed and built.

use anyhow::Result;

use crate::{build::build, process::hand_over, project::Project, tools};

#[derive(clap::Args)]
pub struct Dev {
    /// The port of this computer on which the worker answers
    #[arg(long, default_value_t = 8787, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

#[derive(clap::Args)]
pub struct Deploy {
    /// Do everything but the upload; needs no Cloudflare account
    #[arg(long)]
    dry_run: bool,
    /// Take the database over from the worker that it belongs to, after a change of the worker's name
    #[arg(long)]
    take_over: bool,
}

#[derive(clap::Args)]
pub struct Secret {
    /// Such as `access_token_secret`
    name: String,
    /// Replace a secret even if that logs everyone out
    #[arg(long)]
    yes: bool,
}

pub fn dev(project: &Project, arguments: &Dev) -> Result<()> {
    build(project, &tools::ensure(project)?)?;
    let port = arguments.port.to_string();
    command(project, &["dev", "--port", &port])
}

pub fn deploy(project: &Project, arguments: &Deploy) -> Result<()> {
    build(project, &tools::ensure(project)?)?;
    let mut words = vec!["deploy"];
    words.extend(arguments.dry_run.then_some("--dry-run"));
    words.extend(arguments.take_over.then_some("--take-over"));
    command(project, &words)
}

pub fn secret(project: &Project, arguments: &Secret) -> Result<()> {
    tools::ensure(project)?;
    let mut words = vec!["secret"];
    words.extend(arguments.yes.then_some("--yes"));
    words.extend(["--", &arguments.name]);
    command(project, &words)
}

fn command(project: &Project, words: &[&str]) -> Result<()> {
    let mut node = project.command("node");
    node.arg("npm/bin/tokenkeep.mjs").args(words);
    // What its messages call it.
    node.env("TOKENKEEP_COMMAND", "cargo xtask");
    hand_over(&mut node, "npm/bin/tokenkeep.mjs")
}
