//! The table of accounts, every question with its time limit: the twin of [`crate::session::store`].
//!
//! Passwords are not here. Only an account's guard reads and changes them ([`crate::account::guard`]).

use crate::{
    account::{Account, Name},
    port::{Accounts as _, Fault, Patience, Platform},
    token::id::UserId,
};

/// How long a question to the table of accounts may take.
pub const ACCOUNTS_MS: u64 = 2_500;

/// The accounts, as one request sees them.
pub struct AccountTable<'a, P: Platform> {
    platform: &'a P,
    patience: Patience,
    accounts: P::Accounts,
}

impl<'a, P: Platform> AccountTable<'a, P> {
    /// # Errors
    /// The table is not bound.
    pub fn new(platform: &'a P, patience: Patience) -> Result<Self, Fault> {
        Ok(Self {
            platform,
            patience,
            accounts: platform.accounts()?,
        })
    }

    /// Whether the table is there and answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self) -> Result<(), Fault> {
        self.in_time(self.accounts.check()).await
    }

    /// The account of a user, if there is one.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        self.in_time(self.accounts.by_id(id)).await
    }

    /// Changes the name of an account, or takes it away.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        self.in_time(self.accounts.set_name(id, name)).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.patience.within(ACCOUNTS_MS, self.platform, work).await
    }
}
