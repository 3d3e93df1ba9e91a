//! The table of accounts, each query with its timeout: the counterpart of [`crate::session::store`].
//!
//! Passwords are not here. Only an account's guard reads and changes them ([`crate::account::guard`]).

use crate::{
    account::{
        Account, Name,
        email::Email,
        port::{Accounts as _, HasAccounts},
    },
    http::request::Request,
    port::{Deadline, Fault},
    token::{id::UserId, time::UnixMillis},
};

/// How long a question to the table of accounts may take.
pub const ACCOUNTS_TIMEOUT_MS: u64 = 2_500;

/// The accounts, as one request sees them.
pub struct AccountTable<'a, P: HasAccounts> {
    platform: &'a P,
    deadline: Deadline,
    accounts: P::Accounts,
}

impl<'a, P: HasAccounts> AccountTable<'a, P> {
    /// The accounts, for a request.
    ///
    /// # Errors
    /// The table is not bound.
    pub fn for_request(request: &Request<'a, P>) -> Result<Self, Fault> {
        Self::new(request.platform, request.deadline)
    }

    /// # Errors
    /// The table is not bound.
    pub fn new(platform: &'a P, deadline: Deadline) -> Result<Self, Fault> {
        Ok(Self {
            platform,
            deadline,
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

    /// Whether this very spelling of an address has an account.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn has_address(&self, email: &Email) -> Result<bool, Fault> {
        let found = self.in_time(self.accounts.by_email(email)).await?;
        Ok(found.is_some())
    }

    /// The account of a user, if there is one.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault> {
        self.in_time(self.accounts.by_id(id)).await
    }

    /// Whether the account of this user was deleted.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn was_deleted(&self, id: &UserId) -> Result<bool, Fault> {
        self.in_time(self.accounts.was_deleted(id)).await
    }

    /// Changes the name of an account, or takes it away.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault> {
        self.in_time(self.accounts.set_name(id, name)).await
    }

    /// Notes that this address is the user's, if the account still has it.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn verify_email(&self, id: &UserId, email: &Email) -> Result<(), Fault> {
        self.in_time(self.accounts.verify_email(id, email)).await
    }

    /// When an e-mail could not be sent last, and why.
    ///
    /// # Errors
    /// The table failed, or did not answer in time.
    pub async fn mail_failure(&self) -> Result<Option<(UnixMillis, String)>, Fault> {
        self.in_time(self.accounts.mail_failure()).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.deadline
            .within(ACCOUNTS_TIMEOUT_MS, self.platform, work)
            .await
    }
}
