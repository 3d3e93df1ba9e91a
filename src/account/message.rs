//! The messages between a Worker and an account's guard, as JSON.
//!
//! During a deployment a new Worker may talk to an old guard for a moment, and the other way round.
//! The JSON is pinned by tests; a message that cannot be read is a fault, and the client sends the
//! same request again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Name, email::Email},
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// What a guard is asked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardRequest {
    /// For a stamp alone, by someone who is logged in: "end all sessions until now".
    Stamp,
    /// To check a password.
    Check(Attempt),
}

/// A password presented for verification. Redacted when printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The address, in its one spelling.
    pub email: String,
    /// The caller's IP address.
    pub ip: String,
    /// The password as it was typed.
    pub password: String,
    /// What it is presented for.
    pub purpose: Purpose,
}

/// What a password is presented for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A session.
    LogIn,
    /// A new account; where the address has one already, as for a login.
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
        /// The new password.
        new: String,
    },
    /// The deletion of the account of this user.
    Delete {
        /// Whose account.
        id: String,
    },
}

impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Attempt(_)")
    }
}

/// What the guard replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardReply {
    /// The password was right, and what it was presented for is done.
    Done {
        /// The account.
        account: AccountJson,
        /// The guard's stamp, later than every stamp before it: the start of a session, or the end
        /// of all sessions until then.
        at: UnixMillis,
    },
    /// The stamp that was asked for.
    Stamped {
        /// As above.
        at: UnixMillis,
    },
    /// The password was wrong, or nobody has this address: the guard does not say which.
    Wrong,
    /// Too many attempts have failed: no password is checked for this many seconds.
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

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    /// Written as this JSON, and read from it.
    fn is_pinned<T: Serialize + DeserializeOwned>(message: &T, json: &str) {
        let written = |message: &T| serde_json::to_string(message).expect("JSON");
        assert_eq!(written(message), json);
        let read: T = serde_json::from_str(json).expect("a message");
        assert_eq!(written(&read), json);
    }

    #[test]
    fn the_json_of_requests_is_pinned() {
        let check = |purpose| {
            GuardRequest::Check(Attempt {
                email: "ada@example.com".into(),
                ip: "192.0.2.1".into(),
                password: "correct horse".into(),
                purpose,
            })
        };
        let json = |purpose| {
            r#"{"check":{"email":"ada@example.com","ip":"192.0.2.1","password":"correct horse","purpose":PURPOSE}}"#
                .replace("PURPOSE", purpose)
        };
        let (id, name, new) = ("u1".to_owned(), None, "battery staple".to_owned());
        is_pinned(&GuardRequest::Stamp, r#""stamp""#);
        is_pinned(&check(Purpose::LogIn), &json(r#""log_in""#));
        is_pinned(
            &check(Purpose::SignUp {
                id: id.clone(),
                name,
            }),
            &json(r#"{"sign_up":{"id":"u1","name":null}}"#),
        );
        is_pinned(
            &check(Purpose::ChangePassword {
                id: id.clone(),
                new,
            }),
            &json(r#"{"change_password":{"id":"u1","new":"battery staple"}}"#),
        );
        is_pinned(
            &check(Purpose::Delete { id }),
            &json(r#"{"delete":{"id":"u1"}}"#),
        );
    }

    #[test]
    fn the_json_of_replies_is_pinned() {
        let account = AccountJson {
            id: "u1".into(),
            email: "ada@example.com".into(),
            name: Some("Ada".into()),
            created_at: UnixMillis(1),
        };
        let at = UnixMillis(2);
        is_pinned(
            &GuardReply::Done { account, at },
            r#"{"done":{"account":{"id":"u1","email":"ada@example.com","name":"Ada","created_at":1},"at":2}}"#,
        );
        is_pinned(&GuardReply::Stamped { at }, r#"{"stamped":{"at":2}}"#);
        is_pinned(&GuardReply::Wrong, r#""wrong""#);
        is_pinned(
            &GuardReply::Wait { seconds: 60 },
            r#"{"wait":{"seconds":60}}"#,
        );
        is_pinned(&GuardReply::Gone, r#""gone""#);
        is_pinned(&GuardReply::Fault, r#""fault""#);
    }
}
