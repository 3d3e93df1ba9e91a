//! The table of accounts.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use tokenkeep::{
    account::{Account, Name, email::Email, password::PasswordHash, port::Accounts},
    port::Fault,
    token::{
        id::UserId,
        time::{LONGEST_SESSION_SECONDS, UnixMillis},
    },
};

use crate::{
    Place,
    conditions::Flaw,
    trouble::{Store, unreadable},
};

/// An account and the hash of its password.
pub type Row = (Account, PasswordHash);

/// The table: accounts with their password hashes, by address.
#[derive(Clone, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
    /// The marks of deletions.
    deleted: BTreeMap<UserId, UnixMillis>,
    /// How many accounts were created in each hour, where that is limited.
    sign_ups: BTreeMap<u64, u64>,
    mail_failure: Option<(UnixMillis, String)>,
}

impl Table {
    /// Every account, in the order of the addresses.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The account of an address.
    #[must_use]
    pub fn row(&self, email: &str) -> Option<&Row> {
        self.rows.get(email)
    }

    /// Whether the address of this account is verified.
    #[must_use]
    pub fn is_verified(&self, id: &UserId) -> bool {
        let mut accounts = self.rows.values().map(|(account, _)| account);
        accounts.any(|account| account.id == *id && account.email_verified)
    }

    /// Puts an account there, as an import does.
    ///
    /// The table is as lenient as a database: the address is taken as it is.
    ///
    /// # Panics
    /// The id or the hash is none.
    pub fn import(&mut self, id: &str, email: &str, hash: &str, now: u64) {
        let account = Account {
            id: UserId::parse(id).expect("a user id"),
            email: stored(email),
            name: None,
            created_at: UnixMillis(now),
            email_verified: false,
            moved_at: UnixMillis::default(),
        };
        let hash = PasswordHash::parse(hash).expect("a hash");
        self.rows.insert(email.to_owned(), (account, hash));
    }

    /// Changes a name as SQL does, whatever the rules for names.
    pub fn set_name(&mut self, email: &str, name: &str) {
        if let Some((account, _)) = self.rows.get_mut(email) {
            account.name = Some(stored(name));
        }
    }

    /// Deletes an account as the worker does.
    pub fn delete(&mut self, id: &UserId, at: UnixMillis) {
        if self.find(id).is_some() {
            self.deleted.insert(id.clone(), at);
        }
        self.rows.retain(|_, (account, _)| account.id != *id);
        self.deleted
            .retain(|_, marked| at.since_ms(*marked) <= LONGEST_SESSION_SECONDS * 1_000);
    }

    /// Loses an account, as a wrong database does.
    pub fn remove(&mut self, email: &str) {
        self.rows.remove(email);
    }

    /// Gives an account, if it is as it is known, another address, if that is free. Whether it did.
    pub fn relocate(
        &mut self,
        known: &Account,
        to: &Email,
        is_verified: bool,
        at: UnixMillis,
    ) -> bool {
        let is_as_known = |row: &Row| row.0.id == known.id && row.0.moved_at == known.moved_at;
        let stored = self.row(known.email.as_str());
        if !stored.is_some_and(is_as_known) || self.row(to.as_str()).is_some() {
            return false;
        }
        let row = self.rows.remove(known.email.as_str());
        let (mut account, hash) = row.expect("just seen");
        (account.email, account.moved_at) = (to.clone(), at);
        account.email_verified = is_verified;
        self.rows.insert(to.as_str().to_owned(), (account, hash));
        true
    }

    fn find(&mut self, id: &UserId) -> Option<&mut Row> {
        self.rows
            .values_mut()
            .find(|(account, _)| account.id == *id)
    }
}

/// A text as it is read from a row.
fn stored<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(text.into()).expect("rows are read leniently")
}

impl Place {
    /// A question to the table.
    async fn ask_table<T: 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Table) -> T + 'static,
    ) -> Result<T, Fault> {
        let work = move |place: &Self| Ok(work(&mut place.cloud().accounts.borrow_mut()));
        self.call(Store::D1, what, work, unreadable).await
    }
}

impl Accounts for Place {
    async fn check(&self) -> Result<(), Fault> {
        self.ask_table("check", |_| ()).await
    }

    async fn by_email(&self, email: &Email) -> Result<Option<Row>, Fault> {
        let email = email.clone();
        self.ask_table("find by address", move |table| {
            table.row(email.as_str()).cloned()
        })
        .await
    }

    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        let id = id.clone();
        self.ask_table("find by id", move |table| {
            table.find(&id).map(|(account, _)| account.clone())
        })
        .await
    }

    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault> {
        let new = (account.clone(), hash.clone());
        self.ask_table("add", move |table| {
            let email = new.0.email.as_str().to_owned();
            let is_free = !table.rows.contains_key(&email);
            table.rows.entry(email).or_insert(new);
            is_free
        })
        .await
    }

    async fn count_sign_up(&self, hour: u64, limit: u64) -> Result<bool, Fault> {
        self.ask_table("count sign-up", move |table| {
            let count = table.sign_ups.entry(hour).or_default();
            let is_counted = *count < limit;
            *count += u64::from(is_counted);
            is_counted
        })
        .await
    }

    async fn set_password(
        &self,
        id: &UserId,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Fault> {
        let (id, verified, new) = (id.clone(), verified.clone(), new.clone());
        self.ask_table("set password", move |table| {
            let found = table.find(&id);
            let stored = found.filter(|(_, stored)| stored.as_str() == verified.as_str());
            stored.map(|(_, stored)| *stored = new).is_some()
        })
        .await
    }

    async fn verify_email(&self, id: &UserId, email: &Email) -> Result<(), Fault> {
        let (id, email) = (id.clone(), email.clone());
        self.ask_table("verify address", move |table| {
            if let Some((account, _)) = table.find(&id)
                && account.email == email
            {
                account.email_verified = true;
            }
        })
        .await
    }

    async fn change_email(
        &self,
        account: &Account,
        to: &Email,
        is_verified: bool,
        at: UnixMillis,
    ) -> Result<bool, Fault> {
        let (known, to) = (account.clone(), to.clone());
        self.ask_table("change address", move |table| {
            table.relocate(&known, &to, is_verified, at)
        })
        .await
    }

    async fn note_mail_failure(&self, at: UnixMillis, why: &str) -> Result<(), Fault> {
        let note = (at, why.to_owned());
        self.ask_table("note failure", move |table| table.mail_failure = Some(note))
            .await
    }

    async fn mail_failure(&self) -> Result<Option<(UnixMillis, String)>, Fault> {
        self.ask_table("find failure", |table| table.mail_failure.clone())
            .await
    }

    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        let (id, name) = (id.clone(), name.cloned());
        self.ask_table("set name", move |table| {
            if let Some((account, _)) = table.find(&id) {
                account.name = name;
            }
        })
        .await
    }

    async fn delete(&self, id: &UserId, at: UnixMillis) -> Result<(), Fault> {
        let id = id.clone();
        self.ask_table("delete", move |table| table.delete(&id, at))
            .await
    }

    async fn was_deleted(&self, id: &UserId) -> Result<bool, Fault> {
        let id = id.clone();
        let is_taken_for_one = self.cloud().conditions.flaw == Some(Flaw::MissingRowIsDeletion);
        self.ask_table("find deletion", move |table| {
            is_taken_for_one || table.deleted.contains_key(&id)
        })
        .await
    }
}
