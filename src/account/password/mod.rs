//! Passwords, and the hashes that stand for them.
//!
//! Every new hash is argon2id with the parameters that OWASP names first, as a PHC string. Hashes
//! of other systems are verified too, so that users can move without new passwords; a match then
//! says that the hash is outdated, and the caller, who has the password at that moment, stores a
//! new one. What is read:
//!
//! | Form | Made by |
//! |---|---|
//! | `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, also `argon2i` and `argon2d`; no `v` means 16 | the reference implementation, libsodium, PHP, Python, Node |
//! | `$2a$`, `$2b$`, `$2y$` | bcrypt everywhere |
//! | `$scrypt$ln=16,r=8,p=1$salt$hash` | passlib and the PHC libraries |
//! | `$pbkdf2-sha256$i=600000,l=32$salt$hash` | the PHC libraries |
//! | `$pbkdf2-sha256$29000$salt$hash` | passlib |
//! | `pbkdf2_sha256$1000000$salt$hash` | Django |
//! | `$firebase-scrypt$ln=14,r=8,ss=…,sk=…$salt$hash` | [`PasswordHash::from_firebase`] |
//!
//! The last is Tokenkeep's own writing of what Firebase exports: `mem_cost` (`ln`), `rounds` (`r`),
//! `base64_salt_separator` (`ss`), `base64_signer_key` (`sk`), then the user's salt and hash.
//!
//! A hash that would cost too much is rejected when it is read: anyone who sends a login with that
//! address makes Tokenkeep compute it. The limits stand beside each scheme. They keep the memory
//! under 65 MiB, and the time at two or three seconds where a hash of today takes
//! 25 ms: a machine four times slower still needs a third of the 30 seconds that a Durable Object
//! has.

mod argon2;
mod bcrypt;
mod common;
mod firebase;
mod pbkdf2;
mod reader;
mod scrypt;

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

use self::{
    argon2::{Algorithm, Argon2},
    bcrypt::Bcrypt,
    firebase::Firebase,
    pbkdf2::Pbkdf2,
    scrypt::Scrypt,
};
use crate::{account::email::Email, problem::Problem};

pub use self::firebase::FirebaseProject;

/// Minimum length of a password, in characters (NIST SP 800-63B, section 5.1.1.2).
const LEAST_CHARACTERS: usize = 8;

/// Maximum length of a password, in characters: room for a passphrase, and an end for what is sent.
const MOST_CHARACTERS: usize = 128;

/// Random bytes in the salt of a new hash (RFC 9106, section 3.1).
pub const SALT_BYTES: usize = 16;

/// Maximum size of a hash as text, in bytes. The longest known, Firebase's, has some 250.
const HASH_TEXT_BYTES: usize = 1024;

/// Maximum memory that one verification may take. A Durable Object has 128 MB, shared with the other
/// objects of its place, and WebAssembly's memory never shrinks. 64 MiB is the setting of PHP,
/// passlib and argon2-cffi; one more is for what scrypt needs beside its table.
const MEMORY_LIMIT_BYTES: u64 = 65 * 1024 * 1024;

const UNKNOWN: Problem = Problem(
    "must be a password hash of a known form: argon2, bcrypt, scrypt, PBKDF2-SHA256 or Firebase's scrypt",
);
const DAMAGED: Problem =
    Problem("must be a whole password hash: a part is missing, cut off or not as it should be");
const COSTLY: Problem =
    Problem("must be a password hash that takes at most 64 MiB and a few seconds to verify");

/// A password as the user typed it. Redacted when printed, zeroed on drop.
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password that is to be set.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse_new(text: impl Into<String>) -> Result<Self, Problem> {
        let password = Self::parse(text)?;
        if password.expose().chars().count() < LEAST_CHARACTERS {
            return Err(Problem("must be 8 to 128 characters long"));
        }
        if common::is_common(password.expose()) {
            return Err(Problem(
                "is one of the most common passwords, which are tried first: choose another",
            ));
        }
        Ok(password)
    }

    /// A password presented for verification. It may be shorter than a new one: other systems allow that, and
    /// people who come from there must be able to log in.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = Zeroizing::new(text.into());
        if (1..=MOST_CHARACTERS).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err(Problem("must be 8 to 128 characters long"))
        }
    }

    /// The hash to store: argon2id with today's parameters. It takes 19 MiB, and 25 to 60 ms.
    #[must_use]
    pub fn hash(&self, salt: [u8; SALT_BYTES]) -> PasswordHash {
        PasswordHash::from_argon2(Argon2::hash(self.bytes(), salt))
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn bytes(&self) -> &[u8] {
        self.expose().as_bytes()
    }
}

impl TryFrom<String> for Password {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

/// A password that is to be set.
pub struct NewPassword(Password);

impl NewPassword {
    /// The password, which must not be what everybody who knows the address tries next.
    ///
    /// # Errors
    /// It is the address, or the part before the `@`.
    pub fn not_of(self, email: &Email) -> Result<Password, Problem> {
        let password = self.0.expose().to_lowercase();
        let address = email.as_str();
        let is_local = address
            .rsplit_once('@')
            .is_some_and(|(local, _)| local == password);
        if is_local || password == address {
            return Err(Problem("must not be the e-mail address: choose another"));
        }
        Ok(self.0)
    }
}

impl TryFrom<String> for NewPassword {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Password::parse_new(text).map(Self)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(_)")
    }
}

/// The result of verifying a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The right password.
    Match,
    /// The right password, and a hash of another scheme or with other parameters than today's:
    /// to be replaced by a new one.
    MatchOutdated,
    /// The wrong password.
    Mismatch,
}

/// A password's hash, known to be of a form and a cost that can be verified. Redacted when
/// printed.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct PasswordHash {
    text: String,
    scheme: Scheme,
}

impl PasswordHash {
    /// Reads a hash as it is stored, or as another system wrote it.
    ///
    /// # Errors
    /// It is of no known form, damaged, or would take too much memory or time.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = text.into();
        let scheme = Scheme::parse(&text)?;
        Ok(Self { text, scheme })
    }

    /// A user's hash as Firebase exports it, both texts in base64.
    ///
    /// # Errors
    /// A part is damaged, or it would take too much memory or time.
    pub fn from_firebase(
        project: &FirebaseProject<'_>,
        salt: &str,
        password_hash: &str,
    ) -> Result<Self, Problem> {
        let firebase = Firebase::new(project, salt, password_hash)?;
        Ok(Self {
            text: firebase.to_string(),
            scheme: Scheme::Firebase(firebase),
        })
    }

    /// Holds a password against this hash, in a time that does not depend on where they differ.
    pub fn verify(&self, password: &Password) -> Verification {
        if !self.scheme.matches(password.bytes()) {
            Verification::Mismatch
        } else if self.scheme.is_current() {
            Verification::Match
        } else {
            Verification::MatchOutdated
        }
    }

    /// The text to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn from_argon2(argon2: Argon2) -> Self {
        Self {
            text: argon2.to_string(),
            scheme: Scheme::Argon2(argon2),
        }
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(text)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(_)")
    }
}

#[derive(Clone)]
enum Scheme {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
    Firebase(Firebase),
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > HASH_TEXT_BYTES {
            return Err(DAMAGED);
        }
        let (id, rest) = text
            .strip_prefix('$')
            .unwrap_or(text)
            .split_once('$')
            .ok_or(UNKNOWN)?;
        match (text.starts_with('$'), id) {
            (true, "argon2id") => Argon2::parse(Algorithm::Argon2id, rest).map(Self::Argon2),
            (true, "argon2i") => Argon2::parse(Algorithm::Argon2i, rest).map(Self::Argon2),
            (true, "argon2d") => Argon2::parse(Algorithm::Argon2d, rest).map(Self::Argon2),
            (true, "2a" | "2b" | "2y") => Bcrypt::parse(rest).map(Self::Bcrypt),
            (true, "scrypt") => Scrypt::parse(rest).map(Self::Scrypt),
            (true, "pbkdf2-sha256") => Pbkdf2::parse(rest).map(Self::Pbkdf2),
            (false, "pbkdf2_sha256") => Pbkdf2::parse_django(rest).map(Self::Pbkdf2),
            (true, "firebase-scrypt") => Firebase::parse(rest).map(Self::Firebase),
            _ => Err(UNKNOWN),
        }
    }

    fn matches(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2(hash) => hash.matches(password),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password),
            Self::Pbkdf2(hash) => hash.matches(password),
            Self::Firebase(hash) => hash.matches(password),
        }
    }

    fn is_current(&self) -> bool {
        matches!(self, Self::Argon2(hash) if hash.is_current())
    }
}

#[cfg(test)]
mod tests;
