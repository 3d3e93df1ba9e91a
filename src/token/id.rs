//! Identifiers: the user, the session, and the two together.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// Random bytes in a [`SessionId`] and in an access token's `jti`: 128 bits cannot be guessed.
pub const ID_BYTES: usize = 16;

/// Maximum length of a [`UserId`]: it is part of a KV key, which may have 512 bytes.
const USER_ID_CHARACTERS: usize = 128;

/// The user's identifier: 1 to 128 characters of `A–Z a–z 0–9 _ . @ + | -`.
///
/// No `:` among them, so that KV keys made of it cannot be ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

impl UserId {
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@+|-".contains(&byte);
        if (1..=USER_ID_CHARACTERS).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(Problem(
                "must be 1 to 128 characters of A-Z a-z 0-9 _ . @ + | -",
            ))
        }
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserId {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

/// The session's identifier: 128 random bits as 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SessionId(String);

impl SessionId {
    /// The identifier made of random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; ID_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = text.into();
        match URL_SAFE_NO_PAD.decode(&text) {
            Ok(bytes) if bytes.len() == ID_BYTES => Ok(Self(text)),
            _ => Err(Problem("must be a session id as an answer gave it")),
        }
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

/// Whose users they are. The same user id in both is two people, with keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Realm {
    /// Those who have an account here. Tokens without a mark belong here too: an earlier version
    /// kept every session under these keys.
    #[default]
    Account,
    /// Those of the owner's own back end, which opens their sessions with the service key.
    Service,
}

/// One session of one user, as a token and the KV keys name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRef {
    /// Which keys it has.
    pub realm: Realm,
    /// Whose session it is.
    pub user: UserId,
    /// Which of the user's sessions.
    pub session: SessionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_of_other_systems_are_accepted() {
        for id in [
            "7",
            "auth0|5f7c8ec7",
            "ada.lovelace+1@example.com",
            &"x".repeat(128),
        ] {
            assert!(UserId::parse(id).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_user_id_that_could_confuse_a_key_is_refused() {
        for id in ["", "a:b", "a b", "é", "a/b", "a\n", &"x".repeat(129)] {
            assert!(UserId::parse(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn a_session_id_is_128_bits_of_base64url() {
        assert!(SessionId::parse(SessionId::from_random([255; 16]).as_str()).is_ok());
        for id in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAA+",
            "AAAAAAAAAAAAAAAAAAAAAB",
        ] {
            assert!(SessionId::parse(id).is_err(), "{id:?}");
        }
    }
}
