//! The table of accounts in D1. Every value is bound: nothing that a client sends becomes SQL.
//!
//! A statement that finds no table has it created: see [`crate::account::migration`].

use serde::{Deserialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result, Env, Error};

use crate::{
    account::{
        Account, Name,
        email::Email,
        migration::{APPLIED, Database, EVERY_COLUMN, upgrade, wants_tables},
        password::PasswordHash,
        port::Accounts,
    },
    cloudflare::fault,
    port::Fault,
    token::{
        id::UserId,
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

/// A D1 database. Its tables are made when a statement needs them.
pub struct D1Accounts(D1Database);

impl D1Accounts {
    /// The database of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, name: &'static str) -> Result<Self, Fault> {
        env.d1(name).map(Self).map_err(|_| Fault::NotBound(name))
    }

    fn statement(&self, sql: &str, values: &[JsValue]) -> Result<D1PreparedStatement, Fault> {
        self.0.prepare(sql).bind(values).map_err(fault)
    }

    async fn find<T: DeserializeOwned>(&self, sql: &str, value: &str) -> Result<Option<T>, Fault> {
        let result = self.query(sql, &[value.into()]).await?;
        Ok(result.results().map_err(fault)?.into_iter().next())
    }

    /// Whether a row was changed.
    async fn run(&self, sql: &str, values: &[JsValue]) -> Result<bool, Fault> {
        let result = self.query(sql, values).await?;
        let changes = result.meta().map_err(fault)?.and_then(|meta| meta.changes);
        Ok(changes.ok_or(Fault::Unreadable)? > 0)
    }

    /// `all` is `run` with rows, and one path for every statement makes a smaller bundle.
    async fn query(&self, sql: &str, values: &[JsValue]) -> Result<D1Result, Fault> {
        let statement = self.statement(sql, values)?;
        self.with_tables(async || statement.all().await).await
    }

    /// Makes a call; once more after an upgrade if it fails for want of a table or a column.
    async fn with_tables<T>(&self, call: impl AsyncFn() -> worker::Result<T>) -> Result<T, Fault> {
        let mut is_upgraded = false;
        loop {
            match call().await {
                Err(error) if wants_tables(&message(&error)) => {
                    if is_upgraded {
                        return Err(Fault::NoTables);
                    }
                    upgrade(self).await?;
                    is_upgraded = true;
                }
                done => return done.map_err(fault),
            }
        }
    }
}

impl Database for D1Accounts {
    async fn applied(&self) -> Result<Vec<String>, String> {
        let found = self.0.prepare(APPLIED).all().await;
        let rows = found.and_then(|found| found.results::<Record>());
        let names = rows.map(|rows| rows.into_iter().map(|Record { name }| name).collect());
        names.map_err(|error| message(&error))
    }

    /// A batch is one transaction.
    async fn execute(&self, statements: &[String]) -> Result<(), String> {
        let statements = statements.iter().map(|sql| self.0.prepare(sql));
        let done = self.0.batch(statements.collect()).await;
        done.map(|_| ()).map_err(|error| message(&error))
    }
}

/// A row of [`APPLIED`].
#[derive(Deserialize)]
struct Record {
    name: String,
}

/// What D1 said. It is looked at and goes nowhere: it may repeat a value.
fn message(error: &Error) -> String {
    match error {
        Error::D1(error) => error.cause(),
        Error::UnknownJsError { message, .. } => message.clone(),
        _ => String::new(),
    }
}

/// Without the password's hash: a hash that cannot be read closes the login and nothing else.
const BY_ID: &str =
    "SELECT id, email, name, created_at, email_verified, moved_at FROM users WHERE id = ?1";

impl Accounts for D1Accounts {
    async fn check(&self) -> Result<(), Fault> {
        self.query(EVERY_COLUMN, &[]).await.map(|_| ())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        const SQL: &str = "SELECT id, email, name, password_hash, created_at, email_verified, moved_at \
            FROM users WHERE email = ?1";
        let row: Option<Row> = self.find(SQL, email.as_str()).await?;
        let Some(mut row) = row else {
            return Ok(None);
        };
        let hash = row.password_hash.take().ok_or(Fault::Unreadable)?;
        Ok(Some((row.into(), hash)))
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let row: Option<Row> = self.find(BY_ID, id.as_str()).await?;
        Ok(row.map(Row::into))
    }

    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        const SQL: &str = "INSERT INTO users \
            (id, email, name, password_hash, created_at, signed_up, email_verified) \
            VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) ON CONFLICT (email) DO NOTHING";
        let values = [
            account.id.as_str().into(),
            account.email.as_str().into(),
            text_or_null(account.name.as_ref()),
            hash.as_str().into(),
            number(account.created_at),
            f64::from(account.email_verified).into(),
        ];
        self.run(SQL, &values).await
    }

    /// The hours before are deleted: the table has one row.
    #[expect(clippy::cast_precision_loss, reason = "both stay far below 2^53")]
    async fn count_sign_up(&self, hour: u64, limit: u64) -> Result<bool, Fault> {
        const COUNT: &str = "INSERT INTO sign_ups (hour, count) VALUES (?1, 1) \
            ON CONFLICT (hour) DO UPDATE SET count = count + 1 WHERE count < ?2";
        const FORGET: &str = "DELETE FROM sign_ups WHERE hour < ?1";
        let hour = JsValue::from(hour as f64);
        let is_counted = self
            .run(COUNT, &[hour.clone(), (limit as f64).into()])
            .await?;
        self.run(FORGET, &[hour]).await?;
        Ok(is_counted)
    }

    async fn set_password(
        &self,
        id: &UserId,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Fault> {
        const SQL: &str =
            "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
        let values = [
            id.as_str().into(),
            verified.as_str().into(),
            new.as_str().into(),
        ];
        self.run(SQL, &values).await
    }

    async fn verify_email(&self, id: &UserId, email: &Email) -> Result<(), Fault> {
        const SQL: &str = "UPDATE users SET email_verified = 1 WHERE id = ?1 AND email = ?2";
        self.run(SQL, &[id.as_str().into(), email.as_str().into()])
            .await?;
        Ok(())
    }

    /// A write that comes late, after its caller has given up, finds another address or another time.
    async fn change_email(
        &self,
        account: &Account,
        to: &Email,
        is_verified: bool,
        at: UnixMillis,
    ) -> Result<bool, Fault> {
        const SQL: &str = "UPDATE OR IGNORE users \
            SET email = ?3, email_verified = ?4, moved_at = ?5 \
            WHERE id = ?1 AND email = ?2 AND moved_at = ?6";
        let values = [
            account.id.as_str().into(),
            account.email.as_str().into(),
            to.as_str().into(),
            f64::from(is_verified).into(),
            number(at),
            number(account.moved_at),
        ];
        self.run(SQL, &values).await
    }

    /// In the table of facts about this database. A row that says the same minute is not written.
    async fn note_mail_failure(&self, at: UnixMillis, why: &str) -> Result<(), Fault> {
        const SQL: &str = "INSERT INTO meta (key, value) VALUES ('mail_failure', ?1) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value < ?2";
        let minute = at.0 / 60_000 * 60_000;
        self.run(
            SQL,
            &[format!("{} {why}", at.0).into(), minute.to_string().into()],
        )
        .await?;
        Ok(())
    }

    async fn mail_failure(&self) -> Result<Option<(UnixMillis, String)>, Fault> {
        // Read as a record has its name.
        let sql = "SELECT value AS name FROM meta WHERE key = ?1";
        let note: Option<Record> = self.find(sql, "mail_failure").await?;
        Ok(note.and_then(|note| {
            let (at, why) = note.name.split_once(' ')?;
            Some((UnixMillis(at.parse().ok()?), why.to_owned()))
        }))
    }

    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        const SQL: &str = "UPDATE users SET name = ?2 WHERE id = ?1";
        self.run(SQL, &[id.as_str().into(), text_or_null(name)])
            .await?;
        Ok(())
    }

    /// A batch is one transaction.
    async fn delete(&self, id: &UserId, at: UnixMillis) -> Result<(), Fault> {
        const MARK: &str = "INSERT INTO deleted (id, at) SELECT id, ?2 FROM users WHERE id = ?1 \
            ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        let user: JsValue = id.as_str().into();
        let outdated = at.0.saturating_sub(LONGEST_SESSION_SECONDS * 1_000);
        let statements = vec![
            self.statement(MARK, &[user.clone(), number(at)])?,
            self.statement("DELETE FROM users WHERE id = ?1", &[user])?,
            self.statement(
                "DELETE FROM deleted WHERE at < ?1",
                &[number(UnixMillis(outdated))],
            )?,
        ];
        let batch = self.with_tables(async || self.0.batch(statements.clone()).await);
        batch.await.map(|_| ())
    }

    async fn was_deleted(&self, id: &UserId) -> Result<bool, Fault> {
        #[derive(Deserialize)]
        struct Mark {}
        let mark: Option<Mark> = self
            .find("SELECT id FROM deleted WHERE id = ?1", id.as_str())
            .await?;
        Ok(mark.is_some())
    }
}

/// A row is read as it is, whatever the rules for new ones: it may be older than they are, or
/// written by SQL.
#[derive(Deserialize)]
struct Row {
    id: UserId,
    email: Email,
    name: Option<Name>,
    /// Only where it was asked for.
    password_hash: Option<PasswordHash>,
    created_at: f64,
    email_verified: f64,
    moved_at: f64,
}

impl From<Row> for Account {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time before 1970 is 1970"
    )]
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            created_at: UnixMillis(row.created_at as u64),
            email_verified: row.email_verified != 0.0,
            moved_at: UnixMillis(row.moved_at as u64),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds stay far below 2^53"
)]
fn number(at: UnixMillis) -> JsValue {
    (at.0 as f64).into()
}

fn text_or_null(name: Option<&Name>) -> JsValue {
    name.map_or(JsValue::NULL, |name| name.as_str().into())
}
