//! What accounts need from outside: a table, and the objects that check passwords.

use crate::{
    account::{
        Account, Name,
        email::Email,
        message::{GuardReply, GuardRequest},
        password::PasswordHash,
    },
    mail::Mailer,
    port::Fault,
    session::port::HasSessions,
    token::{id::UserId, time::UnixMillis},
};

/// The table of accounts: consistent, unique by address.
pub trait Accounts {
    /// Whether the table is there and answers.
    ///
    /// # Errors
    /// It does not.
    async fn check(&self) -> Result<(), Fault>;

    /// The account of an address, with its password hash.
    ///
    /// # Errors
    /// The table failed.
    async fn by_email(&self, email: &Email) -> Result<Option<(Account, PasswordHash)>, Fault>;

    /// The account of a user.
    ///
    /// # Errors
    /// The table failed.
    async fn by_id(&self, id: &UserId) -> Result<Option<Account>, Fault>;

    /// Adds an account; false when its address is taken.
    ///
    /// # Errors
    /// The table failed.
    async fn insert(&self, account: &Account, hash: &PasswordHash) -> Result<bool, Fault>;

    /// Counts a new account of this hour (since 1970); false, and nothing is counted, when there are
    /// `limit` of them.
    ///
    /// # Errors
    /// The table failed.
    async fn count_sign_up(&self, hour: u64, limit: u64) -> Result<bool, Fault>;

    /// Replaces this password hash by another; false when it is not there any more. So a write that
    /// comes late, after its caller has given up, does not undo a later one.
    ///
    /// # Errors
    /// The table failed.
    async fn set_password(
        &self,
        id: &UserId,
        verified: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Fault>;

    /// Notes that this address is the user's, if the account still has it: somebody has read an e-mail
    /// that was sent to it, and nothing is left that somebody else may have set.
    ///
    /// # Errors
    /// The table failed.
    async fn verify_email(&self, id: &UserId, email: &Email) -> Result<(), Fault>;

    /// Gives an account, as it was read, another address, and this [`Account::moved_at`]; false when it
    /// is not as it was any more, or another account has the address.
    ///
    /// # Errors
    /// The table failed.
    async fn change_email(
        &self,
        account: &Account,
        to: &Email,
        is_verified: bool,
        at: UnixMillis,
    ) -> Result<bool, Fault>;

    /// Notes that an e-mail could not be sent, and why, in place of the note before.
    ///
    /// # Errors
    /// The table failed.
    async fn note_mail_failure(&self, at: UnixMillis, why: &str) -> Result<(), Fault>;

    /// That note, if there is one.
    ///
    /// # Errors
    /// The table failed.
    async fn mail_failure(&self) -> Result<Option<(UnixMillis, String)>, Fault>;

    /// Changes the name, or takes it away.
    ///
    /// # Errors
    /// The table failed.
    async fn set_name(&self, id: &UserId, name: Option<&Name>) -> Result<(), Fault>;

    /// Deletes an account, and leaves a mark that says so, for as long as a session of it could
    /// live: both or neither.
    ///
    /// # Errors
    /// The table failed.
    async fn delete(&self, id: &UserId, at: UnixMillis) -> Result<(), Fault>;

    /// Whether there is such a mark.
    ///
    /// # Errors
    /// The table failed.
    async fn was_deleted(&self, id: &UserId) -> Result<bool, Fault>;
}

/// The one that checks passwords: see [`crate::account::guard`].
pub trait Guard {
    /// Asks the guard of this address.
    ///
    /// # Errors
    /// It could not be reached, or could not reach the table of accounts.
    async fn ask(&self, email: &Email, ask: &GuardRequest) -> Result<GuardReply, Fault>;
}

/// A world with accounts, and e-mail for their owners.
pub trait HasAccounts: HasSessions + Mailer {
    /// The table of accounts.
    type Accounts: Accounts;
    /// The guards of all addresses.
    type Guard: Guard;

    /// The table of accounts.
    ///
    /// # Errors
    /// It is not bound.
    fn accounts(&self) -> Result<Self::Accounts, Fault>;

    /// The guards of all addresses.
    ///
    /// # Errors
    /// They are not bound.
    fn guard(&self) -> Result<Self::Guard, Fault>;
}
