//! The tables of accounts, which the worker creates and upgrades itself: `migrations/` is compiled
//! in.
//!
//! A statement that fails for want of a table or a column ([`wants_tables`]) starts an [`upgrade`],
//! and is made again. While the tables are there, this costs nothing.
//!
//! * **All or nothing.** The missing migrations, and the records that they were applied, are one
//!   transaction. Of several that start at once, one succeeds; the others fail at its record.
//! * **The same records as wrangler's**, in `d1_migrations`: `wrangler d1 migrations apply` and the
//!   worker find nothing to do after each other.
//! * **What was done without a record** (SQL typed by hand, a copy without `d1_migrations`) is not
//!   done again: a statement that fails because its table, index or column is there is left out.
//! * **Another program's tables stay as they are.** The transaction ends with [`EVERY_COLUMN`],
//!   which fails unless everything is there that should be.
//! * Records of newer migrations are ignored: an older worker works on newer tables.

use crate::port::Fault;

/// A file of `migrations/`.
#[derive(Debug)]
pub struct Migration {
    /// As `d1_migrations` records it.
    pub name: &'static str,
    /// Its content.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        [$(Migration { name: $name, sql: include_str!(concat!("../../migrations/", $name)) }),*]
    };
}

/// All of them, in their order.
pub const MIGRATIONS: [Migration; 6] = migrations![
    "0001_users.sql",
    "0002_deleted.sql",
    "0003_sign_ups.sql",
    "0004_meta.sql",
    "0005_email_verified.sql",
    "0006_moved.sql",
];

/// As wrangler 4.164 creates it.
const RECORDS: &str = "CREATE TABLE IF NOT EXISTS d1_migrations (\
    id INTEGER PRIMARY KEY AUTOINCREMENT, \
    name TEXT UNIQUE, \
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";

/// The migrations that were applied; there is no such table before the first one.
pub const APPLIED: &str = "SELECT name FROM d1_migrations WHERE name IS NOT NULL";

/// Names every column of every table, and reads no more than an index: no user has this id.
pub const EVERY_COLUMN: &str = "SELECT u.id, u.email, u.name, u.password_hash, u.created_at, \
    u.signed_up, u.email_verified, u.moved_at, d.id, d.at, s.hour, s.count, m.key, m.value \
    FROM users u LEFT JOIN deleted d ON d.id = u.id \
    LEFT JOIN sign_ups s ON s.hour = 0 LEFT JOIN meta m ON m.key = '' WHERE u.id = ''";

/// A database that may lack tables.
pub trait Database {
    /// The rows of [`APPLIED`].
    ///
    /// # Errors
    /// What the database said.
    async fn applied(&self) -> Result<Vec<String>, String>;

    /// Executes all of the statements or, where one fails, none.
    ///
    /// # Errors
    /// What the database said.
    async fn execute(&self, statements: &[String]) -> Result<(), String>;
}

/// Whether this error of a statement says that a table or a column is missing.
#[must_use]
pub fn wants_tables(error: &str) -> bool {
    let wants = [
        "no such table: ",
        "no such column: ",
        " has no column named ",
    ];
    wants.iter().any(|words| error.contains(words))
}

/// Applies the migrations that the database lacks. There may be none: somebody else may have done it
/// since the statement failed.
///
/// # Errors
/// [`Fault::NoTables`]: it does not take them, or has another program's tables.
/// [`Fault::Failed`]: it cannot be asked.
pub async fn upgrade(database: &impl Database) -> Result<(), Fault> {
    let applied = match database.applied().await {
        Ok(applied) => applied,
        Err(error) if wants_tables(&error) => Vec::new(),
        Err(_) => return Err(Fault::Failed),
    };
    let Some(mut statements) = statements_after(&applied) else {
        return Ok(());
    };
    while let Err(error) = database.execute(&statements).await {
        if error.contains("UNIQUE constraint failed: d1_migrations.name") {
            // Somebody else has just done it.
            break;
        }
        let is_repeated = |sql: &String| repeated(sql).is_some_and(|words| error.contains(&words));
        let done_before = statements.iter().position(is_repeated);
        statements.remove(done_before.ok_or(Fault::NoTables)?);
    }
    Ok(())
}

/// The transaction of an upgrade, if there is anything to do.
fn statements_after(applied: &[String]) -> Option<Vec<String>> {
    let is_missing = |migration: &&Migration| applied.iter().all(|name| name != migration.name);
    let mut statements = vec![RECORDS.to_owned()];
    for Migration { name, sql } in MIGRATIONS.iter().filter(is_missing) {
        statements.push(format!(
            "INSERT INTO d1_migrations (name) VALUES ('{name}')"
        ));
        statements.extend(split(sql));
    }
    statements.push(EVERY_COLUMN.to_owned());
    (statements.len() > 2).then_some(statements)
}

/// A file's statements. Each ends with a semicolon at the end of a line.
fn split(sql: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    for line in sql.lines() {
        let statement = statements.last_mut().expect("there is always one");
        *statement += line;
        *statement += "\n";
        if code(line).ends_with(';') {
            statements.push(String::new());
        }
    }
    statements.pop();
    statements
}

/// A line without its comment.
fn code(line: &str) -> &str {
    let code = line.split_once("--").map_or(line, |(code, _)| code);
    code.trim_end()
}

/// How `SQLite` says that what this statement makes is there.
fn repeated(statement: &str) -> Option<String> {
    let words: Vec<&str> = statement
        .lines()
        .flat_map(|line| code(line).split_whitespace())
        .collect();
    match words[..] {
        ["CREATE", "TABLE", name, ..] => Some(format!("table {name} already exists")),
        ["CREATE", "INDEX", name, ..] => Some(format!("index {name} already exists")),
        ["ALTER", "TABLE", _, "ADD", "COLUMN", name, ..] => {
            Some(format!("duplicate column name: {name}"))
        }
        _ => None,
    }
}

// What an upgrade does to a real database is in `tests/native/migrations.rs`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_ends_with_a_whole_statement() {
        for Migration { name, sql } in &MIGRATIONS {
            let last = sql.lines().rfind(|line| !code(line).is_empty());
            assert!(last.is_some_and(|line| code(line).ends_with(';')), "{name}");
        }
    }

    #[test]
    fn every_statement_is_told_apart_when_it_was_done_before() {
        let all: Vec<String> = MIGRATIONS.iter().flat_map(|file| split(file.sql)).collect();
        let words: Vec<_> = all.iter().map(|sql| repeated(sql).expect(sql)).collect();
        for (index, one) in words.iter().enumerate() {
            let is_part = |other: &String| other.contains(one.as_str());
            assert_eq!(words.iter().position(is_part), Some(index), "{one}");
            assert_eq!(words.iter().filter(|other| is_part(other)).count(), 1);
        }
    }
}
