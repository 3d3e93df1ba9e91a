//! The messages between a Worker and an account's guard, as JSON.
//!
//! During a deployment a new Worker may talk to an old guard for a moment, and the other way round.
//! The JSON is pinned by tests; a message that cannot be read is a fault, and the client sends the
//! same request again.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Name, email::Email},
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

/// A password presented for verification: it cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// The address, in its one spelling.
    pub email: Email,
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
        id: UserId,
        /// The name that a new account gets.
        name: Option<Name>,
        /// How many new accounts an hour may have in total, where there is a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        per_hour: Option<u64>,
    },
    /// Another password for the account of this user.
    ChangePassword {
        /// Whose account.
        id: UserId,
        /// The new password.
        new: String,
    },
    /// The deletion of the account of this user.
    Delete {
        /// Whose account.
        id: UserId,
    },
}

/// What the guard replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardReply {
    /// The password was right, and what it was presented for is done.
    Done {
        /// The account.
        account: Account,
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
    /// Too many accounts were created this hour.
    Full {
        /// Until the hour ends: `Retry-After`.
        seconds: u64,
    },
    /// The account does not exist any more.
    Gone,
    /// The table failed, or the request waited for too long.
    Fault,
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
                email: Email::parse("ada@example.com").expect("an address"),
                ip: "192.0.2.1".into(),
                password: "correct horse".into(),
                purpose,
            })
        };
        let json = |purpose| {
            r#"{"check":{"email":"ada@example.com","ip":"192.0.2.1","password":"correct horse","purpose":PURPOSE}}"#
                .replace("PURPOSE", purpose)
        };
        let id = UserId::parse("u1").expect("a user id");
        let (name, new) = (None, "battery staple".to_owned());
        is_pinned(&GuardRequest::Stamp, r#""stamp""#);
        is_pinned(&check(Purpose::LogIn), &json(r#""log_in""#));
        is_pinned(
            &check(Purpose::SignUp {
                id: id.clone(),
                name: name.clone(),
                per_hour: None,
            }),
            &json(r#"{"sign_up":{"id":"u1","name":null}}"#),
        );
        is_pinned(
            &check(Purpose::SignUp {
                id: id.clone(),
                name,
                per_hour: Some(7),
            }),
            &json(r#"{"sign_up":{"id":"u1","name":null,"per_hour":7}}"#),
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
        let account = Account {
            id: UserId::parse("u1").expect("a user id"),
            email: Email::parse("ada@example.com").expect("an address"),
            name: Name::parse("Ada").ok(),
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
        is_pinned(
            &GuardReply::Full { seconds: 60 },
            r#"{"full":{"seconds":60}}"#,
        );
        is_pinned(&GuardReply::Gone, r#""gone""#);
        is_pinned(&GuardReply::Fault, r#""fault""#);
    }
}
