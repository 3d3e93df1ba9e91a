//! Codes: six digits that are sent by e-mail, and typed into the app.
//!
//! A code is never stored: a guard keeps its MAC, under a key that is not in the storage. Whoever
//! reads the storage cannot try the 900,000 codes that there are.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    problem::Problem,
    text::{is_around, is_invisible},
};

/// Digits of a code.
const DIGITS: usize = 6;

/// The smallest code. None starts with a zero: a form or a table that takes it for a number would
/// drop it.
const FIRST: u64 = 100_000;

/// How many codes there are.
pub const CODES: u64 = 900_000;

const NO_CODE: Problem = Problem("must be the six digits of the code in the e-mail");

/// What a code is good for, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeKind {
    /// Another password, without the current one.
    Reset,
    /// A login, without a password; and the deletion of the account, in place of the password.
    Login,
    /// That the address is the user's.
    Verify,
    /// The address that it was sent to for an account that has another one.
    Change,
}

impl CodeKind {
    /// Its name, in e-mails for a webhook and below a MAC.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Login => "login",
            Self::Verify => "verify",
            Self::Change => "change",
        }
    }

    /// For how long a code is valid.
    #[must_use]
    pub fn lifetime_ms(self) -> u64 {
        let minutes = match self {
            Self::Reset | Self::Verify | Self::Change => 15,
            Self::Login => 10,
        };
        minutes * 60_000
    }
}

/// A code. Redacted when printed, zeroed on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// The code made of random bytes. That some codes are more likely than others by one in 10^13
    /// does not matter.
    #[must_use]
    pub fn from_random(bytes: [u8; 8]) -> Self {
        let number = FIRST + u64::from_be_bytes(bytes) % CODES;
        Self(Zeroizing::new(number.to_string()))
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = Problem;

    /// Reads a code as people type and paste it: in the digits of their keyboard, with spaces or
    /// hyphens.
    fn try_from(text: String) -> Result<Self, Problem> {
        let text = Zeroizing::new(text);
        let typed = text
            .chars()
            .filter(|character| !is_between(*character))
            .map(digit);
        let digits: Zeroizing<String> =
            Zeroizing::new(typed.collect::<Option<_>>().ok_or(NO_CODE)?);
        (digits.len() == DIGITS)
            .then_some(Self(digits))
            .ok_or(NO_CODE)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(_)")
    }
}

fn is_between(character: char) -> bool {
    is_around(character)
        || is_invisible(character)
        || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{ff0d}')
}

/// A decimal digit as ASCII: plain, full-width, Arabic, Persian, or Devanagari.
fn digit(character: char) -> Option<char> {
    const ZEROS: [char; 5] = ['0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'];
    let value = |zero: char| u32::from(character).checked_sub(u32::from(zero));
    let value = ZEROS
        .into_iter()
        .find_map(|zero| value(zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// A key for the MACs of codes. Redacted when printed, zeroed on drop.
#[derive(Clone)]
pub struct CodeKey(Zeroizing<[u8; 32]>);

impl CodeKey {
    /// The key with these bytes.
    pub(super) fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    fn mac(&self, kind: CodeKind, address: &str, code: &Code) -> CodeMac {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_ref()).expect("any length will do");
        for part in [kind.name(), address, code.expose()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        CodeMac(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CodeKey(_)")
    }
}

/// The key for new codes, and those of earlier secrets: a code that is under way when the secret is
/// changed stays valid.
#[derive(Debug, Clone)]
pub struct CodeKeys {
    /// For every new code.
    pub current: CodeKey,
    /// For codes that were sent before the secret was replaced.
    pub previous: Vec<CodeKey>,
}

impl CodeKeys {
    /// The MAC of a new code, which is good for this kind and this address only.
    #[must_use]
    pub fn mac(&self, kind: CodeKind, address: &str, code: &Code) -> CodeMac {
        self.current.mac(kind, address, code)
    }

    /// Every MAC that a code may have been stored as.
    #[must_use]
    pub fn macs(&self, kind: CodeKind, address: &str, code: &Code) -> Vec<CodeMac> {
        let keys = std::iter::once(&self.current).chain(&self.previous);
        keys.map(|key| key.mac(kind, address, code)).collect()
    }
}

/// What is stored of a code: HMAC-SHA256 of what it is for, the address, and the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeMac(String);

impl CodeMac {
    /// Whether it is one of these, compared in constant time.
    #[must_use]
    pub fn is_one_of(&self, others: &[Self]) -> bool {
        let is = |other: &Self| bool::from(self.0.as_bytes().ct_eq(other.0.as_bytes()));
        others.iter().fold(false, |found, other| found | is(other))
    }
}

/// For tests and messages; codes are compared by [`CodeMac::is_one_of`].
impl PartialEq for CodeMac {
    fn eq(&self, other: &Self) -> bool {
        self.is_one_of(std::slice::from_ref(other))
    }
}

impl Eq for CodeMac {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::secret::Secret;

    const EMAIL: &str = "ada@example.com";

    fn parse(text: &str) -> Result<Code, Problem> {
        Code::try_from(text.to_owned())
    }

    fn key(text: &str) -> CodeKey {
        let secret = Secret::parse(&text.repeat(4)).expect("long enough");
        secret.derived_code_key()
    }

    #[test]
    fn a_code_is_read_as_people_type_and_paste_it() {
        let code = parse("123456").expect("a code");
        for text in [
            " 123456\n",
            "123 456",
            "123\u{a0}456",
            "123-456",
            "1 2 3 4 5 6",
            "\u{200b}123456\u{feff}",
            "１２３４５６",
            "１２３　４５６",
            "١٢٣٤٥٦",
            "۱۲۳۴۵۶",
            "१२३४५६",
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&code), "{text}");
        }
    }

    #[test]
    fn what_has_not_six_digits_is_no_code() {
        for text in [
            "", "12345", "1234567", "12345a", "code", "12345.6", "½23456",
        ] {
            assert_eq!(parse(text), Err(NO_CODE), "{text}");
        }
    }

    #[test]
    fn a_new_code_has_six_digits_and_no_zero_in_front() {
        for number in [0, 1, CODES - 1, CODES, u64::MAX] {
            let code = Code::from_random(number.to_be_bytes());
            assert_eq!(parse(code.expose()), Ok(code.clone()), "{number}");
            assert!(!code.expose().starts_with('0'));
        }
        let code = |number: u64| Code::from_random(number.to_be_bytes()).expose().to_owned();
        assert_eq!(
            (code(0), code(CODES - 1)),
            ("100000".into(), "999999".into())
        );
    }

    #[test]
    fn a_mac_is_for_one_kind_one_address_one_code_and_one_secret() {
        let code = parse("123456").expect("a code");
        let mac = key("0123456789abcdef").mac(CodeKind::Reset, EMAIL, &code);
        // By Python's `hmac`, the key too (RFC 5869, without a salt).
        assert_eq!(mac.0, "HHO4-WLlFJRWJDXl4aT8pYhw6Wao_G5940SSCgiXG4U");
        let other_code = parse("123457").expect("a code");
        for other in [
            key("0123456789abcdef").mac(CodeKind::Login, EMAIL, &code),
            key("0123456789abcdef").mac(CodeKind::Verify, EMAIL, &code),
            key("0123456789abcdef").mac(CodeKind::Reset, "eve@example.com", &code),
            key("0123456789abcdef").mac(CodeKind::Reset, EMAIL, &other_code),
            key("0123456789abcdeg").mac(CodeKind::Reset, EMAIL, &code),
        ] {
            assert_ne!(mac, other);
        }
    }

    #[test]
    fn a_code_of_an_earlier_secret_is_found() {
        let code = parse("123456").expect("a code");
        let [old, new] = ["0123456789abcdef", "fedcba9876543210"].map(key);
        let sent = old.mac(CodeKind::Reset, EMAIL, &code);
        let keys = |previous| CodeKeys {
            current: new.clone(),
            previous,
        };
        let found = |keys: CodeKeys| sent.is_one_of(&keys.macs(CodeKind::Reset, EMAIL, &code));
        assert!(found(keys(vec![old.clone()])));
        assert!(!found(keys(vec![])));
    }

    #[test]
    fn neither_codes_nor_keys_can_be_printed() {
        let code = parse("123456").expect("a code");
        assert_eq!(
            format!("{code:?} {:?}", key("0123456789abcdef")),
            "Code(_) CodeKey(_)"
        );
    }
}
