//! The messages between a Worker and an account's guard, as JSON.
//!
//! During a deployment a new Worker may talk to an old guard for a moment, and the other way round.
//! The JSON is pinned by tests; a message that cannot be read is a fault, and the client sends the
//! same request again.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Name, email::Email},
    config::SessionStore,
    token::{
        code::{CodeKind, CodeMac},
        id::{SessionId, SessionRef, UserId},
        time::UnixMillis,
    },
};

/// What a guard is asked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardRequest {
    /// For a stamp alone, by someone who is logged in: "end all sessions until now". By a Worker of an
    /// earlier version, or one that does not know the row.
    Stamp,
    /// The same, for the account that has the address.
    StampFor(Resident),
    /// To check a password.
    Check(Attempt),
    /// To take a new code for its address, if one may be sent.
    Issue(NewCode),
    /// To check a code that was sent, and do what it is for.
    Redeem(Redemption),
    /// Where the account of this user is going.
    Destination(UserId),
    /// To let the account of this address go there: whoever asked for it has shown the code.
    Move {
        /// The address, in its one spelling.
        from: Email,
        /// Whose account, and where to.
        to: Move,
    },
}

/// The account that has an address, as its row says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// Whose account.
    pub user: UserId,
    /// See [`Account::moved_at`].
    pub moved_at: UnixMillis,
}

impl Resident {
    /// This account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self {
            user: account.id.clone(),
            moved_at: account.moved_at,
        }
    }
}

/// An account on its way to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Whose account.
    pub user: UserId,
    /// The new address, in its one spelling.
    pub email: Email,
}

/// A code that is to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewCode {
    /// The address, in its one spelling.
    pub email: Email,
    /// What it is for.
    pub kind: CodeKind,
    /// What is stored of it.
    pub mac: CodeMac,
    /// What an address without an account gets; nothing where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<Newcomer>,
}

/// A sign-up by a code.
#[derive(Clone, Serialize, Deserialize)]
pub struct Newcomer {
    /// How many new accounts an hour may have in total, where there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u64>,
    /// The account that is made when the code is sent; none where the code makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<NewAccount>,
}

/// An account that is to be made: it cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewAccount {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub name: Option<Name>,
    /// Its password; none where there is to be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A code that somebody has typed: it cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Redemption {
    /// The address, in its one spelling.
    pub email: Email,
    /// What may be stored of it: one for each secret.
    pub macs: Vec<CodeMac>,
    /// What it is shown for.
    pub action: Action,
    /// The session that starts then, unless this is a repeated request.
    pub session: SessionId,
    /// Where sessions are kept.
    #[serde(default, skip_serializing_if = "SessionStore::is_default")]
    pub store: SessionStore,
}

/// What a code is shown for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Another password.
    Reset {
        /// The new password.
        new: String,
    },
    /// This address for an account that has another one.
    Change,
    /// A login.
    LogIn {
        /// The account that an address without one gets, if it is to get one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newcomer: Option<NewAccount>,
    },
    /// That the address is the user's.
    Verify {
        /// Who is logged in to an account already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bearer: Option<UserId>,
        /// The password that the account is to have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<String>,
    },
    /// The deletion of the account of this user.
    Delete {
        /// Whose account.
        id: UserId,
    },
}

impl Action {
    /// The kind of code that it takes.
    #[must_use]
    pub fn kind(&self) -> CodeKind {
        match self {
            Self::Reset { .. } => CodeKind::Reset,
            Self::Change => CodeKind::Change,
            Self::LogIn { .. } | Self::Delete { .. } => CodeKind::Login,
            Self::Verify { .. } => CodeKind::Verify,
        }
    }
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
    /// The session of a refresh token of ours that was sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionRef>,
    /// Where sessions are kept.
    #[serde(default, skip_serializing_if = "SessionStore::is_default")]
    pub store: SessionStore,
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
        /// Whose request it is, and what it starts. None from a Worker of an earlier version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sessions: Option<Succession>,
    },
    /// The deletion of the account of this user.
    Delete {
        /// Whose account.
        id: UserId,
    },
    /// Another address for the account of a user.
    ChangeEmail(EmailChange),
}

/// A change of address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// Whose account, and where to.
    #[serde(flatten)]
    pub to: Move,
    /// Whether it is made at once, because no code can be sent.
    pub is_immediate: bool,
}

/// The session that changes a password, and the one that goes on in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// The session that asks.
    pub from: SessionId,
    /// The new session, unless this is a repeated request.
    pub to: SessionId,
}

/// What the guard replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardReply {
    /// The password or the code was right, and what it was presented for is done.
    Done {
        /// The account.
        account: Account,
        /// The guard's stamp, later than every stamp before it: the start of a session, or the end
        /// of all sessions until then.
        at: UnixMillis,
        /// The session that an earlier copy of this request has started at `at`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeated: Option<SessionId>,
        /// Whether all other sessions of the account end: its owner has taken it over.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ends_others: bool,
    },
    /// The stamp that was asked for.
    Stamped {
        /// As above.
        at: UnixMillis,
    },
    /// The code is to be sent.
    Issued,
    /// The same, to somebody who signs up and has a verified account already.
    IssuedToKnown,
    /// It is not: nobody has this address, or too many were sent.
    NotIssued,
    /// The code was right.
    Right,
    /// Where the account is going, if anywhere.
    Destination {
        /// The address.
        to: Option<Email>,
    },
    /// Another account has the address.
    Taken,
    /// The account has no password that could be checked.
    NoPassword,
    /// The password or the code was wrong, or nobody has this address: the guard does not say which.
    Wrong,
    /// There were too many attempts: no password is checked for this many seconds.
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
    use crate::token::id::Realm;

    /// Written as this JSON, and read from it.
    fn is_pinned<T: Serialize + DeserializeOwned>(message: &T, json: &str) {
        let written = |message: &T| serde_json::to_string(message).expect("JSON");
        assert_eq!(written(message), json);
        let read: T = serde_json::from_str(json).expect("a message");
        assert_eq!(written(&read), json);
    }

    fn session(byte: u8) -> SessionId {
        SessionId::from_random([byte; 16])
    }

    #[test]
    fn the_json_of_requests_is_pinned() {
        let check = |purpose| {
            GuardRequest::Check(Attempt {
                email: Email::parse("ada@example.com").expect("an address"),
                ip: "192.0.2.1".into(),
                password: "correct horse".into(),
                purpose,
                session: None,
                store: SessionStore::Kv,
            })
        };
        let json = |purpose| {
            r#"{"check":{"email":"ada@example.com","ip":"192.0.2.1","password":"correct horse","purpose":PURPOSE}}"#
                .replace("PURPOSE", purpose)
        };
        let id = UserId::parse("u1").expect("a user id");
        let GuardRequest::Check(mut attempt) = check(Purpose::LogIn) else {
            unreachable!("a check")
        };
        attempt.session = Some(SessionRef {
            realm: Realm::Account,
            user: id.clone(),
            session: SessionId::from_random([7; 16]),
        });
        is_pinned(
            &GuardRequest::Check(attempt),
            &json(
                r#""log_in","session":{"realm":"account","user":"u1","session":"BwcHBwcHBwcHBwcHBwcHBw"}"#,
            ),
        );
        let GuardRequest::Check(mut attempt) = check(Purpose::LogIn) else {
            unreachable!("a check")
        };
        attempt.store = SessionStore::DurableObjects;
        is_pinned(
            &GuardRequest::Check(attempt),
            &json(r#""log_in","store":"durable_objects""#),
        );
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
                new: new.clone(),
                sessions: None,
            }),
            &json(r#"{"change_password":{"id":"u1","new":"battery staple"}}"#),
        );
        is_pinned(
            &check(Purpose::ChangePassword {
                id: id.clone(),
                new,
                sessions: Some(Succession {
                    from: session(1),
                    to: session(2),
                }),
            }),
            &json(
                r#"{"change_password":{"id":"u1","new":"battery staple","sessions":{"from":"AQEBAQEBAQEBAQEBAQEBAQ","to":"AgICAgICAgICAgICAgICAg"}}}"#,
            ),
        );
        is_pinned(
            &check(Purpose::Delete { id: id.clone() }),
            &json(r#"{"delete":{"id":"u1"}}"#),
        );
        let to = Move {
            user: id,
            email: Email::parse("eve@example.com").expect("an address"),
        };
        is_pinned(
            &check(Purpose::ChangeEmail(EmailChange {
                to,
                is_immediate: false,
            })),
            &json(
                r#"{"change_email":{"user":"u1","email":"eve@example.com","is_immediate":false}}"#,
            ),
        );
    }

    #[test]
    fn the_json_of_requests_about_moves_is_pinned() {
        let id = UserId::parse("u1").expect("a user id");
        let to = Move {
            user: id.clone(),
            email: Email::parse("eve@example.com").expect("an address"),
        };
        is_pinned(
            &GuardRequest::Destination(id.clone()),
            r#"{"destination":"u1"}"#,
        );
        is_pinned(
            &GuardRequest::Move {
                from: Email::parse("ada@example.com").expect("an address"),
                to,
            },
            r#"{"move":{"from":"ada@example.com","to":{"user":"u1","email":"eve@example.com"}}}"#,
        );
        let resident = Resident {
            user: id,
            moved_at: UnixMillis(3),
        };
        is_pinned(
            &GuardRequest::StampFor(resident),
            r#"{"stamp_for":{"user":"u1","moved_at":3}}"#,
        );
    }

    #[test]
    fn the_json_of_requests_about_codes_is_pinned() {
        let email = Email::parse("ada@example.com").expect("an address");
        let mac: CodeMac = serde_json::from_str("\"a-mac\"").expect("a MAC");
        let id = UserId::parse("u1").expect("a user id");
        let account = |password: Option<&str>| NewAccount {
            id: id.clone(),
            name: Name::parse("Ada").ok(),
            password: password.map(str::to_owned),
        };
        let issue = |kind, newcomer, json: &str| {
            let new = NewCode {
                email: email.clone(),
                kind,
                mac: mac.clone(),
                newcomer,
            };
            let start = r#"{"issue":{"email":"ada@example.com","#;
            is_pinned(&GuardRequest::Issue(new), &format!("{start}{json}}}}}"));
        };
        issue(CodeKind::Reset, None, r#""kind":"reset","mac":"a-mac""#);
        let newcomer = |per_hour, account| Some(Newcomer { per_hour, account });
        issue(
            CodeKind::Login,
            newcomer(Some(7), None),
            r#""kind":"login","mac":"a-mac","newcomer":{"per_hour":7}"#,
        );
        issue(
            CodeKind::Verify,
            newcomer(None, Some(account(Some("correct horse")))),
            r#""kind":"verify","mac":"a-mac","newcomer":{"account":{"id":"u1","name":"Ada","password":"correct horse"}}"#,
        );
        let redeem = |action, json: &str| {
            let redemption = Redemption {
                email: email.clone(),
                macs: vec![mac.clone()],
                action,
                session: session(2),
                store: SessionStore::Kv,
            };
            let json = format!(
                r#"{{"redeem":{{"email":"ada@example.com","macs":["a-mac"],"action":{json},"session":"AgICAgICAgICAgICAgICAg"}}}}"#
            );
            is_pinned(&GuardRequest::Redeem(redemption), &json);
        };
        let new = "battery staple".to_owned();
        let password = Some(new.clone());
        redeem(
            Action::Reset { new },
            r#"{"reset":{"new":"battery staple"}}"#,
        );
        let log_in = |newcomer| Action::LogIn { newcomer };
        redeem(log_in(None), r#"{"log_in":{}}"#);
        redeem(
            log_in(Some(account(None))),
            r#"{"log_in":{"newcomer":{"id":"u1","name":"Ada"}}}"#,
        );
        let verify = |bearer, password| Action::Verify { bearer, password };
        redeem(verify(None, None), r#"{"verify":{}}"#);
        redeem(
            verify(Some(id.clone()), password),
            r#"{"verify":{"bearer":"u1","password":"battery staple"}}"#,
        );
        redeem(
            Action::Delete { id: id.clone() },
            r#"{"delete":{"id":"u1"}}"#,
        );
    }

    #[test]
    fn the_json_of_replies_is_pinned() {
        let account = Account {
            id: UserId::parse("u1").expect("a user id"),
            email: Email::parse("ada@example.com").expect("an address"),
            name: Name::parse("Ada").ok(),
            created_at: UnixMillis(1),
            moved_at: UnixMillis(0),
            email_verified: false,
        };
        let at = UnixMillis(2);
        let json = |repeated: &str| {
            r#"{"done":{"account":{"id":"u1","email":"ada@example.com","name":"Ada","created_at":1},"at":2REPEATED}}"#
                .replace("REPEATED", repeated)
        };
        for (repeated, text) in [
            (None, ""),
            (Some(session(2)), r#","repeated":"AgICAgICAgICAgICAgICAg""#),
        ] {
            let account = account.clone();
            let done = GuardReply::Done {
                account,
                at,
                repeated,
                ends_others: false,
            };
            is_pinned(&done, &json(text));
        }
        let verified = Account {
            email_verified: true,
            ..account.clone()
        };
        let done = GuardReply::Done {
            account: verified,
            at,
            repeated: None,
            ends_others: true,
        };
        is_pinned(
            &done,
            r#"{"done":{"account":{"id":"u1","email":"ada@example.com","name":"Ada","created_at":1,"email_verified":true},"at":2,"ends_others":true}}"#,
        );
        let moved = Account {
            moved_at: UnixMillis(3),
            ..account
        };
        is_pinned(
            &GuardReply::Done {
                account: moved,
                at,
                repeated: None,
                ends_others: false,
            },
            r#"{"done":{"account":{"id":"u1","email":"ada@example.com","name":"Ada","created_at":1,"moved_at":3},"at":2}}"#,
        );
        is_pinned(&GuardReply::Stamped { at }, r#"{"stamped":{"at":2}}"#);
        is_pinned(&GuardReply::Issued, r#""issued""#);
        is_pinned(&GuardReply::IssuedToKnown, r#""issued_to_known""#);
        is_pinned(&GuardReply::NotIssued, r#""not_issued""#);
        is_pinned(&GuardReply::Right, r#""right""#);
        is_pinned(
            &GuardReply::Destination { to: None },
            r#"{"destination":{"to":null}}"#,
        );
        is_pinned(
            &GuardReply::Destination {
                to: Email::parse("eve@example.com").ok(),
            },
            r#"{"destination":{"to":"eve@example.com"}}"#,
        );
        is_pinned(&GuardReply::Taken, r#""taken""#);
        is_pinned(&GuardReply::NoPassword, r#""no_password""#);
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
