//! The access token: a JWT (RFC 9068, `typ` `at+jwt`) that APIs accept for an hour or so. It carries
//! the session's own claims, and the position of the refresh token that was handed out with it. Signature and times are checked in
//! [`crate::token::jws`]; [`crate::session::access`] asks with the keys of the settings.

use serde::Serialize;

use crate::token::{
    claims::CustomClaims,
    id::{Realm, SessionRef},
    jws::{self, PairToken, Times, TokenProblem, Verified, sign, verify},
    key::{Keyring, SigningKey},
    key_pair::{KeyPairs, PublicKey},
    refresh::Position,
    time::{UnixMillis, UnixSeconds},
};

/// Maximum size of `ISSUER`, and of `AUDIENCE`, as JSON, in bytes. With both, a user id of 128
/// characters and 2 KiB of claims, an access token still fits into `TOKEN_BYTES`. Without them, the
/// worker's address is used, whose maximum length is about the same.
pub const ISSUER_BYTES: usize = 256;

/// `typ` of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessType {
    /// RFC 9068, section 2.1.
    #[default]
    AtJwt,
    /// RFC 7519, section 5.1: for verifiers that take no other.
    Jwt,
}

impl AccessType {
    /// As it stands in a header, and in the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtJwt => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

/// Either is accepted, so that the setting can be changed at any time.
const ACCESS_TYPES: [&str; 2] = ["at+jwt", "JWT"];

/// The contents of a new access token.
#[derive(Debug, Clone)]
pub struct NewAccessToken<'a> {
    /// `typ`.
    pub typ: AccessType,
    /// `iss`: `ISSUER`, or this worker's address.
    pub issuer: &'a str,
    /// `aud`: `AUDIENCE`, or the issuer.
    pub audience: &'a str,
    /// `sub` and `sid`.
    pub session_ref: &'a SessionRef,
    /// `jti`: unique to each token.
    pub token_id: &'a str,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// `exp`.
    pub expires_at: UnixSeconds,
    /// `gen`: the position of the refresh token handed out with this access token. Nothing here reads
    /// it any more; an earlier version does, to which a worker may be rolled back.
    pub position: Position,
    /// Whether the session belongs to an account; part of `gen`, too.
    pub has_account: bool,
    /// The session's own claims, beside the others.
    pub claims: &'a CustomClaims,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    sid: &'a str,
    r#gen: &'a str,
    /// Of accounts only. `true` is among the claims of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(flatten)]
    custom: &'a CustomClaims,
}

impl NewAccessToken<'_> {
    /// The access token as text.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let typ = self.typ.name();
        sign(typ, self.times(), self.claims(&self.place()), key)
    }

    /// What a key pair has to sign; [`signed`] makes the token of it.
    #[must_use]
    pub fn unsigned(&self, key: &PublicKey) -> String {
        let typ = self.typ.name();
        jws::unsigned(typ, self.times(), self.claims(&self.place()), key)
    }

    fn times(&self) -> Times {
        Times {
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        }
    }

    fn place(&self) -> String {
        let mark = mark(self.session_ref.realm, self.has_account);
        position_text(self.position, mark)
    }

    fn claims<'c>(&'c self, place: &'c str) -> NewClaims<'c> {
        let is_unverified = self.has_account && !self.claims.has(EMAIL_VERIFIED);
        NewClaims {
            iss: self.issuer,
            sub: self.session_ref.user.as_str(),
            aud: self.audience,
            jti: self.token_id,
            sid: self.session_ref.session.as_str(),
            r#gen: place,
            email_verified: is_unverified.then_some(false),
            custom: self.claims,
        }
    }
}

/// The access token of what [`NewAccessToken::unsigned`] gave, and its signature.
#[must_use]
pub fn signed(unsigned: &str, signature: &[u8]) -> String {
    jws::signed(unsigned, signature)
}

/// A verified access token.
///
/// `iss` and `aud` are for the APIs that accept it. Here the key is the proof: a worker answers under
/// several addresses, and a token from one of them is valid at all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The session that it belongs to.
    pub session_ref: SessionRef,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// Whether the session belongs to an account, and not to another back end's login.
    pub has_account: bool,
    /// The session's own claims.
    pub claims: CustomClaims,
}

impl AccessToken {
    /// Whose user it is. A session that an earlier version has opened for the owner's back end has
    /// the keys of accounts all the same.
    #[must_use]
    pub fn realm(&self) -> Realm {
        if self.has_account {
            Realm::Account
        } else {
            Realm::Service
        }
    }

    /// Verifies header, signature, times and claims, without any storage.
    ///
    /// # Errors
    /// The token is not ours, or has expired.
    pub fn verify(text: &str, keys: &Keyring, now: UnixMillis) -> Result<Self, TokenProblem> {
        Self::read(verify(&ACCESS_TYPES, text, keys, now)?)
    }

    fn read(mut claims: Verified) -> Result<Self, TokenProblem> {
        let position = claims.text("gen").unwrap_or_default();
        let has_account = position.ends_with(OF_ACCOUNT);
        for name in ["iss", "aud", "jti"] {
            claims.custom.remove(name);
        }
        if has_account {
            claims.custom.remove(EMAIL_VERIFIED);
        }
        let realm = if position.ends_with(OF_SERVICE) {
            Realm::Service
        } else {
            Realm::Account
        };
        Ok(Self {
            session_ref: claims.session(realm)?,
            has_account,
            issued_at: claims.times.issued_at,
            claims: CustomClaims::of_our_token(claims.custom),
        })
    }
}

/// An access token that says that one of our key pairs signed it, with the very header that we write:
/// neither another `alg` nor another `kid` gets this far.
pub struct Unverified<'t, 'k>(PairToken<'t, 'k>);

impl<'t, 'k> Unverified<'t, 'k> {
    /// Looks at the header only.
    #[must_use]
    pub fn parse(text: &'t str, keys: &'k KeyPairs) -> Option<Self> {
        PairToken::parse(&ACCESS_TYPES, text, keys.public_keys()).map(Self)
    }

    /// The key, the content and the signature that have to fit together.
    #[must_use]
    pub fn parts(&self) -> (&'k PublicKey, &'t str, &[u8]) {
        (self.0.key, self.0.content, self.0.signature())
    }

    /// Reads the token, whose signature was verified.
    ///
    /// # Errors
    /// It is no access token, or has expired.
    pub fn after_verification(self, now: UnixMillis) -> Result<AccessToken, TokenProblem> {
        AccessToken::read(self.0.read(now)?)
    }
}

/// The claim of an account's tokens that says whether its address was known to be the user's when the
/// session started. A back end may give its own sessions a claim of this name.
pub const EMAIL_VERIFIED: &str = "email_verified";

/// How `gen` ends when the session belongs to an account. It is not a claim of its own, because all
/// other names belong to the owner.
const OF_ACCOUNT: &str = ".account";

/// How it ends when the session has the keys of the owner's own back end.
const OF_SERVICE: &str = ".service";

/// None for a session of the owner's back end that an earlier version has opened.
fn mark(realm: Realm, has_account: bool) -> &'static str {
    match realm {
        Realm::Service => OF_SERVICE,
        Realm::Account if has_account => OF_ACCOUNT,
        Realm::Account => "",
    }
}

/// The `gen` of an access token: generation, `iat`, and whose it is.
fn position_text(position: Position, mark: &str) -> String {
    format!("{}.{}{mark}", position.generation, position.issued_at.0)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::token::{
        TOKEN_BYTES,
        access::ISSUER_BYTES,
        id::{SessionId, UserId},
        key_pair::MAX_RSA_BITS,
        refresh::{Position, RefreshToken},
        secret::Secret,
        template::TEMPLATE_BYTES,
    };

    fn keys() -> Keyring {
        let secret = Secret::parse("0123456789abcdef0123456789abcdef").expect("long enough");
        Keyring {
            current: secret.derived_access_key(),
            previous: vec![secret.signing_key()],
        }
    }

    fn session() -> SessionRef {
        SessionRef {
            realm: Realm::Account,
            user: UserId::parse("ada").expect("a user id"),
            session: SessionId::from_random([7; 16]),
        }
    }

    fn token(claims: &CustomClaims) -> String {
        token_of(&session(), false, claims)
    }

    fn token_of(session_ref: &SessionRef, has_account: bool, claims: &CustomClaims) -> String {
        NewAccessToken {
            typ: AccessType::AtJwt,
            issuer: "https://api.example.com",
            audience: "https://shop.example.com",
            session_ref,
            token_id: "BwcHBwcHBwcHBwcHBwcHBw",
            issued_at: UnixSeconds(1_800_000_000),
            expires_at: UnixSeconds(1_800_003_600),
            position: POSITION,
            has_account,
            claims,
        }
        .sign(&keys().current)
    }

    const POSITION: Position = Position {
        generation: 3,
        issued_at: UnixSeconds(1_800_000_000),
    };

    const NOW: UnixMillis = UnixMillis(1_800_000_030_000);

    #[test]
    fn the_bytes_of_an_access_token_are_pinned() {
        let claims = CustomClaims::parse(json!({"role": "admin"})).expect("good claims");
        assert_eq!(
            token(&claims),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.\
             eyJleHAiOjE4MDAwMDM2MDAsImlhdCI6MTgwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9hcGkuZXhhbXBsZS5jb20iLCJzdWIiOiJhZGEiLCJhdWQiOiJodHRwczovL3Nob3AuZXhhbXBsZS5jb20iLCJqdGkiOiJCd2NIQndjSEJ3Y0hCd2NIQndjSEJ3Iiwic2lkIjoiQndjSEJ3Y0hCd2NIQndjSEJ3Y0hCdyIsImdlbiI6IjMuMTgwMDAwMDAwMCIsInJvbGUiOiJhZG1pbiJ9.\
             AM3D1jW8MJMQDRVIHjw_6qwEAdbDCwJfcDGyTZ71Bbo"
        );
    }

    #[test]
    fn the_claims_of_an_account_s_token_are_pinned() {
        let claims = CustomClaims::of_login("email", "ada@example.com");
        let text = token_of(&session(), true, &claims);
        let payload = text.split('.').nth(1).expect("claims");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        assert_eq!(
            String::from_utf8(payload).expect("text"),
            r#"{"exp":1800003600,"iat":1800000000,"iss":"https://api.example.com","sub":"ada","aud":"https://shop.example.com","jti":"BwcHBwcHBwcHBwcHBwcHBw","sid":"BwcHBwcHBwcHBwcHBwcHBw","gen":"3.1800000000.account","email_verified":false,"email":"ada@example.com"}"#
        );
        let seen = AccessToken::verify(&text, &keys(), NOW).expect("ours");
        assert_eq!(seen.claims, claims);
    }

    #[test]
    fn claims_come_back_without_the_names_of_the_token() {
        let claims = CustomClaims::parse(json!({"role": "admin", "n": [1, null]})).expect("good");
        let seen = AccessToken::verify(&token(&claims), &keys(), NOW).expect("ours");
        assert_eq!(seen.claims, claims);
        assert_eq!(seen.session_ref, session());
    }

    #[test]
    fn the_largest_access_token_is_not_too_large() {
        // A domain name has at most 253 characters.
        let longest = ISSUER_BYTES.max("https://:65535".len() + 253);
        let of_size = |size: usize| "x".repeat(size - r#"{"text":""}"#.len());
        let own = CustomClaims::parse(json!({"text": of_size(2048)}));
        let mut claims = own.expect("good claims").members().clone();
        claims.insert("added".into(), of_size(TEMPLATE_BYTES).into());
        let key = PublicKey::parse_list(include_str!("../../tests/vectors/keys/rs256.pem"));
        let key = &key.expect("a key")[0];
        let issuer = "i".repeat(longest);
        let token = NewAccessToken {
            typ: AccessType::AtJwt,
            issuer: &issuer,
            audience: &issuer,
            session_ref: &SessionRef {
                realm: Realm::Account,
                user: UserId::parse("u".repeat(128)).expect("a user id"),
                session: SessionId::from_random([7; 16]),
            },
            token_id: "BwcHBwcHBwcHBwcHBwcHBw",
            issued_at: UnixSeconds(99_999_999_999),
            expires_at: UnixSeconds(99_999_999_999),
            position: Position {
                generation: u32::MAX,
                issued_at: UnixSeconds(99_999_999_999),
            },
            has_account: true,
            claims: &CustomClaims::of_our_token(claims),
        };
        let token = signed(&token.unsigned(key), &[0; MAX_RSA_BITS / 8]);
        assert!(token.len() <= TOKEN_BYTES, "{}", token.len());
        assert!(token.len() > TOKEN_BYTES - 500, "{}", token.len());
    }

    #[test]
    fn a_token_says_whose_its_session_is() {
        for (realm, has_account, expected) in [
            (Realm::Account, true, "3.1800000000.account"),
            (Realm::Service, false, "3.1800000000.service"),
            (Realm::Account, false, "3.1800000000"),
        ] {
            assert_eq!(position_text(POSITION, mark(realm, has_account)), expected);
            let session_ref = SessionRef { realm, ..session() };
            let text = token_of(&session_ref, has_account, &CustomClaims::default());
            let seen = AccessToken::verify(&text, &keys(), NOW).expect("ours");
            assert_eq!(
                (seen.session_ref, seen.has_account),
                (session_ref, has_account)
            );
        }
    }

    #[test]
    fn a_refresh_token_is_no_access_token() {
        let refresh = RefreshToken {
            session_ref: session(),
            position: Position {
                generation: 0,
                issued_at: UnixSeconds(1_800_000_000),
            },
            session_end: UnixSeconds(1_800_003_600),
        };
        let text = refresh.sign(&keys().previous[0]);
        assert_eq!(
            AccessToken::verify(&text, &keys(), NOW),
            Err(TokenProblem::Invalid)
        );
    }
}
