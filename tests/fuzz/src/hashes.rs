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

/// Whether every number before the salt is small. bcrypt's is a power of two.
fn is_cheap(text: &str) -> bool {
    let costs = text.split('$').take(4).collect::<Vec<_>>().join("$");
    let max = if text.starts_with("$2") { 5 } else { CHEAP };
    costs
        .split(|character: char| !character.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .all(|digits| digits.parse().is_ok_and(|number: u32| number <= max))
        && (!text.contains("ln=") || text.contains("ln=4,") || text.contains("ln=1,"))
}
