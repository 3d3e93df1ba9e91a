//! From lines to users in the database.

use std::{
    collections::{HashMap, hash_map::Entry},
    io::BufRead,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    batch::{Batch, Outcome},
    progress::Progress,
    user::{Firebase, User},
};

/// Executes SQL and returns the rows of each statement.
pub type Execute<'a> = dyn FnMut(&str) -> Result<Vec<Vec<Value>>> + 'a;

/// Imports every valid line, and reports to `progress` what becomes of each.
///
/// Fails when the file or the database does, with everything before it imported.
pub fn import(
    file: impl BufRead,
    firebase: Option<&Firebase>,
    replace_signed_up: bool,
    execute: &mut Execute<'_>,
    progress: &mut Progress,
) -> Result<()> {
    let created_at_ms = now_ms()?;
    let mut seen = Seen::default();
    let mut batch = Batch::new(replace_signed_up);
    for (number, line) in (1..).zip(file.split(b'\n')) {
        let line = line.context("the file cannot be read to its end")?;
        match read(number, &line, firebase, &mut seen) {
            None => {}
            Some(Err(reason)) => progress.refused(number, &reason),
            Some(Ok(user)) => batch.add(number, user, created_at_ms),
        }
        if batch.is_full() {
            let full = std::mem::replace(&mut batch, Batch::new(replace_signed_up));
            send(full, execute, progress)?;
        }
    }
    send(batch, execute, progress)
}

fn now_ms() -> Result<u64> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since_1970.as_millis())?)
}

/// `None` for a line with nothing on it.
fn read(
    number: u64,
    bytes: &[u8],
    firebase: Option<&Firebase>,
    seen: &mut Seen,
) -> Option<Result<User, String>> {
    let Ok(text) = str::from_utf8(bytes) else {
        return Some(Err("is not UTF-8 text".to_owned()));
    };
    // Some programs put a mark at a file's start.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return None;
    }
    let user = User::parse(text, firebase).map_err(|reason| reason.to_string());
    Some(user.and_then(|user| seen.check(number, &user).map(|()| user)))
}

/// The good lines so far, by address and by the id that they named.
#[derive(Default)]
struct Seen {
    emails: HashMap<String, u64>,
    ids: HashMap<String, u64>,
}

impl Seen {
    /// Notes the user; fails when an earlier line has the same address or id.
    fn check(&mut self, line: u64, user: &User) -> Result<(), String> {
        let email = self.emails.entry(user.email.as_str().to_owned());
        let id = user
            .has_own_id
            .then(|| self.ids.entry(user.id.as_str().to_owned()));
        match (email, id) {
            (Entry::Occupied(first), _) => Err(format!(
                "has the same e-mail address as line {}",
                first.get()
            )),
            (_, Some(Entry::Occupied(first))) => {
                Err(format!("has the same id as line {}", first.get()))
            }
            (email, id) => {
                email.or_insert(line);
                id.map(|id| id.or_insert(line));
                Ok(())
            }
        }
    }
}

fn send(mut batch: Batch, execute: &mut Execute<'_>, progress: &mut Progress) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let answers = execute(batch.sql()).with_context(|| {
        format!(
            "{}; run the same command again when that is fixed; it does no harm",
            progress.summary()
        )
    })?;
    for (line, outcome) in batch.outcomes(&answers)? {
        match outcome {
            Outcome::Added => progress.added += 1,
            Outcome::AlreadyThere => progress.already_there += 1,
            Outcome::Refused(reason) => progress.refused(line, &reason.to_string()),
        }
    }
    progress.imported();
    Ok(())
}

#[cfg(test)]
mod tests;
