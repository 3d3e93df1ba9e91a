//! The most common passwords.
//!
//! `common.txt` has the 3,000 most common ones of eight or more characters, in lower case: the first
//! that a list attack tries. They come from the list of Django's `CommonPasswordValidator`, which is
//! ordered by frequency (BSD licence: `common.LICENSE.txt`).
//!
//! The list is text, searched as it is: 11 KB of the compressed bundle. A filter of 16-bit
//! fingerprints would take 7 KB and reject one good password in 65,536 with a reason that is not
//! true.

/// One a line, sorted.
const COMMON: &str = include_str!("common.txt");

/// Whether this is one of them, in whatever case.
pub fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    COMMON.lines().any(|common| common == password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_three_thousand_passwords_that_could_be_set() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), 3_000);
        assert!(lines.is_sorted());
        for line in lines {
            assert!(line.len() >= 8 && *line == line.to_lowercase(), "{line}");
        }
    }

    #[test]
    fn common_passwords_are_found_in_any_case_and_no_others() {
        for common in ["password", "PassWord1", "12345678", "iloveyou", "1qaz2wsx"] {
            assert!(is_common(common), "{common}");
        }
        for other in [
            "",
            "pass",
            "correct horse",
            "password\npassword1",
            "passwort 1",
        ] {
            assert!(!is_common(other), "{other}");
        }
    }
}
