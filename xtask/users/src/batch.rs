//! SQL for some users at once, and what the database's answer says of each.
//!
//! The users are one JSON text inside the SQL, which the database takes apart itself (`json_each`). The
//! text is made of letters, digits and a few signs that mean nothing in SQL; everything else is
//! written as `\uXXXX`. So there is nothing to quote, and nothing in an address or a name can be
//! taken for SQL, by the database or by a tool on the way that splits SQL into statements.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    ops::Range,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::user::{Reason, User};

/// Maximum size of one statement, in bytes. D1 takes 100 KB, but wrangler's time for taking SQL apart
/// grows with the square of a statement: batches of this size took 1.9 s each, where 95 KB took 3.1 s.
const STATEMENT_BYTES: usize = 25_000;

/// Bytes after which a batch is sent: some 4,000 users. Starting wrangler takes a second each time.
const BATCH_BYTES: usize = 1_000_000;

const ADD: [&str; 2] = [
    "INSERT INTO users (id, email, name, password_hash, created_at, email_verified) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 \
     FROM json_each('[",
    "]') WHERE true ON CONFLICT DO NOTHING RETURNING id;",
];

/// Who has the ids and addresses of these users now. It tells no address.
const LOOK_UP: [&str; 2] = [
    "SELECT line.key AS line, users.id = line.value ->> 0 AS same_id, \
     users.email = line.value ->> 1 AS same_email, users.signed_up AS signed_up FROM json_each('[",
    "]') AS line JOIN users ON users.id = line.value ->> 0 OR users.email = line.value ->> 1;",
];

/// Marks the accounts that [`REPLACE`] deletes as deleted, as the worker does: a row that is missing
/// without a mark is a fault.
const MARK: [&str; 2] = [
    "INSERT INTO deleted (id, at) SELECT id, unixepoch() * 1000 FROM users \
     WHERE signed_up = 1 AND email IN (SELECT value ->> 1 FROM json_each('[",
    "]')) ON CONFLICT (id) DO NOTHING RETURNING id;",
];

/// Deletes the accounts that were created by sign-up with the address of one of these users. The new
/// one gets another id, so that a session of the deleted account is never one of the user's.
const REPLACE: [&str; 2] = [
    "DELETE FROM users WHERE signed_up = 1 AND email IN \
     (SELECT value ->> 1 FROM json_each('[",
    "]')) RETURNING id;",
];

/// What became of a user.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Added,
    AlreadyThere,
    Refused(Reason),
}

/// Users on their way into the database, each with the number of its line.
#[derive(Default)]
pub struct Batch {
    users: Vec<(u64, User)>,
    finished: String,
    /// Which users each pair of statements is about.
    statements: Vec<Range<usize>>,
    /// Whether accounts that were created by sign-up give way.
    replaces_signed_up: bool,
    to_add: String,
    to_look_up: String,
}

impl Batch {
    pub fn new(replaces_signed_up: bool) -> Self {
        Self {
            replaces_signed_up,
            ..Self::default()
        }
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.finished.len() + self.to_add.len() + self.to_look_up.len() > BATCH_BYTES
    }

    pub fn add(&mut self, line: u64, user: User, created_at_ms: u64) {
        let key = format!("{},{}", json(user.id.as_str()), json(user.email.as_str()));
        let name = user.name.as_ref();
        let name = name.map_or_else(|| "null".to_owned(), |name| json(name.as_str()));
        let hash = json(user.hash.as_str());
        let verified = u8::from(user.email_verified);
        let row = format!("[{key},{name},{hash},{created_at_ms},{verified}]");
        if self.to_add.len() + row.len() + ADD.concat().len() > STATEMENT_BYTES {
            self.finish_statements();
        }
        push(&mut self.to_add, &row);
        push(&mut self.to_look_up, &format!("[{key}]"));
        self.users.push((line, user));
    }

    fn finish_statements(&mut self) {
        let start = self.statements.last().map_or(0, |users| users.end);
        if start == self.users.len() {
            return;
        }
        self.statements.push(start..self.users.len());
        if self.replaces_signed_up {
            for [before, after] in [MARK, REPLACE] {
                self.finished += before;
                self.finished += &self.to_look_up;
                self.finished += after;
            }
        }
        for ([before, after], rows) in [(ADD, &mut self.to_add), (LOOK_UP, &mut self.to_look_up)] {
            self.finished += before;
            self.finished += rows;
            self.finished += after;
            rows.clear();
        }
    }

    /// How many statements there are for the same users.
    fn statements_each(&self) -> usize {
        if self.replaces_signed_up { 4 } else { 2 }
    }

    /// Everything as SQL: pairs of statements, one that adds and one that looks up; before them, two
    /// that make room where that is wanted.
    pub fn sql(&mut self) -> &str {
        self.finish_statements();
        &self.finished
    }

    /// Reads the rows that each statement of [`Self::sql`] was answered with.
    pub fn outcomes(&self, answers: &[Vec<Value>]) -> Result<Vec<(u64, Outcome)>> {
        let each = self.statements_each();
        ensure!(
            answers.len() == each * self.statements.len(),
            "the database answered {} statements of {}",
            answers.len(),
            each * self.statements.len()
        );
        let mut outcomes = Vec::new();
        for (users, answers) in self.statements.iter().zip(answers.chunks(each)) {
            let answers = &answers[each - 2..];
            let users = &self.users[users.clone()];
            let added: HashSet<&str> = answers[0]
                .iter()
                .filter_map(|row| row["id"].as_str())
                .collect();
            let owners = owners(&answers[1])?;
            for (index, (line, user)) in users.iter().enumerate() {
                let is_added = added.contains(user.id.as_str());
                let owners = owners.get(&(index as u64)).copied().unwrap_or_default();
                outcomes.push((*line, outcome(user, is_added, owners)?));
            }
        }
        Ok(outcomes)
    }
}

fn push(rows: &mut String, row: &str) {
    if !rows.is_empty() {
        rows.push(',');
    }
    rows.push_str(row);
}

/// Whom the database knows by a line's id or address.
#[derive(Default, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a row that may be there"
)]
struct Owners {
    both: bool,
    id_only: bool,
    email_only: bool,
    /// The address belongs to an account that was created by sign-up.
    signed_up: bool,
}

fn owners(rows: &[Value]) -> Result<HashMap<u64, Owners>> {
    let mut owners: HashMap<u64, Owners> = HashMap::new();
    for row in rows {
        let line = row["line"].as_u64().context("the answer has no line")?;
        let owners = owners.entry(line).or_default();
        owners.signed_up |= row["same_email"] == 1 && row["signed_up"] == 1;
        match (row["same_id"] == 1, row["same_email"] == 1) {
            (true, true) => owners.both = true,
            (true, false) => owners.id_only = true,
            (false, _) => owners.email_only = true,
        }
    }
    Ok(owners)
}

fn outcome(user: &User, is_added: bool, owners: Owners) -> Result<Outcome> {
    const EMAIL_TAKEN: Reason =
        Reason::of_line("has the e-mail address of a user who is there already with another id");
    const ID_TAKEN: Reason =
        Reason::of_line("has the id of a user who is there already with another e-mail address");
    const SIGNED_UP: Reason = Reason::of_line(
        "has the e-mail address of somebody who has signed up with it, perhaps a stranger; \
         with --replace-signed-up the imported user gets it",
    );
    if is_added {
        return Ok(Outcome::Added);
    }
    if owners.signed_up {
        return Ok(Outcome::Refused(SIGNED_UP));
    }
    if owners.both || (owners.email_only && !user.has_own_id) {
        return Ok(Outcome::AlreadyThere);
    }
    ensure!(
        owners.email_only || owners.id_only,
        "the database neither took a user nor knows why"
    );
    Ok(Outcome::Refused(if owners.email_only {
        EMAIL_TAKEN
    } else {
        ID_TAKEN
    }))
}

/// A text as JSON, of letters, digits, `\`, quotation marks and signs without a meaning in SQL.
fn json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 16);
    json.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() || b"@._+=/,".contains(&byte) => {
                json.push(byte.into());
            }
            _ => {
                let _ = write!(json, "\\u{unit:04x}");
            }
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests;
