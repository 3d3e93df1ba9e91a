//! The table of accounts in D1. Every value is bound: nothing that a client sends becomes SQL.

use serde::{Deserialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

use crate::{
    account::{Account, Name, email::Email, password::PasswordHash, port::Accounts},
    cloudflare::{fault, task::via_promise},
    port::Fault,
    token::{
        id::UserId,
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

/// A D1 database with the tables of `migrations/`.
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
        let statement = self.statement(sql, &[value.into()])?;
        via_promise(statement.first(None)).await.map_err(fault)
    }

    /// Whether a row was changed.
    async fn run(&self, sql: &str, values: &[JsValue]) -> Result<bool, Fault> {
        let statement = self.statement(sql, values)?;
        let result = via_promise(statement.run()).await.map_err(fault)?;
        let changes = result.meta().map_err(fault)?.and_then(|meta| meta.changes);
        Ok(changes.ok_or(Fault::Unreadable)? > 0)
    }
}

const BY_ID: &str = "SELECT id, email, name, password_hash, created_at FROM users WHERE id = ?1";

impl Accounts for D1Accounts {
    async fn check(&self) -> Result<(), Fault> {
        const SQL: &str = "SELECT u.id, u.email, u.name, u.password_hash, u.created_at, d.at \
            FROM users u LEFT JOIN deleted d ON d.id = u.id WHERE u.id = ?1";
        self.find::<Row>(SQL, "health").await.map(|_| ())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        const SQL: &str =
            "SELECT id, email, name, password_hash, created_at FROM users WHERE email = ?1";
        let row: Option<Row> = self.find(SQL, email.as_str()).await?;
        Ok(row.map(Row::into))
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let row: Option<Row> = self.find(BY_ID, id.as_str()).await?;
        Ok(row.map(|row| <(Account, _)>::from(row).0))
    }

    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        const SQL: &str = "INSERT INTO users (id, email, name, password_hash, created_at) \
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (email) DO NOTHING";
        let values = [
            account.id.as_str().into(),
            account.email.as_str().into(),
            text_or_null(account.name.as_ref()),
            hash.as_str().into(),
            number(account.created_at),
        ];
        self.run(SQL, &values).await
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
        via_promise(self.0.batch(statements)).await.map_err(fault)?;
        Ok(())
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

#[derive(Deserialize)]
struct Row {
    id: UserId,
    email: Email,
    name: Option<Name>,
    password_hash: PasswordHash,
    created_at: UnixMillis,
}

impl From<Row> for (Account, PasswordHash) {
    fn from(row: Row) -> Self {
        let account = Account {
            id: row.id,
            email: row.email,
            name: row.name,
            created_at: row.created_at,
        };
        (account, row.password_hash)
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
