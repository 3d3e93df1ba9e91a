//! E-mail addresses: what people log in with.
//!
//! An address is kept in one spelling, trimmed and in lower case, so that a phone's capital
//! letter or stray space makes no second account. Beyond that a sign-up takes nearly anything around
//! an `@`: only a message sent to an address shows that it is one. Two Unicode spellings of one letter
//! (composed and decomposed) stay two addresses: telling them apart would take tables bigger than
//! the rest of Tokenkeep.
//!
//! The rules are for new addresses only. One that is stored is read as it is, and a login takes any
//! text with an `@`: stricter rules must not lock out those who signed up before.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// Maximum size of an address, in bytes: a path in SMTP has 256 octets (RFC 5321, section
/// 4.5.3.1.3), two of which are the brackets around it. In UTF-8 these are octets too (RFC 6531,
/// section 3.3), and they are counted as they are stored, in lower case.
const EMAIL_BYTES: usize = 254;

/// Maximum size of an address that a login presents, in bytes: one that is stored may be older than
/// the limit above.
const PRESENTED_BYTES: usize = 1024;

const NO_ADDRESS: Problem = Problem("must be an e-mail address like ada@example.com");

/// Characters that are pasted along unseen: they would make an address that nobody can type.
const INVISIBLE: [char; 6] = [
    '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}',
];

/// An e-mail address in its one spelling. Redacted when printed: it must not reach a log.
///
/// `serde` reads a stored one, as it is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// An address that a login presents.
    ///
    /// # Errors
    /// It has no `@`, or is far too long.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let address = text.trim().to_lowercase();
        if address.len() > PRESENTED_BYTES {
            return Err(Problem("must be at most 1024 bytes long"));
        }
        if !address.contains('@') {
            return Err(NO_ADDRESS);
        }
        Ok(Self(address))
    }

    /// An address that is to have an account.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse_new(text: &str) -> Result<Self, Problem> {
        let Self(address) = Self::parse(text)?;
        if address.len() > EMAIL_BYTES {
            return Err(Problem("must be at most 254 bytes long"));
        }
        let is_unfit = |c: char| c.is_whitespace() || c.is_control() || INVISIBLE.contains(&c);
        match address.rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {}
            _ => return Err(NO_ADDRESS),
        }
        if address.contains(is_unfit) {
            return Err(Problem("must have no spaces in it"));
        }
        Ok(Self(address))
    }

    /// The address as text, trimmed and in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Self::parse(&text)
    }
}

/// An address that is to have an account.
pub struct NewEmail(pub Email);

impl TryFrom<String> for NewEmail {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Email::parse_new(&text).map(Self)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Email(_)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spaces_around_and_capitals_make_no_other_address() {
        let email = Email::parse_new("\u{a0} Ada.Lovelace@Example.COM\r\n").expect("good");
        assert_eq!(email.as_str(), "ada.lovelace@example.com");
        assert_eq!(
            Email::parse_new("ÄDA@BÜCHER.example")
                .expect("good")
                .as_str(),
            "äda@bücher.example"
        );
    }

    #[test]
    fn unusual_addresses_are_taken() {
        for text in [
            "a@b",
            "root@localhost",
            "ada+tag@example.com",
            "o'hara@example.com",
            "\"a@b\"@example.com",
            "用户@例子.广告",
            "ada@[IPv6:2001:db8::1]",
            "';drop/**/table/**/users;--@example.com",
        ] {
            assert!(Email::parse_new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for text in [
            "",
            " ",
            "@",
            "ada",
            "ada@",
            " @example.com",
            "ada@ ",
            "ada lovelace@example.com",
            "ada@example\t.com",
            "ada@example.com\0x",
            "ada@exa\u{2003}mple.com",
        ] {
            assert!(Email::parse_new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_of_255_bytes_is_refused() {
        let long = |bytes: usize| format!("{}@example.com", "x".repeat(bytes - 12));
        assert!(Email::parse_new(&long(254)).is_ok());
        assert!(Email::parse_new(&format!("  {}  ", long(254))).is_ok());
        assert!(Email::parse_new(&long(255)).is_err());
        assert!(Email::parse_new(&format!("{}@example.com", "ü".repeat(122))).is_err());
    }

    #[test]
    fn an_address_cannot_be_printed() {
        let email = Email::parse_new("ada@example.com").expect("good");
        assert_eq!(format!("{email:?}"), "Email(_)");
    }

    proptest! {
        #[test]
        fn the_one_spelling_of_an_address_is_its_own(text in "\\PC{1,8}@\\PC{1,8}") {
            if let Ok(email) = Email::parse_new(&text) {
                prop_assert_eq!(Email::parse_new(email.as_str()), Ok(email));
            }
        }
    }
}
