//! Password hashes of every scheme.

use tokenkeep::account::password::{Password, PasswordHash, Verification};

/// Only numbers up to this are computed: the limits of costs are the reader's, and what they let
/// through takes up to some seconds.
const CHEAP: u32 = 64;

/// A hash that is taken keeps its text, and can be checked against a password that is not its own.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(hash) = PasswordHash::parse(text.as_ref()) else {
        return;
    };
    assert_eq!(hash.as_str(), text);
    if is_cheap(&text) {
        let password = Password::parse("no password of anyone").expect("a password");
        assert_eq!(hash.verify(&password), Verification::Mismatch);
    }
}

/// Whether every number before the salt is small. bcrypt's and Firebase's are powers of two; of some
/// forms the costs are fixed, or not to be read.
fn is_cheap(text: &str) -> bool {
    if !text.contains('$')
        || text.starts_with('{')
        || text.starts_with("$P")
        || text.starts_with("$H")
    {
        return false;
    }
    // Django's scrypt has two of its costs behind the salt.
    let pieces = if text.starts_with("scrypt$") { 5 } else { 4 };
    let costs = text.split('$').take(pieces).collect::<Vec<_>>().join("$");
    let max = if costs.contains("$2") || costs.contains("bcrypt") {
        5
    } else {
        CHEAP
    };
    costs
        .split(|character: char| !character.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .all(|digits| digits.parse().is_ok_and(|number: u32| number <= max))
        && (!text.contains("n=") || text.contains("n=4,") || text.contains("n=1,"))
}
