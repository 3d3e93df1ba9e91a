//! Accounts: people who log in with their e-mail address, and a password or a code.

pub mod ask_guard;
pub mod attempts;
pub mod bearer_account;
pub mod change_email;
pub mod change_password;
pub mod code_login;
pub mod codes;
pub mod delete;
pub mod email;
pub mod forgot_password;
pub mod guard;
pub mod log_in;
pub mod log_out_all;
pub mod me;
pub mod message;
pub mod migration;
pub mod password;
pub mod port;
pub mod redeem;
pub mod reset_password;
pub mod send_code;
pub mod sign_up;
pub mod spelling;
pub mod table;
pub mod verify_email;

use serde::{Deserialize, Serialize};

use crate::{
    account::email::Email,
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// What is known of a person. The password hash travels apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user of every session of the account.
    pub id: UserId,
    /// Unique among all accounts.
    pub email: Email,
    /// What the person wants to be called.
    pub name: Option<Name>,
    /// When the account was made.
    pub created_at: UnixMillis,
    /// Whether somebody has typed a code that was sent to the address. Then everything that lets
    /// somebody in belongs to the owner of the address, and was set by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
    /// When it came to this address from another one, by a stamp of that one's guard; 0 where it did
    /// not. Every stamp at this address is later.
    #[serde(default, skip_serializing_if = "is_never")]
    pub moved_at: UnixMillis,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference; where words have 32 bits, the lint is silent"
)]
fn is_never(at: &UnixMillis) -> bool {
    *at == UnixMillis(0)
}

/// Maximum length of a [`Name`], in characters.
const NAME_CHARACTERS: usize = 200;

/// A person's name, as it was typed. Redacted when printed.
///
/// `serde` reads a stored one, as it is: a rule is for new names only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = text.into();
        if text.chars().count() > NAME_CHARACTERS {
            return Err(Problem("must be at most 200 characters"));
        }
        Ok(Self(text))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Name(_)")
    }
}

impl TryFrom<String> for Name {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(text)
    }
}
