//! Secrets: how they are read from configuration, and the keys made of them.
//!
//! A secret is text of at least 32 bytes, used as its UTF-8 bytes after trimming white space at
//! its ends, or a JWK of `kty` `oct` (RFC 7518, section 6.4).

use std::{collections::BTreeSet, fmt};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    text::trim,
    token::{
        code::CodeKey,
        json,
        key::{NEW_SECRET_BYTES, SECRET_ALGORITHM, SECRET_BYTES, SigningKey},
    },
};

/// Minimum number of different bytes in a secret. 32 random characters of base64 have fewer once in
/// ten billion times.
const DIFFERENT_BYTES: usize = 12;

/// The same where all are hexadecimal digits, of which there are only 16 (`openssl rand -hex 16`): one
/// random secret in fifty would have fewer than twelve.
const DIFFERENT_HEX_DIGITS: usize = 8;

/// HKDF's `info` for the access token key. Changing it changes every key.
const ACCESS_KEY_INFO: &[u8] = b"tokenkeep access token v1";

/// The same for the key of codes that are sent by e-mail.
const CODE_KEY_INFO: &[u8] = b"tokenkeep e-mail code v1";

/// What is wrong with a configured secret. It never contains the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretProblem {
    /// Fewer than 32 bytes.
    #[error("is too short: at least {SECRET_BYTES} bytes are needed")]
    TooShort,
    /// Too few different characters: a word or a key held down, and not random text.
    #[error("is too easy to guess: at least {DIFFERENT_BYTES} different characters are needed")]
    Monotonous,
    /// It starts like JSON, but is not a JWK of `kty` `oct` for our algorithm.
    #[error(
        "looks like a JWK, but is not one of \"kty\":\"oct\" for {SECRET_ALGORITHM} with a base64url \"k\""
    )]
    BadJwk,
    /// A command that was pasted in place of the secret.
    #[error("is a command, not a secret: paste the secret when the command asks for it")]
    Command,
    /// No header can carry it.
    #[error(
        "has a character that no HTTP header can carry: use letters, digits and punctuation of ASCII only"
    )]
    NotForHeaders,
    /// All that `/generate_jwt_secret` shows, and not the secret in it.
    #[error("is the whole response of /generate_jwt_secret: paste only the text after \"secret\":")]
    WholeResponse,
}

/// The bytes of a secret. Redacted when printed, zeroed on drop, compared in constant time.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Parses one secret as it is configured.
    ///
    /// # Errors
    /// The secret is too short, or a JWK of another kind.
    pub fn parse(text: &str) -> Result<Self, SecretProblem> {
        let text = trim(text);
        if text.starts_with("npx ") {
            return Err(SecretProblem::Command);
        }
        if text.starts_with('{') && text.contains("\"secret\"") {
            return Err(SecretProblem::WholeResponse);
        }
        let bytes = if text.starts_with('{') {
            symmetric_key(text).ok_or(SecretProblem::BadJwk)?
        } else {
            text.as_bytes().to_vec()
        };
        let secret = Self(Zeroizing::new(bytes));
        if secret.0.len() < SECRET_BYTES {
            return Err(SecretProblem::TooShort);
        }
        if !text.starts_with('{') && is_monotonous(text) {
            return Err(SecretProblem::Monotonous);
        }
        Ok(secret)
    }

    /// The secret as an earlier version would have read it, if that is another: with the invisible
    /// characters at its ends. What was signed with it stays valid.
    #[must_use]
    pub fn as_read_before(text: &str) -> Option<Self> {
        let before = text.trim();
        let is_another = before != trim(text) && before.len() >= SECRET_BYTES;
        (is_another && !before.starts_with('{'))
            .then(|| Self(Zeroizing::new(before.as_bytes().to_vec())))
    }

    /// Whether `Authorization` can carry it, whatever sends it: a header is ASCII (RFC 9110, section
    /// 5.5), and what clients make of other characters differs.
    #[must_use]
    pub fn fits_into_header(&self) -> bool {
        self.0.iter().all(|byte| (b' '..=b'~').contains(byte))
    }

    /// Parses secrets separated by white space; a JWK may contain white space.
    ///
    /// # Errors
    /// One of them is too short, or a JWK of another kind.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, SecretProblem> {
        let mut secrets = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = if rest.starts_with('{') {
                rest.find('}').map_or(rest.len(), |brace| brace + 1)
            } else {
                rest.find(char::is_whitespace).unwrap_or(rest.len())
            };
            let (first, others) = rest.split_at(end);
            secrets.push(Self::parse(first)?);
            rest = others.trim_start();
        }
        Ok(secrets)
    }

    /// A new secret made of random bytes, as `generate_jwt_secret` returns it.
    #[must_use]
    pub fn text_from_random(bytes: &[u8; NEW_SECRET_BYTES]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether `text` is this secret, compared in constant time. A JWK may be given as it is
    /// configured.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        Self::parse(text).is_ok_and(|shown| shown == *self)
    }

    /// The key that signs with this secret.
    #[must_use]
    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_secret(self.expose())
    }

    /// The access token key derived from this secret by HKDF-SHA256 (RFC 5869).
    #[must_use]
    pub fn derived_access_key(&self) -> SigningKey {
        SigningKey::from_secret(self.derived(ACCESS_KEY_INFO).as_ref())
    }

    /// The key of codes, derived in the same way.
    #[must_use]
    pub fn derived_code_key(&self) -> CodeKey {
        CodeKey::new(self.derived(CODE_KEY_INFO))
    }

    fn derived(&self, info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.expose())
            .expand(info, key.as_mut())
            .expect("32 bytes are within HKDF's limit of 255 hashes");
        key
    }

    fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(_)")
    }
}

/// Whether a text is a word or a key held down. A JWK is not looked at: a program has made it.
fn is_monotonous(text: &str) -> bool {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let least = if is_hex {
        DIFFERENT_HEX_DIGITS
    } else {
        DIFFERENT_BYTES
    };
    text.bytes().collect::<BTreeSet<_>>().len() < least
}

/// The `k` of a JWK of `kty` `oct` whose other members, if given, allow signing with our algorithm
/// (RFC 7517, sections 4.2 and 4.4).
fn symmetric_key(jwk: &str) -> Option<Vec<u8>> {
    let mut jwk = json::object(jwk.as_bytes()).ok()?;
    let may_be = |name, value: &str| jwk.get(name).is_none_or(|given| given == value);
    if jwk.get("kty")? != "oct" || !may_be("alg", SECRET_ALGORITHM) || !may_be("use", "sig") {
        return None;
    }
    match jwk.remove("k")? {
        Value::String(k) => URL_SAFE_NO_PAD.decode(Zeroizing::new(k)).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef0123456789abcdef";
    /// `TEXT` as a JWK.
    const JWK: &str = r#"{"kty": "oct", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}"#;

    #[test]
    fn a_secret_is_its_trimmed_text() {
        assert_eq!(Secret::parse(&format!(" {TEXT}\r\n")), Secret::parse(TEXT));
        let secret = Secret::parse(TEXT).expect("long enough");
        assert!(secret.matches(TEXT));
        let other = TEXT.to_uppercase();
        assert!(!secret.matches(&other));
        assert_ne!(Ok(secret), Secret::parse(&other));
    }

    #[test]
    fn a_new_secret_is_its_random_bytes_in_base64url() {
        let text = Secret::text_from_random(&[255; NEW_SECRET_BYTES]);
        assert_eq!(text, "_".repeat(85) + "w");
        let bytes = std::array::from_fn(|index| u8::try_from(3 * index).expect("less than 192"));
        assert!(Secret::parse(&Secret::text_from_random(&bytes)).is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_said_without_it() {
        assert_eq!(
            SecretProblem::TooShort.to_string(),
            "is too short: at least 32 bytes are needed"
        );
        assert_eq!(
            SecretProblem::BadJwk.to_string(),
            r#"looks like a JWK, but is not one of "kty":"oct" for HS256 with a base64url "k""#
        );
    }

    #[test]
    fn a_jwk_is_the_bytes_in_it() {
        assert_eq!(Secret::parse(JWK), Secret::parse(TEXT));
        assert!(Secret::parse(JWK).expect("long enough").matches(JWK));
    }

    #[test]
    fn a_jwk_of_a_short_secret_is_refused() {
        assert_eq!(
            Secret::parse(r#"{"kty":"oct","k":"c2hvcnQ"}"#),
            Err(SecretProblem::TooShort)
        );
    }

    /// The command that stores secrets reads the same cases (`npm/test/pure.test.mjs`), so that it
    /// stores none that is refused here.
    #[test]
    fn a_secret_is_refused_here_and_by_the_command_for_the_same_reason() {
        #[derive(serde::Deserialize)]
        struct Cases {
            valid: Vec<String>,
            invalid: Vec<(String, String)>,
        }
        let cases = include_str!("../../tests/secrets.json");
        let cases: Cases = serde_json::from_str(cases).expect("cases");
        for text in cases.valid {
            assert!(Secret::parse(&text).is_ok(), "{text}");
        }
        for (text, problem) in cases.invalid {
            let found = Secret::parse(&text).expect_err(&text).to_string();
            assert!(found.starts_with(&problem), "{text}: {found}");
        }
    }

    #[test]
    fn a_jwk_of_another_kind_is_refused() {
        for jwk in [
            "{",
            r#"{"kty":"oct"}"#,
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            &format!("{{\"keys\":[{JWK}]}}"),
        ] {
            assert_eq!(Secret::parse(jwk), Err(SecretProblem::BadJwk), "{jwk}");
        }
    }

    #[test]
    fn a_jwk_for_another_purpose_is_refused() {
        let with = |member: &str| Secret::parse(&JWK.replace('}', &format!(", {member}}}")));
        assert_eq!(
            with(r#""alg":"HS256","use":"sig","kid":"1""#),
            Secret::parse(TEXT)
        );
        for member in [
            r#""alg":"HS512""#,
            r#""alg":"A256GCM""#,
            r#""alg":null"#,
            r#""use":"enc""#,
            r#""kty":"oct""#,
        ] {
            assert_eq!(with(member), Err(SecretProblem::BadJwk), "{member}");
        }
    }

    #[test]
    fn earlier_secrets_are_separated_by_white_space() {
        let other = TEXT.to_uppercase();
        let list = Secret::parse_list(&format!("\n{TEXT} {JWK}\t{other}\n")).expect("all good");
        assert_eq!(list.len(), 3);
        assert_eq!(list[0], list[1]);
        assert!(list[2].matches(&other));
        assert_eq!(Secret::parse_list(" ").map(|list| list.len()), Ok(0));
        assert!(Secret::parse_list(&format!("{TEXT} short")).is_err());
    }

    #[test]
    fn secrets_and_keys_cannot_be_printed() {
        let secret = Secret::parse(TEXT).expect("long enough");
        assert_eq!(format!("{secret:?}"), "Secret(_)");
        assert!(!format!("{:?}", secret.signing_key()).contains("48"));
    }
}
