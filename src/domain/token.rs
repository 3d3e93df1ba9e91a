//! Signed tokens, and the refresh token among them.
//!
//! A refresh token is a JWT (HS256, `typ` `rt+jwt`) that names a session and a place in its chain
//! of generations. The same session, generation and minute always give the same bytes, so that a
//! repeated request gets the identical answer. It is never stored.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    id::{SessionId, SessionRef, UserId},
    json,
    secret::{Keyring, SigningKey},
    session::Position,
    time::{UnixMillis, UnixSeconds},
};
use crate::limits::LONGEST_SESSION_SECONDS;

/// `typ` of a refresh token: it keeps the two kinds of tokens apart (RFC 8725, section 3.11).
const REFRESH_TYPE: &str = "rt+jwt";

/// Longest time from `iat` to `exp`: that of a session that is the longest that may be configured,
/// and began within the minute that `iat` is the begin of.
const LONGEST_SECONDS: u64 = LONGEST_SESSION_SECONDS + 60;

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProblem {
    /// Damaged, forged, of another kind, or never ours.
    Invalid,
    /// Ours, but past its `exp`.
    Expired,
}

/// A refresh token whose signature, type and end were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session that it continues.
    pub of: SessionRef,
    /// Its place in the session's chain.
    pub position: Position,
    /// `exp`: the session's absolute end.
    pub session_end: UnixSeconds,
}

#[derive(Serialize)]
struct RefreshClaims {
    sub: UserId,
    sid: SessionId,
    r#gen: u32,
}

impl RefreshToken {
    /// The token as text: the same for the same values and key.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let claims = RefreshClaims {
            sub: self.of.user.clone(),
            sid: self.of.session.clone(),
            r#gen: self.position.generation,
        };
        let times = Times {
            issued_at: self.position.issued_at,
            expires_at: self.session_end,
        };
        sign(REFRESH_TYPE, times, claims, key)
    }

    /// Checks signature, type and end, without any storage.
    ///
    /// # Errors
    /// The token is not ours, or past its end.
    pub fn verify(text: &str, keys: &Keyring, now: UnixMillis) -> Result<Self, TokenProblem> {
        let mut claims = verify(REFRESH_TYPE, text, keys, now)?;
        let generation = claims.custom.remove("gen").and_then(|value| value.as_u64());
        Ok(Self {
            of: claims.session()?,
            position: Position {
                generation: generation
                    .and_then(|number| u32::try_from(number).ok())
                    .ok_or(TokenProblem::Invalid)?,
                issued_at: claims.times.issued_at,
            },
            session_end: claims.times.expires_at,
        })
    }
}

/// `iat` and `exp` of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub issued_at: UnixSeconds,
    pub expires_at: UnixSeconds,
}

/// The header of a token of the given `typ`: always these very bytes.
fn header(typ: &str) -> String {
    format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#)
}

#[derive(Serialize)]
struct Claims<C> {
    exp: UnixSeconds,
    iat: UnixSeconds,
    #[serde(flatten)]
    custom: C,
}

/// Signs claims as a JWT of the given `typ`.
pub(super) fn sign(typ: &str, times: Times, custom: impl Serialize, key: &SigningKey) -> String {
    let claims = Claims {
        exp: times.expires_at,
        iat: times.issued_at,
        custom,
    };
    let claims = serde_json::to_vec(&claims)
        .expect("claims made of text, numbers and JSON values always serialise");
    let [header, claims] =
        [header(typ).as_bytes(), &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let content = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(content.as_bytes()));
    format!("{content}.{signature}")
}

/// The claims of a token that was checked. They are taken out one by one; what is left over are
/// the session's own. (A type for each kind of token, read by `serde`, would cost 20 KB of code.)
pub(super) struct Verified {
    pub times: Times,
    pub custom: Map<String, Value>,
}

impl Verified {
    /// Takes out a text.
    pub(super) fn text(&mut self, name: &str) -> Result<String, TokenProblem> {
        match self.custom.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(TokenProblem::Invalid),
        }
    }

    /// Takes out `sub` and `sid`.
    pub(super) fn session(&mut self) -> Result<SessionRef, TokenProblem> {
        let user = UserId::parse(self.text("sub")?).map_err(|_| TokenProblem::Invalid)?;
        let session = SessionId::parse(self.text("sid")?).map_err(|_| TokenProblem::Invalid)?;
        Ok(SessionRef { user, session })
    }
}

/// Checks a JWT: HS256 with one of the keys, the given `typ`, both times present, not past `exp`.
/// A token is dead from `exp` on (RFC 7519, section 4.1.4: "on or after").
pub(super) fn verify(
    typ: &str,
    text: &str,
    keys: &Keyring,
    now: UnixMillis,
) -> Result<Verified, TokenProblem> {
    let payload = payload(&header(typ), text, keys).ok_or(TokenProblem::Invalid)?;
    let mut claims = json::object(&payload).map_err(|_| TokenProblem::Invalid)?;
    let times = Times {
        issued_at: seconds(&mut claims, "iat")?,
        expires_at: seconds(&mut claims, "exp")?,
    };
    // What we never write: a begin, and a life that is negative or longer than any of ours.
    let life = times.expires_at.0.checked_sub(times.issued_at.0);
    if claims.contains_key("nbf") || life.is_none_or(|life| life > LONGEST_SECONDS) {
        return Err(TokenProblem::Invalid);
    }
    if now >= times.expires_at.millis() {
        return Err(TokenProblem::Expired);
    }
    Ok(Verified {
        times,
        custom: claims,
    })
}

/// What a JWS in its compact form (RFC 7515, section 7.1) carries: three parts in strict base64url,
/// HS256 with one of the keys. Nothing of a stranger's is read but for its signature.
///
/// The header must be this very one, byte for byte. So whatever a header can ask of a reader, be it
/// another algorithm, a key of the sender's choice or an extension, makes it no token of ours.
pub(super) fn payload(header: &str, text: &str, keys: &Keyring) -> Option<Vec<u8>> {
    let (content, signature) = text.rsplit_once('.')?;
    let (shown, payload) = content.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let is_ours = shown == URL_SAFE_NO_PAD.encode(header)
        && keys
            .iter()
            .any(|key| key.has_signed(content.as_bytes(), &signature));
    is_ours.then(|| URL_SAFE_NO_PAD.decode(payload).ok())?
}

/// Takes out a time: a whole number of seconds, and nothing else.
fn seconds(claims: &mut Map<String, Value>, name: &str) -> Result<UnixSeconds, TokenProblem> {
    let value = claims.remove(name).and_then(|value| value.as_u64());
    value.map(UnixSeconds).ok_or(TokenProblem::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn keys(text: &str) -> Keyring {
        Keyring {
            current: Secret::parse(text).expect("long enough").signing_key(),
            previous: Vec::new(),
        }
    }

    fn ours() -> Keyring {
        keys("0123456789abcdef0123456789abcdef")
    }

    fn token() -> RefreshToken {
        RefreshToken {
            of: SessionRef {
                user: UserId::parse("ada").expect("a user id"),
                session: SessionId::from_random([7; 16]),
            },
            position: Position {
                generation: 3,
                issued_at: UnixSeconds(1_800_000_000),
            },
            session_end: UnixSeconds(1_800_003_600),
        }
    }

    const NOW: UnixMillis = UnixMillis(1_800_000_030_000);

    #[test]
    fn the_bytes_of_a_refresh_token_are_pinned() {
        assert_eq!(
            token().sign(&ours().current),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.\
             eyJleHAiOjE4MDAwMDM2MDAsImlhdCI6MTgwMDAwMDAwMCwic3ViIjoiYWRhIiwic2lkIjoiQndjSEJ3Y0hCd2NIQndjSEJ3Y0hCdyIsImdlbiI6M30.\
             XtTg0A--XlQ9m6H6eJyh601TTiPKyRcNdAUazKkBOLY"
        );
    }

    #[test]
    fn a_token_comes_back_as_it_was_signed() {
        let text = token().sign(&ours().current);
        assert_eq!(RefreshToken::verify(&text, &ours(), NOW), Ok(token()));
    }

    #[test]
    fn no_character_of_a_token_can_be_changed() {
        const ALPHABET: &str =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \u{e9}";
        let text = token().sign(&ours().current);
        for (at, original) in text.char_indices() {
            for replacement in ALPHABET.chars().filter(|other| *other != original) {
                let mut changed = text.clone();
                changed.replace_range(at..=at, replacement.encode_utf8(&mut [0; 4]));
                assert_eq!(
                    RefreshToken::verify(&changed, &ours(), NOW),
                    Err(TokenProblem::Invalid),
                    "character {at} as {replacement}"
                );
            }
        }
    }

    #[test]
    fn a_token_cut_short_or_grown_is_refused() {
        let text = token().sign(&ours().current);
        for end in 0..text.len() {
            assert!(
                RefreshToken::verify(&text[..end], &ours(), NOW).is_err(),
                "{end}"
            );
        }
        for grown in [
            format!("{text}."),
            format!("{text}.e30"),
            format!(" {text}"),
            format!("{text}\n"),
            format!("{text}="),
        ] {
            assert_eq!(
                RefreshToken::verify(&grown, &ours(), NOW),
                Err(TokenProblem::Invalid)
            );
        }
    }

    #[test]
    fn a_token_dies_exactly_at_exp() {
        let text = token().sign(&ours().current);
        let end = token().session_end.millis();
        assert!(RefreshToken::verify(&text, &ours(), UnixMillis(end.0 - 1)).is_ok());
        assert_eq!(
            RefreshToken::verify(&text, &ours(), end),
            Err(TokenProblem::Expired)
        );
    }

    #[test]
    fn a_token_of_another_secret_is_refused_unless_it_is_a_previous_one() {
        let text = token().sign(&ours().current);
        let mut keys = keys("another secret of at least 32 bytes");
        assert_eq!(
            RefreshToken::verify(&text, &keys, NOW),
            Err(TokenProblem::Invalid)
        );
        keys.previous.push(ours().current);
        assert_eq!(RefreshToken::verify(&text, &keys, NOW), Ok(token()));
    }

    #[test]
    fn a_token_of_another_type_is_refused_even_with_our_signature() {
        let times = Times {
            issued_at: UnixSeconds(1_800_000_000),
            expires_at: UnixSeconds(1_800_003_600),
        };
        let claims = || RefreshClaims {
            sub: token().of.user,
            sid: token().of.session,
            r#gen: 3,
        };
        for typ in ["JWT", "at+jwt", "RT+JWT", ""] {
            let text = sign(typ, times, claims(), &ours().current);
            assert_eq!(
                RefreshToken::verify(&text, &ours(), NOW),
                Err(TokenProblem::Invalid),
                "{typ}"
            );
        }
    }

    const HEADER: &str = r#"{"alg":"HS256","typ":"rt+jwt"}"#;
    const CLAIMS: &str =
        r#"{"exp":1800003600,"iat":1800000000,"sub":"ada","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":3}"#;

    /// A token with this very text in it, and our signature.
    fn with_our_signature(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let content = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(ours().current.sign(content.as_bytes()));
        format!("{content}.{signature}")
    }

    fn refused(text: &str) -> bool {
        RefreshToken::verify(text, &ours(), NOW) == Err(TokenProblem::Invalid)
    }

    #[test]
    fn a_header_that_says_anything_else_is_refused_even_with_our_signature() {
        assert_eq!(
            with_our_signature(HEADER, CLAIMS),
            token().sign(&ours().current)
        );
        for header in [
            r#"{"alg":"HS256","typ":"rt+jwt","crit":["exp"]}"#,
            r#"{"alg":"HS256","typ":"rt+jwt","b64":false}"#,
            r#"{"alg":"HS256","typ":"rt+jwt","kid":"1"}"#,
            r#"{"alg":"HS256","typ":"rt+jwt","typ":"rt+jwt"}"#,
            r#"{"alg":"none","alg":"HS256","typ":"rt+jwt"}"#,
            r#"{"typ":"rt+jwt","alg":"HS256"}"#,
            r#"{"alg":"HS256", "typ":"rt+jwt"}"#,
            r#"{"alg":"none","typ":"rt+jwt"}"#,
            r#"{"alg":"HS512","typ":"rt+jwt"}"#,
            "{}",
            "",
        ] {
            assert!(refused(&with_our_signature(header, CLAIMS)), "{header}");
        }
    }

    #[test]
    fn claims_that_we_never_write_are_refused_even_with_our_signature() {
        let changed = |from: &str, to: &str| {
            assert!(CLAIMS.contains(from), "{from}");
            with_our_signature(HEADER, &CLAIMS.replace(from, to))
        };
        for (from, to) in [
            (r#""gen":3"#, r#""gen":3,"gen":3"#),
            (r#""gen":3"#, r#""gen":3,"\u0067en":4"#),
            (r#""gen":3"#, r#""gen":3,"nbf":1800000000"#),
            (r#""gen":3"#, r#""gen":3.0"#),
            (r#""gen":3"#, r#""gen":4294967296"#),
            ("1800003600", "1800003600.0"),
            ("1800003600", "1.8000036e9"),
            ("1800003600", "1e400"),
            ("1800003600", "\"1800003600\""),
            ("1800003600", "18446744073709551615"),
            ("1800003600", "1834560061"),
            ("1800003600", "1799999999"),
            ("1800000000", "-1"),
            ("1800000000", "0"),
            ("1800000000", "null"),
        ] {
            assert!(refused(&changed(from, to)), "{to}");
        }
        for claims in ["", "[]", "null", "{", "\u{feff}{}", "\0"] {
            assert!(refused(&with_our_signature(HEADER, claims)), "{claims}");
        }
        let longest = changed("1800003600", "1834560060");
        assert!(RefreshToken::verify(&longest, &ours(), NOW).is_ok());
    }
}
