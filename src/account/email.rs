//! E-mail addresses: what people log in with.
//!
//! An address is kept in one spelling, its *canonical form*: trimmed, in lower case, its letters
//! composed (NFC), its domain in ASCII (punycode). So a phone's capital letter, a pasted space, or a
//! keyboard that composes letters another way make no second account. Of the two forms of a domain the
//! ASCII one is kept: it is the one that e-mail itself uses, and most clients send it already.
//!
//! What looks like another address to nobody but a computer is rejected: invisible characters, and
//! letters in special forms, such as full-width or styled ones (all that NFKC would change). Taking
//! NFKC itself would send the messages for `ﬁ@example.com` to `fi@example.com`.
//!
//! Beyond that a sign-up takes nearly anything around an `@`: only a message sent to an address shows
//! that it is one. The rules are for new addresses. One that is stored is read as it is, and a login
//! finds it by the spelling of an earlier version ([`crate::account::spelling`]).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    port::Normalizer,
    problem::Problem,
    text::{is_invisible, trim},
};

/// Maximum size of an address, in bytes: a path in SMTP has 256 octets (RFC 5321, section
/// 4.5.3.1.3), two of which are the brackets around it. In UTF-8 these are octets too (RFC 6531,
/// section 3.3), and they are counted as they are stored, in the canonical form.
const EMAIL_BYTES: usize = 254;

/// Maximum size of an address that a login presents, in bytes: one that is stored may be older than
/// the limit above.
const PRESENTED_BYTES: usize = 1024;

const NO_ADDRESS: Problem = Problem("must be an e-mail address like ada@example.com");
const TOO_LONG: Problem = Problem("must be at most 1024 bytes long");

/// An e-mail address in its one spelling. Redacted when printed: it must not reach a log.
///
/// `serde` reads a stored one, as it is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// An address as earlier versions kept it: trimmed and in lower case.
    ///
    /// # Errors
    /// It has no `@`, or is far too long.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let address = text.trim().to_lowercase();
        if address.len() > PRESENTED_BYTES {
            return Err(TOO_LONG);
        }
        if !address.contains('@') {
            return Err(NO_ADDRESS);
        }
        Ok(Self(address))
    }

    /// The canonical form of an address that may have an account.
    ///
    /// An address in ASCII, nearly all of them, needs no normalizer.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse_new(text: &str, normalizer: &impl Normalizer) -> Result<Self, Problem> {
        if text.len() > PRESENTED_BYTES {
            return Err(TOO_LONG);
        }
        let address = with_plain_marks(trim(text));
        reject_unseen(&address)?;
        let (local, domain) = address.rsplit_once('@').ok_or(NO_ADDRESS)?;
        let local = canonical_local(local, normalizer)?;
        let domain = canonical_domain(domain, normalizer)?;
        if local.is_empty() || domain.is_empty() {
            return Err(NO_ADDRESS);
        }
        let address = [&local, "@", &domain].concat();
        if address.len() > EMAIL_BYTES {
            return Err(Problem("must be at most 254 bytes long"));
        }
        Ok(Self(address))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The full-width forms of `@` and of the dot, which keyboards for Chinese and Japanese type.
fn with_plain_marks(text: &str) -> String {
    text.replace('\u{ff20}', "@")
        .replace(['\u{ff0e}', '\u{3002}', '\u{ff61}'], ".")
}

fn reject_unseen(address: &str) -> Result<(), Problem> {
    if address.contains(is_invisible) {
        return Err(Problem(
            "has an invisible character in it: type it instead of pasting it",
        ));
    }
    if address.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Problem("must have no spaces in it"));
    }
    Ok(())
}

fn canonical_local(local: &str, normalizer: &impl Normalizer) -> Result<String, Problem> {
    if local.is_ascii() {
        return Ok(local.to_ascii_lowercase());
    }
    // Lower case may undo the composition.
    let local = normalizer.nfc(&normalizer.nfc(local).to_lowercase());
    let is_stable =
        normalizer.nfkc(&local) == local && normalizer.nfc(&local.to_lowercase()) == local;
    is_stable.then_some(local).ok_or(Problem(
        "has a letter in a special form, such as a full-width or a styled one: type it plainly",
    ))
}

fn canonical_domain(domain: &str, normalizer: &impl Normalizer) -> Result<String, Problem> {
    let domain = domain.to_lowercase();
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    if !is_literal && domain.ends_with(is_punctuation) {
        return Err(Problem(
            "ends with a character that no e-mail address ends with: remove it",
        ));
    }
    // A label of punycode may decode to nothing sensible.
    let is_plain = domain.is_ascii() && !domain.split('.').any(|label| label.starts_with("xn--"));
    if is_plain {
        return Ok(domain);
    }
    // Where a URL's host would end, or be decoded.
    if domain.contains(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-._".contains(c)) {
        return Err(NO_ADDRESS);
    }
    let in_ascii = normalizer.domain(&domain).ok_or(NO_ADDRESS)?;
    if in_ascii.ends_with(is_punctuation) {
        return Err(NO_ADDRESS);
    }
    Ok(in_ascii)
}

/// What a sentence or a list leaves behind an address.
fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(character, '\u{2010}'..='\u{205e}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{301f}'
            | '«' | '»' | '¿' | '¡' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}'
            | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}' | '\u{60c}' | '\u{61b}' | '\u{61f}')
}

/// An address as it was typed.
pub struct TypedEmail(String);

impl TypedEmail {
    /// See [`Email::parse_new`].
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn canonical(&self, normalizer: &impl Normalizer) -> Result<Email, Problem> {
        Email::parse_new(&self.0, normalizer)
    }

    /// See [`Email::parse`].
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn as_before(&self) -> Result<Email, Problem> {
        Email::parse(&self.0)
    }
}

impl TryFrom<String> for TypedEmail {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        Ok(Self(text))
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Email(_)")
    }
}
