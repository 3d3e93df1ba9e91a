//! The refresh token: a JWT (`typ` `rt+jwt`) that names a session and a position in its chain of
//! generations. The same session, generation and minute always give the same bytes, so that a
//! repeated request gets the identical token. It is never stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::token::{
    id::{Realm, SessionRef},
    jws::{Times, TokenProblem, sign, verify},
    key::{Keyring, SigningKey},
    time::{UnixMillis, UnixSeconds},
};

/// `typ` of a refresh token; it keeps the two kinds of tokens apart (RFC 8725, section 3.11).
const REFRESH_TYPE: &str = "rt+jwt";

/// A token's position in its session's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// `gen`: 0 for the token of the login, one more for each successor that was adopted.
    pub generation: u32,
    /// `iat`, rounded down to the minute; it tells siblings of one generation apart.
    pub issued_at: UnixSeconds,
}

impl Position {
    /// The position of the token that a login at `now` hands out.
    #[must_use]
    pub fn first(now: UnixMillis) -> Self {
        Self {
            generation: 0,
            issued_at: now.minute(),
        }
    }
}

/// A refresh token: verified, or about to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session that it continues.
    pub session_ref: SessionRef,
    /// Its position in the session's chain.
    pub position: Position,
    /// `exp`: the session's absolute end.
    pub session_end: UnixSeconds,
}

#[derive(Serialize)]
struct RefreshClaims<'a> {
    sub: &'a str,
    sid: &'a str,
    r#gen: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<&'a str>,
}

/// The claim `realm` of a token whose session has the keys of the owner's own back end. Others have
/// no such claim.
const SERVICE: &str = "service";

fn parse_realm(claim: Option<&Value>) -> Result<Realm, TokenProblem> {
    match claim.map(Value::as_str) {
        None => Ok(Realm::Account),
        Some(Some(SERVICE)) => Ok(Realm::Service),
        Some(_) => Err(TokenProblem::Invalid),
    }
}

impl RefreshToken {
    /// The token as text: the same for the same values and key.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let claims = RefreshClaims {
            sub: self.session_ref.user.as_str(),
            sid: self.session_ref.session.as_str(),
            r#gen: self.position.generation,
            realm: (self.session_ref.realm == Realm::Service).then_some(SERVICE),
        };
        let times = Times {
            issued_at: self.position.issued_at,
            expires_at: self.session_end,
        };
        sign(REFRESH_TYPE, times, claims, key)
    }

    /// Verifies header, signature, times and claims, without any storage.
    ///
    /// # Errors
    /// The token is not ours, or has expired.
    pub fn verify(text: &str, keys: &Keyring, now: UnixMillis) -> Result<Self, TokenProblem> {
        let mut claims = verify(&[REFRESH_TYPE], text, keys, now)?;
        let generation = claims.custom.remove("gen").and_then(|value| value.as_u64());
        let realm = parse_realm(claims.custom.get("realm"))?;
        Ok(Self {
            session_ref: claims.session(realm)?,
            position: Position {
                generation: generation
                    .and_then(|number| u32::try_from(number).ok())
                    .ok_or(TokenProblem::Invalid)?,
                issued_at: claims.times.issued_at,
            },
            session_end: claims.times.expires_at,
        })
    }

    /// The session of a token that we have signed, even if it has expired: not a credential, but a
    /// sign that whoever shows it was logged in once. Signature, header and times are checked as
    /// always; only the time at which they are looked at is the token's own.
    #[must_use]
    pub fn session_of(text: &str, keys: &Keyring) -> Option<SessionRef> {
        let always_before = UnixMillis(0);
        Self::verify(text, keys, always_before)
            .ok()
            .map(|token| token.session_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use jwt_compact::{
        Algorithm as _, AlgorithmSignature as _,
        alg::{Hs256, Hs256Key},
    };

    use crate::token::{
        access::{AccessToken, AccessType, NewAccessToken},
        claims::CustomClaims,
        id::{SessionId, UserId},
        secret::Secret,
    };

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn keys(text: &str) -> Keyring {
        Keyring {
            current: Secret::parse(text).expect("long enough").signing_key(),
            previous: Vec::new(),
        }
    }

    fn ours() -> Keyring {
        keys(SECRET)
    }

    fn token() -> RefreshToken {
        RefreshToken {
            session_ref: SessionRef {
                realm: Realm::Account,
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

    /// Settings cannot have one key for both kinds, but the type alone would do.
    #[test]
    fn an_access_token_is_no_refresh_token_even_under_the_same_key() {
        let token = token();
        let access = NewAccessToken {
            typ: AccessType::default(),
            issuer: "https://api.example.com",
            audience: "https://api.example.com",
            session_ref: &token.session_ref,
            token_id: "BwcHBwcHBwcHBwcHBwcHBw",
            issued_at: token.position.issued_at,
            expires_at: token.session_end,
            position: token.position,
            has_account: false,
            claims: &CustomClaims::default(),
        };
        let text = access.sign(&ours().current);
        assert!(AccessToken::verify(&text, &ours(), NOW).is_ok());
        let refused = RefreshToken::verify(&text, &ours(), NOW);
        assert_eq!(refused, Err(TokenProblem::Invalid));
    }

    #[test]
    fn the_claims_of_a_refresh_token_of_the_owners_back_end_are_pinned() {
        let session_ref = SessionRef {
            realm: Realm::Service,
            ..token().session_ref
        };
        let token = RefreshToken {
            session_ref,
            ..token()
        };
        let text = token.sign(&ours().current);
        let claims = CLAIMS.replace(r#""gen":3"#, r#""gen":3,"realm":"service""#);
        assert_eq!(text, with_our_signature(HEADER, &claims));
        assert_eq!(RefreshToken::verify(&text, &ours(), NOW), Ok(token));
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
        let session = token().session_ref;
        let claims = || RefreshClaims {
            sub: session.user.as_str(),
            sid: session.session.as_str(),
            r#gen: 3,
            realm: None,
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

    /// A token with exactly these parts and our signature.
    fn with_our_signature(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let content = format!("{header}.{claims}");
        let signature = Hs256.sign(&Hs256Key::new(SECRET), content.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.as_bytes());
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
            (r#","gen":3"#, ""),
            (r#""sub":"ada","#, ""),
            (r#""exp":1800003600,"#, ""),
            (r#""gen":3"#, r#""gen":3,"gen":3"#),
            (r#""gen":3"#, r#""gen":3,"\u0067en":4"#),
            (r#""gen":3"#, r#""gen":3,"nbf":1800000000"#),
            (r#""gen":3"#, r#""gen":3,"realm":"account""#),
            (r#""gen":3"#, r#""gen":3,"realm":null"#),
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
