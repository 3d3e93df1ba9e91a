//! Imports users from another system into the database, for `cargo xtask users import`.
//!
//! It reads a file with one user per line, checks each by the worker's own rules, and hands the valid
//! ones to the database in batches. A bad line is reported by its number and the reason, never by
//! what stands in it: that is somebody's address or password hash.
//!
//! xtask starts it and writes the [`Job`] to its standard input. It ends with status 0 when every
//! line was added or known, 2 when some were not, 1 when it had to stop.

mod batch;
mod database;
mod import;
mod progress;
mod user;

use std::{
    fs::File,
    io::{self, BufReader},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::{import::import, progress::Progress, user::Firebase};

/// What is to be done.
#[derive(Deserialize)]
struct Job {
    file: PathBuf,
    firebase: Option<Firebase>,
    /// Whether an imported user gets an address that somebody has signed up with.
    replace_signed_up: bool,
    /// A program that takes SQL, and its arguments.
    database: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether nothing was wrong with any line.
fn run() -> Result<bool> {
    let job: Job = serde_json::from_reader(io::stdin().lock())
        .context("this program is started by `cargo xtask users import`")?;
    if let Some(firebase) = &job.firebase {
        firebase.check()?;
    }
    let cannot_read = || format!("cannot read {}", job.file.display());
    let file = File::open(&job.file).with_context(cannot_read)?;
    let bytes = file.metadata().with_context(cannot_read)?.len();
    let mut progress = Progress::new(bytes);
    let outcome = import(
        BufReader::new(progress.follow(file)),
        job.firebase.as_ref(),
        job.replace_signed_up,
        &mut |sql| database::execute(&job.database, sql),
        &mut progress,
    );
    progress.finish();
    outcome?;
    Ok(progress.bad_lines == 0)
}
