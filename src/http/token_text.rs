//! What surrounds a token when people and app builders paste and fill in: white space, line ends,
//! quotation marks, a second `Bearer`. And what is no token at all, but the variable that should
//! have been replaced by one.

use crate::text;

/// What may stand around a token and never belongs to it.
fn is_around(character: char) -> bool {
    text::is_around(character)
        || matches!(
            character,
            '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '«' | '»'
        )
}

/// The token in a text; none where there is only a variable that was not filled in. An empty text is
/// one that was filled in with nothing.
#[must_use]
pub fn token_in(text: &str) -> Option<&str> {
    let mut token = text.trim_matches(is_around);
    while let Some(rest) = after_bearer(token) {
        token = rest.trim_matches(is_around);
    }
    (!is_variable(token)).then_some(token)
}

/// Whether a header names the scheme `Bearer`, whose case does not matter (RFC 9110, section 11.1).
#[must_use]
pub fn has_bearer(header: &str) -> bool {
    after_bearer(header.trim_matches(is_around)).is_some()
}

/// What follows a `Bearer` at the start, in any case.
fn after_bearer(text: &str) -> Option<&str> {
    const BEARER: &str = "bearer";
    let (scheme, rest) = text.split_at_checked(BEARER.len())?;
    let is_scheme = scheme.eq_ignore_ascii_case(BEARER) && !rest.starts_with(is_of_token);
    is_scheme.then(|| rest.trim_start_matches([':', ',']))
}

/// The characters of a token (RFC 6750, section 2.1, `b64token`).
fn is_of_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~+/=".contains(character)
}

/// Whether this is the variable itself, in the notation of some app builder, or what JavaScript,
/// Python and others write for a value that is not there.
fn is_variable(text: &str) -> bool {
    const NOTATIONS: [(&str, &str); 4] = [("{{", "}}"), ("<", ">"), ("[", "]"), ("%", "%")];
    const NOTHING: [&str; 5] = ["undefined", "null", "none", "nil", "[object object]"];
    text.is_empty()
        || has_placeholder(text)
        || NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word))
        || NOTATIONS
            .iter()
            .any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}

/// Whether there is a variable in a text that an app builder sent without filling it in, such as
/// `Bearer ${accessToken}`.
#[must_use]
pub fn has_placeholder(text: &str) -> bool {
    text.split_once("${")
        .is_some_and(|(_, rest)| rest.contains('}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_around_a_token_is_dropped() {
        for text in [
            "a.b.c",
            " a.b.c\r\n",
            "\"a.b.c\"",
            "“a.b.c”",
            "'Bearer a.b.c'",
            "bearer  Bearer\ta.b.c",
            "\u{feff}\u{a0}a.b.c\u{200b}",
        ] {
            assert_eq!(token_in(text), Some("a.b.c"), "{text:?}");
        }
        assert_eq!(token_in("bearer.b.c"), Some("bearer.b.c"));
    }

    #[test]
    fn a_variable_is_no_token() {
        for text in [
            "",
            " \n",
            "\"\"",
            "Bearer",
            "${accessToken}",
            "Token ${x}",
            "Bearer${accessToken}",
            "{{refreshToken}}",
            " '{{ refresh_token }}'",
            "<refreshToken>",
            "[refreshToken]",
            "%refreshToken%",
            "undefined",
            "Bearer null",
            "None",
            "nil",
            "[object Object]",
        ] {
            assert_eq!(token_in(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_looks_like_a_token_is_taken_as_it_is(token in "[A-Za-z0-9_-]{8,20}\\.[A-Za-z0-9_-]{8,20}\\.[A-Za-z0-9_-]{8,20}") {
            prop_assert_eq!(token_in(&token), Some(token.as_str()));
            let around = format!("\n\"Bearer {token}\" ");
            prop_assert_eq!(token_in(&around), Some(token.as_str()));
        }
    }
}
