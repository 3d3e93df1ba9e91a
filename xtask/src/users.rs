//! `cargo xtask users`: imports users from another system.
//!
//! The work is done by a program of its own, `xtask/users`: it knows addresses and hashes as the
//! worker does, by the worker's own code, and compiling that before anything else would double
//! the wait of everyone who only wants to run the worker. On its standard input it reads what to do,
//! and the command that takes SQL and answers with JSON.

use std::{
    fs::File,
    path::{PathBuf, absolute},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::{
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
    /// Import users with their password hashes; running it again does no harm
    Import(Import),
}

#[derive(clap::Args)]
struct Import {
    /// One user per line, as JSON: {"email","passwordHash","name"?,"id"?,"emailVerified"?}, and "salt" from Firebase
    file: PathBuf,
    /// Into the database on Cloudflare, not the one on this computer
    #[arg(long)]
    remote: bool,
    /// Give an imported user the address that somebody has signed up with: that account is deleted
    #[arg(long)]
    replace_signed_up: bool,
    #[command(flatten)]
    firebase: Firebase,
}

/// What Firebase's console shows under "Password hash parameters".
#[derive(clap::Args, Serialize)]
#[serde(rename_all = "camelCase")]
#[group(id = "firebase", multiple = true)]
struct Firebase {
    /// `base64_signer_key` in Firebase's console
    #[arg(long = "firebase-signer-key", value_name = "BASE64")]
    #[arg(requires_all = ["salt_separator", "rounds", "mem_cost"])]
    signer_key: Option<String>,
    /// `base64_salt_separator` in Firebase's console
    #[arg(long = "firebase-salt-separator", value_name = "BASE64")]
    #[arg(requires = "signer_key")]
    salt_separator: Option<String>,
    /// `rounds` in Firebase's console
    #[arg(long = "firebase-rounds", value_name = "NUMBER")]
    #[arg(requires = "signer_key")]
    rounds: Option<u32>,
    /// `mem_cost` in Firebase's console
    #[arg(long = "firebase-mem-cost", value_name = "NUMBER")]
    #[arg(requires = "signer_key")]
    mem_cost: Option<u32>,
}

/// What the program is to do.
#[derive(Serialize)]
struct Job<'a> {
    file: PathBuf,
    firebase: Option<&'a Firebase>,
    replace_signed_up: bool,
    /// A program and its arguments.
    database: Vec<String>,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let Action::Import(import) = &arguments.command;
    // Asked first: a missing file is the likeliest mistake.
    File::open(&import.file).with_context(|| format!("cannot read {}", import.file.display()))?;
    let tools = tools::ensure(project)?;
    if !import.remote {
        tools.migrate_local_database()?;
    }
    let wrangler = wrangler(&tools, import.remote);
    let words = std::iter::once(wrangler.get_program()).chain(wrangler.get_args());
    let words = words.map(|word| Some(word.to_str()?.to_owned()));
    let job = Job {
        file: absolute(&import.file)?,
        firebase: import
            .firebase
            .signer_key
            .is_some()
            .then_some(&import.firebase),
        replace_signed_up: import.replace_signed_up,
        database: words
            .collect::<Option<_>>()
            .context("the name of the project's folder is not Unicode")?,
    };
    step(
        "users",
        "preparing; the first time the program for this is compiled, about a minute",
    );
    let mut cargo = project.cargo();
    cargo.args(["run", "--quiet", "--package", "xtask-users"]);
    // The program starts wrangler in the same surroundings.
    let variables = wrangler.get_envs();
    cargo.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    hand_over_job(&mut cargo, &job)
}

/// Executes SQL from its standard input and answers with JSON.
fn wrangler(tools: &Tools, remote: bool) -> Command {
    let mut wrangler = tools.wrangler_with_sql();
    let place = if remote { "--remote" } else { "--local" };
    wrangler.args(["d1", "execute", DATABASE, "--json", place]);
    wrangler.env("CI", "1");
    wrangler
}

fn hand_over_job(program: &mut Command, job: &Job) -> Result<()> {
    let mut child = program
        .stdin(Stdio::piped())
        .spawn()
        .context("cargo did not start")?;
    // Closed at once. If the program ended early, its status says why.
    if let Some(input) = child.stdin.take() {
        let _ = serde_json::to_writer(input, job);
    }
    match child.wait()?.code() {
        Some(0) => Ok(()),
        Some(2) => bail!("some lines were not imported; they are listed above, with the reason"),
        _ => bail!("the import stopped; the reason is above"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        _arguments: Arguments,
    }

    #[test]
    fn firebase_s_parameters_come_all_together_or_not_at_all() {
        let [key, separator, rounds, cost] = [
            "--firebase-signer-key=k",
            "--firebase-salt-separator=s",
            "--firebase-rounds=8",
            "--firebase-mem-cost=14",
        ];
        let is_valid = |options: &[&str]| {
            let words = ["users", "import", "users.jsonl"].iter().chain(options);
            Line::try_parse_from(words).is_ok()
        };
        assert!(is_valid(&[]));
        assert!(is_valid(&[key, separator, rounds, cost]));
        assert!(!is_valid(&[key, separator, rounds]));
        assert!(!is_valid(&[separator, rounds, cost]));
        assert!(!is_valid(&[key]));
    }
}
