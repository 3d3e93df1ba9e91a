//! The table of accounts in D1. Every value is bound: nothing that a client sends becomes SQL.

use js_sys::{Array, JSON, Promise, Reflect};
use serde::Deserialize;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::Env;

use crate::{
    account::{Account, Name, email::Email, password::PasswordHash, port::Accounts},
    cloudflare::{binding, promise::settled},
    port::Fault,
    token::{id::UserId, time::UnixMillis},
};

#[wasm_bindgen]
extern "C" {
    /// A D1 database: <https://developers.cloudflare.com/d1/worker-api/>.
    type Database;
    #[wasm_bindgen(method, catch)]
    fn prepare(this: &Database, sql: &str) -> Result<Statement, JsValue>;

    type Statement;
    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &Statement, values: &Array) -> Result<Statement, JsValue>;
    /// The first row as an object, or `null`.
    #[wasm_bindgen(method, catch)]
    fn first(this: &Statement) -> Result<Promise, JsValue>;
    /// An object with `meta.changes`, the number of rows that were changed.
    #[wasm_bindgen(method, catch)]
    fn run(this: &Statement) -> Result<Promise, JsValue>;
}

/// A D1 database with the tables of `migrations/`.
pub struct D1Accounts(Database);

impl D1Accounts {
    /// The database of this binding.
    ///
    /// # Errors
    /// There is no such binding.
    pub fn bound(env: &Env, name: &'static str) -> Result<Self, Fault> {
        Ok(Self(binding(env, name)?.unchecked_into()))
    }

    fn statement(&self, sql: &str, values: &[JsValue]) -> Result<Statement, JsValue> {
        self.0.prepare(sql)?.bind(&values.iter().collect())
    }

    async fn find(&self, sql: &str, value: &str) -> Result<Option<Row>, Fault> {
        let statement = self.statement(sql, &[value.into()]).map_err(failed)?;
        let row = settled(statement.first()).await.map_err(failed)?;
        if row.is_null() {
            return Ok(None);
        }
        let json = JSON::stringify(&row).map_err(failed)?;
        serde_json::from_str(&String::from(json)).map_err(|_| Fault::Unreadable)
    }

    /// The number of rows that were changed.
    async fn run(&self, sql: &str, values: &[JsValue]) -> Result<f64, Fault> {
        let statement = self.statement(sql, values).map_err(failed)?;
        let result = settled(statement.run()).await.map_err(failed)?;
        let meta = Reflect::get(&result, &"meta".into()).map_err(failed)?;
        let changes = Reflect::get(&meta, &"changes".into()).map_err(failed)?;
        changes.as_f64().ok_or(Fault::Unreadable)
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
            .await?
            .map(Row::read)
            .transpose()
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let found = self.find(BY_ID, id.as_str()).await?.map(Row::read);
        Ok(found.transpose()?.map(|(account, _)| account))
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
        Ok(self.run(SQL, &values).await? > 0.0)
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
        Ok(self.run(SQL, &values).await? > 0.0)
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
    id: String,
    email: String,
    name: Option<String>,
    password_hash: String,
    created_at: UnixMillis,
}

impl Row {
    fn read(self) -> Result<(Account, PasswordHash), Fault> {
        let account = Account {
            id: UserId::parse(self.id).map_err(|_| Fault::Unreadable)?,
            email: Email::parse(&self.email).map_err(|_| Fault::Unreadable)?,
            name: self
                .name
                .map(Name::parse)
                .transpose()
                .map_err(|_| Fault::Unreadable)?,
            created_at: self.created_at,
        };
        let hash = PasswordHash::parse(self.password_hash).map_err(|_| Fault::Unreadable)?;
        Ok((account, hash))
    }
}

fn text_or_null(name: Option<&Name>) -> JsValue {
    name.map_or(JsValue::NULL, |name| name.as_str().into())
}

/// D1's messages may repeat values: only the kind is kept.
fn failed(_: JsValue) -> Fault {
    Fault::Failed
}
