//! `cargo xtask users`: brings users along from another system.
//!
//! The work is done by a program of its own, `xtask/users`: it knows addresses and hashes as the
//! worker does, by the worker's own code, and compiling that before anything else would double
//! the wait of everyone who only wants to run the worker. It is told what to do by its standard
//! input, and how to reach the database by a command that takes SQL and answers with JSON.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    migrations,
    process::step,
    project::Project,
    tools::{self, DATABASE, Tools},
};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Load users with their password hashes; can be run again without harm
    Import(Import),
}

#[derive(clap::Args)]
struct Import {
    /// A user a line, as JSON: {"email","passwordHash","name"?,"id"?}, and "salt" from Firebase
    file: PathBuf,
    /// Load them into the database on Cloudflare, not the one on this computer
    #[arg(long)]
    remote: bool,
    #[command(flatten)]
    firebase: Firebase,
}

/// What Firebase's console shows under "Password hash parameters".
#[derive(clap::Args)]
#[group(id = "firebase", multiple = true)]
struct Firebase {
    /// Firebase: `base64_signer_key`
    #[arg(long = "firebase-signer-key", value_name = "BASE64")]
    #[arg(requires_all = ["salt_separator", "rounds", "mem_cost"])]
    signer_key: Option<String>,
    /// Firebase: `base64_salt_separator`
    #[arg(
        long = "firebase-salt-separator",
        value_name = "BASE64",
        requires = "signer_key"
    )]
    salt_separator: Option<String>,
    /// Firebase: `rounds`
    #[arg(
        long = "firebase-rounds",
        value_name = "NUMBER",
        requires = "signer_key"
    )]
    rounds: Option<u32>,
    /// Firebase: `mem_cost`
    #[arg(
        long = "firebase-mem-cost",
        value_name = "NUMBER",
        requires = "signer_key"
    )]
    mem_cost: Option<u32>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let Action::Import(import) = &arguments.command;
    // Asked first: a missing file is the likeliest mistake.
    File::open(&import.file).with_context(|| format!("cannot read {}", import.file.display()))?;
    let tools = tools::ensure(project)?;
    let database = database(project, &tools, import.remote)?;
    let job = job(import, &database)?;
    step(
        "users",
        "preparing; the first time the program for this is compiled, about a minute",
    );
    import_users(project, &job)
}

/// The command that executes SQL on its standard input and answers with JSON.
fn database(project: &Project, tools: &Tools, remote: bool) -> Result<Command> {
    let mut wrangler = tools.wrangler_with_sql();
    wrangler.args(["d1", "execute", DATABASE, "--json"]);
    if remote {
        wrangler.arg("--remote");
    } else {
        migrations::apply_locally(project, tools)?;
        wrangler.arg("--local");
    }
    wrangler.env("CI", "1");
    Ok(wrangler)
}

fn job(import: &Import, database: &Command) -> Result<Value> {
    let file = std::path::absolute(&import.file)?;
    let firebase = &import.firebase;
    let project = firebase.signer_key.as_ref().map(|signer_key| {
        json!({
            "signerKey": signer_key,
            "saltSeparator": firebase.salt_separator,
            "rounds": firebase.rounds,
            "memCost": firebase.mem_cost,
        })
    });
    Ok(json!({
        "file": text(&file)?,
        "firebase": project,
        "database": {
            "program": database.get_program().to_str(),
            "arguments": database.get_args().map(|argument| text(Path::new(argument)))
                .collect::<Result<Vec<_>>>()?,
            "environment": environment(database)?,
            "folder": database.get_current_dir().map(text).transpose()?,
        },
    }))
}

fn environment(command: &Command) -> Result<BTreeMap<&str, &str>> {
    command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| Ok((text(Path::new(name))?, text(Path::new(value))?)))
        .collect()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not Unicode", path.display()))
}

fn import_users(project: &Project, job: &Value) -> Result<()> {
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--package", "xtask-users"]);
    let mut child = cargo
        .stdin(Stdio::piped())
        .spawn()
        .context("cargo did not start")?;
    // Dropped at once, which closes it. If the program ended early, its status tells why.
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(job.to_string().as_bytes());
    }
    match child.wait()?.code() {
        Some(0) => Ok(()),
        Some(2) => bail!("some lines were not loaded; they are named above, with the reason"),
        _ => bail!("the import stopped; the reason is above"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Import> {
        let words = ["users", "import"]
            .into_iter()
            .chain(line.split_whitespace());
        let Action::Import(import) = Line::try_parse_from(words)?.arguments.command;
        Ok(import)
    }

    #[test]
    fn firebase_s_parameters_come_all_together_or_not_at_all() {
        let [key, separator, rounds, cost] = [
            "--firebase-signer-key=k",
            "--firebase-salt-separator=s",
            "--firebase-rounds=8",
            "--firebase-mem-cost=14",
        ];
        assert!(parse("users.jsonl").is_ok());
        assert!(parse(&format!("users.jsonl {key} {separator} {rounds} {cost}")).is_ok());
        assert!(parse(&format!("users.jsonl {key} {separator} {rounds}")).is_err());
        assert!(parse(&format!("users.jsonl {separator} {rounds} {cost}")).is_err());
        assert!(parse(&format!("users.jsonl {key}")).is_err());
    }

    #[test]
    fn the_job_tells_the_file_and_how_to_reach_the_database() {
        let mut database = Command::new("node");
        database
            .arg("cli.js")
            .env("CI", "1")
            .current_dir("/project");
        let import = parse("/tmp/users.jsonl").unwrap();
        let job = job(&import, &database).unwrap();
        assert_eq!(job["firebase"], Value::Null);
        assert!(job["file"].as_str().unwrap().ends_with("users.jsonl"));
        assert_eq!(
            job["database"],
            json!({"program": "node", "arguments": ["cli.js"], "environment": {"CI": "1"}, "folder": "/project"})
        );
    }
}
