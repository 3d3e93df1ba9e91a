//! What a Worker asks an account's guard, and what it answers: JSON within one deployment.
//!
//! A new release may find an old guard for a moment, and the other way round: a message that
//! cannot be read is a fault, and the request is tried again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Name, email::Email},
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// A question.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// For a stamp alone: "all sessions until now are over", by someone who is logged in.
    Stamp,
    /// To check a password.
    Check(Shown),
}

/// A password that is shown. Redacted when printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Shown {
    /// The address, in its one spelling.
    pub email: String,
    /// The caller's IP address.
    pub ip: String,
    /// The password as it was typed.
    pub password: String,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a password is shown for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A session.
    LogIn,
    /// An account; where the address has one, as for a login.
    SignUp {
        /// The id that a new account gets.
        id: String,
        /// The name that a new account gets.
        name: Option<String>,
    },
    /// Another password for the account of this user.
    ChangePassword {
        /// Whose account.
        id: String,
        /// The other password.
        new: String,
    },
    /// The end of the account of this user.
    Delete {
        /// Whose account.
        id: String,
    },
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shown(_)")
    }
}

/// What the guard says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The password was right and what it was for is done.
    Done {
        /// The account.
        account: AccountJson,
        /// Stamped by the guard, later than every stamp before it: the begin of a session, or
        /// the end of all sessions until then.
        at: UnixMillis,
    },
    /// The stamp that was asked for.
    Stamped {
        /// As above.
        at: UnixMillis,
    },
    /// The password was wrong, or nobody has this address: the guard does not tell.
    Wrong,
    /// Too many attempts failed: none is made for so many seconds.
    Wait {
        /// `Retry-After`.
        seconds: u64,
    },
    /// The account does not exist any more.
    Gone,
    /// The guard could not reach the table of accounts.
    Fault,
}

/// An account in a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountJson {
    id: String,
    email: String,
    name: Option<String>,
    created_at: UnixMillis,
}

impl fmt::Debug for AccountJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccountJson(_)")
    }
}

impl From<&Account> for AccountJson {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.as_str().into(),
            email: account.email.as_str().into(),
            name: account.name.as_ref().map(|name| name.as_str().into()),
            created_at: account.created_at,
        }
    }
}

impl TryFrom<AccountJson> for Account {
    type Error = Problem;

    fn try_from(json: AccountJson) -> Result<Self, Problem> {
        Ok(Self {
            id: UserId::parse(json.id)?,
            email: Email::parse(&json.email)?,
            name: json.name.map(Name::parse).transpose()?,
            created_at: json.created_at,
        })
    }
}
