//! The table of accounts in D1. Every value is bound: nothing that a client sends becomes SQL.

use serde::Deserialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

use crate::{
    account::{Account, Name, email::Email, password::PasswordHash, port::Accounts},
    cloudflare::fault,
    port::Fault,
    token::{id::UserId, time::UnixMillis},
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

    async fn find(&self, sql: &str, value: &str) -> Result<Option<Row>, Fault> {
        let statement = self.statement(sql, &[value.into()])?;
        statement.first(None).await.map_err(fault)
    }

    /// Whether a row was changed.
    async fn run(&self, sql: &str, values: &[JsValue]) -> Result<bool, Fault> {
        let statement = self.statement(sql, values)?;
        let result = statement.run().await.map_err(fault)?;
        let changes = result.meta().map_err(fault)?.and_then(|meta| meta.changes);
        Ok(changes.ok_or(Fault::Unreadable)? > 0)
    }
}

const BY_ID: &str = "SELECT id, email, name, password_hash, created_at FROM users WHERE id = ?1";

impl Accounts for D1Accounts {
    async fn check(&self) -> Result<(), Fault> {
        self.find(BY_ID, "health").await.map(|_| ())
    }

    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault> {
        const SQL: &str =
            "SELECT id, email, name, password_hash, created_at FROM users WHERE email = ?1";
        self.find(SQL, email.as_str())
            .await
            .map(|row| row.map(Row::into))
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let row = self.find(BY_ID, id.as_str()).await?;
        Ok(row.map(|row| <(Account, _)>::from(row).0))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds stay far below 2^53"
    )]
    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        const SQL: &str = "INSERT INTO users (id, email, name, password_hash, created_at) \
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (email) DO NOTHING";
        let values = [
            account.id.as_str().into(),
            account.email.as_str().into(),
            text_or_null(account.name.as_ref()),
            hash.as_str().into(),
            (account.created_at.0 as f64).into(),
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

    async fn delete(&self, id: &UserId) -> Result<(), Fault> {
        const SQL: &str = "DELETE FROM users WHERE id = ?1";
        self.run(SQL, &[id.as_str().into()]).await?;
        Ok(())
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

fn text_or_null(name: Option<&Name>) -> JsValue {
    name.map_or(JsValue::NULL, |name| name.as_str().into())
}
