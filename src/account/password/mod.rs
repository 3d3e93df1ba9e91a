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
//! | `$2a$`, `$2b$`, `$2y$`; `$2$` and `$2x$` | bcrypt everywhere; in 1997, and with PHP's bug of 2011 |
//! | `$wp$2y$`, `$P$`; `$H$` | `WordPress` since 6.8 and before; `phpBB` |
//! | `$bcrypt-sha256$v=2,t=2b,r=12$salt$hash` | passlib |
//! | `$scrypt$ln=16,r=8,p=1$salt$hash` | passlib and the PHC libraries |
//! | `$pbkdf2-sha256$i=600000,l=32$salt$hash`, also `sha1` and `sha512` | the PHC libraries |
//! | `$pbkdf2-sha256$29000$salt$hash`, `$pbkdf2-sha512$…`, `$pbkdf2$…` | passlib |
//! | `pbkdf2_sha256$1000000$salt$hash`, `pbkdf2_sha1$…`, `scrypt$16384$salt$8$5$hash`, `argon2$argon2id$…`, `bcrypt$$2b$…`, `bcrypt_sha256$$2b$…` | Django |
//! | `scrypt:32768:8:1$salt$hash`, `pbkdf2:sha256:1000000$salt$hash` | Werkzeug |
//! | `salt:hash`, `s2:salt:hash` | Better Auth, Lucia |
//! | `AQAAAA…`, base64 | ASP.NET Identity |
//! | `{bcrypt}$2a$…`, `{pbkdf2}…`, `{scrypt}…`, `{argon2}…`, also with `@SpringSecurity_v5_8` | Spring Security |
//! | `$fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash` | Supabase, of Firebase's |
//! | `$firebase-scrypt$ln=14,r=8,ss=…,sk=…$salt$hash` | [`PasswordHash::from_firebase`] |
//! | `!…`, which no password matches | Django, `/etc/shadow`, [`PasswordHash::none`] |
//!
//! [`PasswordHash::from_keycloak`] makes one of these of what Keycloak exports.
//!
//! The last is Tokenkeep's own writing of what Firebase exports: `mem_cost` (`ln`), `rounds` (`r`),
//! `base64_salt_separator` (`ss`), `base64_signer_key` (`sk`), then the user's salt and hash.
//!
//! A hash that would cost too much is rejected when it is read: anyone who sends a login with that
//! address makes Tokenkeep compute it. The limits stand beside each scheme. They keep the memory
//! under 65 MiB, and the time at one or two seconds where a hash of today takes 25 ms: on a machine
//! half as fast, the answer still comes before [`ATTEMPT_TIMEOUT_MS`] ends.
//!
//! [`ATTEMPT_TIMEOUT_MS`]: crate::account::guard::ATTEMPT_TIMEOUT_MS

mod argon2;
mod bcrypt;
mod common;
mod firebase;
mod keycloak;
mod pbkdf2;
mod phpass;
mod reader;
mod scrypt;

use std::{fmt, hint};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use self::{
    argon2::{Algorithm, Argon2},
    bcrypt::{Bcrypt, Key},
    firebase::Firebase,
    pbkdf2::{Pbkdf2, Prf},
    phpass::Phpass,
    scrypt::Scrypt,
};
use crate::{account::email::Email, port::Normalizer, problem::Problem};

pub use self::{firebase::FirebaseProject, keycloak::KeycloakCredential};

/// Minimum length of a password, in characters (NIST SP 800-63B, section 5.1.1.2).
const LEAST_CHARACTERS: usize = 8;

/// Maximum length of a password, in characters: room for a passphrase, and an end for what is sent.
const MOST_CHARACTERS: usize = 128;

/// The same of a password presented for verification: Django has the greatest limit known.
const PRESENTED_CHARACTERS: usize = 4096;

/// Random bytes in the salt of a new hash (RFC 9106, section 3.1).
pub const SALT_BYTES: usize = 16;

/// Maximum size of a hash as text, in bytes. The longest known, Firebase's, has some 250.
const HASH_TEXT_BYTES: usize = 1024;

/// Maximum memory that one verification may take. A Durable Object has 128 MB, shared with the other
/// objects of its place, and WebAssembly's memory never shrinks. 64 MiB is the setting of PHP,
/// passlib and argon2-cffi; one more is for what scrypt needs beside its table.
const MEMORY_LIMIT_BYTES: u64 = 65 * 1024 * 1024;

/// What a new hash takes.
const NEW_HASH_BYTES: u64 = 19 * 1024 * 1024;

const UNKNOWN: Problem = Problem(
    "must be a password hash of a form that docs/import.md lists: of argon2, bcrypt, scrypt, PBKDF2 or phpass",
);
const DAMAGED: Problem =
    Problem("must be a whole password hash: a part is missing, cut off or not as it should be");
const COSTLY: Problem =
    Problem("must be a password hash that takes at most 64 MiB and a few seconds to verify");

/// A password as the user typed it. Redacted when printed, zeroed on drop.
pub struct Password {
    text: Zeroizing<String>,
    /// Its canonical form, where that is another.
    canonical: Option<Zeroizing<String>>,
    /// Its NFKC form, where that is another.
    nfkc: Option<Zeroizing<String>>,
}

impl Password {
    /// A password that is to be set.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse_new(text: impl Into<String>) -> Result<Self, Problem> {
        let password = Self::parse(text)?;
        let characters = password.expose().chars().count();
        if !(LEAST_CHARACTERS..=MOST_CHARACTERS).contains(&characters) {
            return Err(Problem("must be 8 to 128 characters long"));
        }
        if common::is_common(password.expose()) {
            return Err(Problem(
                "is one of the most common passwords, which are tried first: choose another",
            ));
        }
        Ok(password)
    }

    /// A password presented for verification. It may be shorter or longer than a new one: other
    /// systems allow that, and people who come from there must be able to log in.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = Zeroizing::new(text.into());
        if (1..=PRESENTED_CHARACTERS).contains(&text.chars().count()) {
            Ok(Self {
                text,
                canonical: None,
                nfkc: None,
            })
        } else {
            Err(Problem("must be 1 to 4096 characters long"))
        }
    }

    /// The hash to store: argon2id with today's parameters. It takes 19 MiB, and 25 to 60 ms.
    #[must_use]
    pub fn hash(&self, salt: [u8; SALT_BYTES]) -> PasswordHash {
        PasswordHash::from_argon2(Argon2::hash(self.canonical().as_bytes(), salt))
    }

    /// With its canonical form (RFC 8265, section 4.2.2, `OpaqueString`: NFC, and every space a plain
    /// one), which is hashed here, so that every keyboard types the same password; and its NFKC form,
    /// which some systems hash instead.
    #[must_use]
    pub fn normalized(mut self, normalizer: &impl Normalizer) -> Self {
        if !self.text.is_ascii() {
            let with_plain_spaces = Zeroizing::new(self.text.replace(is_other_space, " "));
            let canonical = Zeroizing::new(normalizer.nfc(&with_plain_spaces));
            self.canonical = Some(canonical).filter(|canonical| *canonical != self.text);
            self.nfkc = Some(Zeroizing::new(normalizer.nfkc(&self.text)));
        }
        self
    }

    /// The canonical form; the password as it was typed where [`Self::normalized`] was not called.
    #[must_use]
    pub fn canonical(&self) -> &str {
        self.canonical.as_ref().unwrap_or(&self.text)
    }

    /// The canonical form as a password of its own, where it is another.
    fn in_canonical_form(&self) -> Option<Self> {
        self.canonical.clone().map(|text| Self {
            text,
            canonical: None,
            nfkc: self.nfkc.clone(),
        })
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    fn nfkc(&self) -> &str {
        self.nfkc.as_ref().unwrap_or(&self.text)
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
    /// The right password; the hash stays.
    Match,
    /// The right password, and a hash of another scheme or with other parameters than today's:
    /// to be replaced by a new one. Never where the hash would have taken another password too: its
    /// owner may have typed that one until now.
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

    /// A user's password as Keycloak exports it.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_keycloak(credential: &KeycloakCredential) -> Result<Self, Problem> {
        Self::parse(credential.to_phc()?)
    }

    /// Holds a password against this hash, in a time that does not depend on where they differ. The
    /// canonical form comes first; then the password as it was typed, for a hash of an earlier version
    /// or of another system, which is outdated. The second costs time where the two differ only.
    pub fn verify(&self, password: &Password) -> Verification {
        let Some(canonical) = password.in_canonical_form() else {
            return self.verify_as_typed(password, self.scheme.is_current());
        };
        match self.verify_as_typed(&canonical, self.scheme.is_current()) {
            Verification::Mismatch => self.verify_as_typed(password, false),
            verified => verified,
        }
    }

    fn verify_as_typed(&self, password: &Password, is_current: bool) -> Verification {
        if !self.scheme.matches(password) {
            Verification::Mismatch
        } else if is_current || !self.scheme.distinguishes(password) {
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

    /// What stands in the place of a hash where there is no password. No two are the same: like a
    /// hash, it is replaced only by whoever has seen this very one.
    #[must_use]
    pub fn none(unique: [u8; SALT_BYTES]) -> Self {
        Self {
            text: format!("!{}", URL_SAFE_NO_PAD.encode(unique)),
            scheme: Scheme::None,
        }
    }

    /// Whether it stands for no password at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.scheme, Scheme::None)
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
    Phpass(Phpass),
    Firebase(Firebase),
    /// There is no password.
    None,
}

impl Scheme {
    fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > HASH_TEXT_BYTES {
            return Err(DAMAGED);
        }
        if text.starts_with('!') {
            return Ok(Self::None);
        }
        if let Some((encoder, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        {
            return Self::parse_spring(encoder, rest);
        }
        // The first character may be a `$` that ends nothing.
        let end = text.bytes().skip(1).position(|byte| byte == b'$');
        match end.map(|end| (&text[..=end], &text[end + 2..])) {
            Some((form, rest)) => Self::parse_form(form, rest),
            None => match text.rsplit_once(':') {
                Some((salt, digest)) => {
                    let salt = salt.strip_prefix("s2:").unwrap_or(salt);
                    Scrypt::parse_lucia(salt, digest).map(Self::Scrypt)
                }
                None => Pbkdf2::parse_asp_net(text).map(Self::Pbkdf2),
            },
        }
    }

    /// Reads a hash that names its form before a `$`.
    fn parse_form(form: &str, rest: &str) -> Result<Self, Problem> {
        match form {
            "$argon2id" => Argon2::parse(Algorithm::Argon2id, rest).map(Self::Argon2),
            "$argon2i" => Argon2::parse(Algorithm::Argon2i, rest).map(Self::Argon2),
            "$argon2d" => Argon2::parse(Algorithm::Argon2d, rest).map(Self::Argon2),
            "$2" | "$2a" | "$2b" | "$2x" | "$2y" => {
                let text = [&form[1..], "$", rest].concat();
                Bcrypt::parse(&text, Key::Plain).map(Self::Bcrypt)
            }
            "$wp" => Bcrypt::parse(rest, Key::WordPress).map(Self::Bcrypt),
            "$bcrypt-sha256" => Bcrypt::parse_passlib(rest).map(Self::Bcrypt),
            "$P" | "$H" => Phpass::parse(rest).map(Self::Phpass),
            "$scrypt" => Scrypt::parse(rest).map(Self::Scrypt),
            "$pbkdf2" | "$pbkdf2-sha1" => Pbkdf2::parse(Prf::Sha1, rest).map(Self::Pbkdf2),
            "$pbkdf2-sha256" => Pbkdf2::parse(Prf::Sha256, rest).map(Self::Pbkdf2),
            "$pbkdf2-sha512" => Pbkdf2::parse(Prf::Sha512, rest).map(Self::Pbkdf2),
            "$firebase-scrypt" => Firebase::parse(rest).map(Self::Firebase),
            "$fbscrypt" => Firebase::parse_supabase(rest).map(Self::Firebase),
            _ if form.starts_with('$') => Err(UNKNOWN),
            _ => match form.split_once(':') {
                Some(("scrypt", costs)) => Scrypt::parse_werkzeug(costs, rest).map(Self::Scrypt),
                Some(("pbkdf2", costs)) => Pbkdf2::parse_werkzeug(costs, rest).map(Self::Pbkdf2),
                Some(_) => Err(UNKNOWN),
                None => Self::parse_django(form, rest),
            },
        }
    }

    /// Reads what follows the name of a hasher of Django's.
    fn parse_django(hasher: &str, rest: &str) -> Result<Self, Problem> {
        let after_dollar = || rest.strip_prefix('$').ok_or(DAMAGED);
        match hasher {
            "pbkdf2_sha1" => Pbkdf2::parse_django(Prf::Sha1, rest).map(Self::Pbkdf2),
            "pbkdf2_sha256" => Pbkdf2::parse_django(Prf::Sha256, rest).map(Self::Pbkdf2),
            "scrypt" => Scrypt::parse_django(rest).map(Self::Scrypt),
            "bcrypt" => Bcrypt::parse(after_dollar()?, Key::Plain).map(Self::Bcrypt),
            "bcrypt_sha256" => Bcrypt::parse(after_dollar()?, Key::Sha256Hex).map(Self::Bcrypt),
            "argon2" => {
                let (form, rest) = rest.split_once('$').ok_or(DAMAGED)?;
                Self::parse_form(&["$", form].concat(), rest)
            }
            _ => Err(UNKNOWN),
        }
    }

    /// Reads what follows the name of an encoder of Spring Security's: the ones of its defaults.
    fn parse_spring(encoder: &str, rest: &str) -> Result<Self, Problem> {
        let (name, version) = encoder.split_once('@').unwrap_or((encoder, ""));
        match (name, version) {
            ("pbkdf2", "") => Pbkdf2::parse_spring(Prf::Sha1, 185_000, 8, rest).map(Self::Pbkdf2),
            ("pbkdf2", "SpringSecurity_v5_8") => {
                Pbkdf2::parse_spring(Prf::Sha256, 310_000, 16, rest).map(Self::Pbkdf2)
            }
            ("scrypt", _) => Scrypt::parse_spring(rest).map(Self::Scrypt),
            ("bcrypt" | "argon2", _) => {
                let rest = rest.strip_prefix('$').ok_or(DAMAGED)?;
                let (form, rest) = rest.split_once('$').ok_or(DAMAGED)?;
                Self::parse_form(&["$", form].concat(), rest)
            }
            _ => Err(UNKNOWN),
        }
    }

    fn matches(&self, password: &Password) -> bool {
        match self {
            Self::Argon2(hash) => hash.matches(password.bytes()),
            Self::Bcrypt(hash) => hash.matches(password.bytes()),
            Self::Scrypt(hash) => hash.matches(password),
            Self::Pbkdf2(hash) => hash.matches(password.bytes()),
            Self::Phpass(hash) => hash.matches(password.bytes()),
            Self::Firebase(hash) => hash.matches(password.bytes()),
            Self::None => false,
        }
    }

    /// Whether this hash takes no other password that its owner might type.
    fn distinguishes(&self, password: &Password) -> bool {
        match self {
            Self::Bcrypt(hash) => hash.distinguishes(password.bytes()),
            Self::Scrypt(hash) => hash.distinguishes(password),
            Self::Phpass(_) => php_trimmed(password.bytes()) == password.bytes(),
            Self::Argon2(_) | Self::Pbkdf2(_) | Self::Firebase(_) | Self::None => true,
        }
    }

    fn is_current(&self) -> bool {
        matches!(self, Self::Argon2(hash) if hash.is_current())
    }
}

/// Makes room for a hash that takes more than a new one. WebAssembly's memory never shrinks, and
/// when something does not fit, the allocator adds as much as that takes, and uses nothing of what is
/// free. Hashes of ever greater costs would fill the object; room for the greatest, made once, is
/// used by all.
fn reserve(bytes: u64) {
    if bytes > NEW_HASH_BYTES {
        let limit = usize::try_from(MEMORY_LIMIT_BYTES).expect("65 MiB");
        // Allocated and freed again, which the compiler would leave out.
        drop(hint::black_box(Vec::<u8>::with_capacity(limit)));
    }
}

/// A space of Unicode (category Zs) that is not the plain one.
fn is_other_space(character: char) -> bool {
    matches!(
        character,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// What PHP's `trim` leaves of a password.
fn php_trimmed(password: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = password.iter().position(|byte| !is_space(byte));
    let end = password.iter().rposition(|byte| !is_space(byte));
    match (start, end) {
        (Some(start), Some(end)) => &password[start..=end],
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
