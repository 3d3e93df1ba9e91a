//! The database of a deployment: whose it is, its tables, and whether this worker may use it.

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{run_quietly, step},
    tools::{DATABASE, Tools},
};

use super::account::query;

/// What matters of a database before it is used. One without tables has neither.
#[derive(Debug, Default)]
pub struct Contents {
    /// The worker that the database belongs to.
    pub owner: Option<String>,
    pub has_users: bool,
}

/// Asked for tables first: a database may be empty, or older than `meta`.
pub fn contents(tools: &Tools, database: &str) -> Result<Contents> {
    const TABLES: &str =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('users', 'meta')";
    let tables = query(tools, database, TABLES)?;
    if tables.is_empty() {
        return Ok(Contents::default());
    }
    let has = |table: &str| tables.iter().any(|row| row["name"] == table);
    let owner = if has("meta") {
        "(SELECT value FROM meta WHERE key = 'worker')"
    } else {
        "NULL"
    };
    let users = if has("users") {
        "EXISTS (SELECT 1 FROM users)"
    } else {
        "0"
    };
    let sql = format!("SELECT {owner} AS owner, {users} AS has_users");
    let rows = query(tools, database, &sql)?;
    let row = rows.first().context("the database answered nothing")?;
    Ok(Contents {
        owner: row["owner"].as_str().map(Into::into),
        has_users: row["has_users"].as_i64().context("not a number")? != 0,
    })
}

/// Whether the worker may use a database with these contents. Nothing has been changed yet.
pub fn check(worker: &str, contents: &Contents, has_sessions: bool, take_over: bool) -> Result<()> {
    if let Some(owner) = contents.owner.as_deref()
        && owner != worker
        && !take_over
    {
        bail!(
            "the database belongs to the worker `{owner}`, and `name` in wrangler.toml is \
             `{worker}`: two workers with one database share their users. If `{worker}` is a second \
             app, delete the lines database_id (under DB) and id (under SESSIONS), write \
             database_name = \"{worker}-db\" under DB and run the same command again. If you have \
             renamed `{owner}`, keep these lines and type `cargo xtask deploy --take-over`. \
             docs/operating.md, \"A second app\" and \"Another name\", has the steps"
        );
    }
    if contents.has_users && !has_sessions {
        bail!(
            "the database has users, but there is no KV namespace with their sessions: with a \
             new one, everybody's session is lost. Put the id of the right namespace under SESSIONS in \
             wrangler.toml, as id = \"…\" (npx wrangler kv namespace list). If the sessions are lost, \
             create an empty namespace (npx wrangler kv namespace create {worker}-sessions) and read \
             docs/operating.md, \"Lost sessions\". Then run the same command again"
        );
    }
    Ok(())
}

/// Applies the migrations that the database has not seen.
pub fn migrate(tools: &Tools) -> Result<()> {
    step(
        "database",
        "bringing its tables up to date, by the files in migrations/ (wrangler d1 migrations apply --remote)",
    );
    let mut migrate = tools.wrangler();
    migrate.args(["d1", "migrations", "apply", DATABASE, "--remote"]);
    // Or it would ask for a yes.
    migrate.env("CI", "1");
    run_quietly(&mut migrate, "wrangler d1 migrations apply")
        .context("the tables of the database could not be brought up to date")
}

/// Writes down that the database belongs to this worker from now on.
pub fn claim(tools: &Tools, database: &str, worker: &str) -> Result<()> {
    step("database", &format!("noting that it belongs to `{worker}`"));
    let sql = format!(
        "INSERT INTO meta (key, value) VALUES ('worker', '{}') \
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        worker.replace('\'', "''")
    );
    query(tools, database, &sql).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_used_by_its_owner_and_with_the_sessions_of_its_users() {
        let contents = |owner: Option<&str>, has_users| Contents {
            owner: owner.map(Into::into),
            has_users,
        };
        let is_good = |contents: &Contents, has_sessions, take_over| {
            check("shop", contents, has_sessions, take_over).is_ok()
        };
        for (owner, needs_take_over) in [(None, false), (Some("shop"), false), (Some("x"), true)] {
            for take_over in [false, true] {
                let may_use = take_over || !needs_take_over;
                assert_eq!(is_good(&contents(owner, false), false, take_over), may_use);
                assert_eq!(is_good(&contents(owner, true), true, take_over), may_use);
                assert!(!is_good(&contents(owner, true), false, take_over));
            }
        }
    }
}
