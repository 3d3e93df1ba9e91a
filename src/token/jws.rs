//! Signed tokens: jwt-compact makes and reads them, and here are our stricter rules on top.
//!
//! Every token of ours was written by `SigningKey::token`, so nothing else has to be understood.
//! In this order:
//!
//! 1. The header is the very bytes that we write. Whatever a header can ask of a reader, be it
//!    another algorithm, a key of the sender's choice or an extension, makes it no token of ours.
//! 2. The signature is that of one of our keys. Only then are the claims read. (jwt-compact's
//!    `Validator` would read them first, and once for each key.)
//! 3. `exp` and `iat` are whole seconds, no name is given twice, there is no `nbf`, and the token
//!    does not live longer than any that we give out.
//! 4. A token is dead from `exp` on, without leeway (RFC 7519, section 4.1.4: "on or after").

use std::mem;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jwt_compact::{Claims, TimeOptions, UntrustedToken};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::token::{
    id::{Realm, SessionId, SessionRef, UserId},
    json::Object,
    key::{Keyring, SigningKey},
    key_pair::PublicKey,
    time::{LONGEST_SESSION_SECONDS, UnixMillis, UnixSeconds},
};

/// Maximum seconds from `iat` to `exp`: the longest session that can be configured, and the minute
/// that a refresh token's `iat` is rounded down by.
const LONGEST_SECONDS: u64 = LONGEST_SESSION_SECONDS + 60;

/// With a leeway of nothing, jwt-compact still accepts a token at its `exp`.
const UNTIL_BEFORE_EXP: TimeDelta = TimeDelta::milliseconds(-1);

/// Why a token was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProblem {
    /// Damaged, forged, of another kind, or never ours.
    Invalid,
    /// Ours, but past its `exp`.
    Expired,
}

/// `iat` and `exp` of a token. jwt-compact would also read `1.8e9`; these are whole seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Times {
    #[serde(rename = "iat")]
    pub issued_at: UnixSeconds,
    #[serde(rename = "exp")]
    pub expires_at: UnixSeconds,
}

/// Signs claims as a token of this `typ`.
pub(super) fn sign(typ: &str, times: Times, custom: impl Serialize, key: &SigningKey) -> String {
    key.token(typ, &claims(times, custom))
}

/// What a key pair signs of a token of this `typ`: the header and the claims.
pub(super) fn unsigned(typ: &str, times: Times, custom: impl Serialize, key: &PublicKey) -> String {
    let claims = serde_json::to_string(&claims(times, custom))
        .expect("claims made of text, numbers and JSON values always serialise");
    let [header, claims] = [key.header(typ), claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}")
}

/// The token of a content and its signature.
pub(super) fn signed(content: &str, signature: &[u8]) -> String {
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims<T>(times: Times, custom: T) -> Claims<T> {
    let mut claims = Claims::new(custom);
    claims.issued_at = Some(instant(times.issued_at.millis()));
    claims.expiration = Some(instant(times.expires_at.millis()));
    claims
}

/// Verifies a token of one of these `typ`s.
pub(super) fn verify(
    types: &[&str],
    text: &str,
    keys: &Keyring,
    now: UnixMillis,
) -> Result<Verified, TokenProblem> {
    let mut tokens = types
        .iter()
        .filter_map(|typ| SignedToken::parse(text, keys, |key| key.header(typ)));
    tokens.next().ok_or(TokenProblem::Invalid)?.verify(now)
}

/// A token with the very header of one of our key pairs. Whether it was signed is not known yet.
pub(super) struct PairToken<'t, 'k> {
    /// Whose header it is.
    pub key: &'k PublicKey,
    /// What was signed.
    pub content: &'t str,
    token: SignedToken<'t>,
}

impl<'t, 'k> PairToken<'t, 'k> {
    /// Looks at the header only, which has to be of one of these `typ`s.
    pub(super) fn parse(
        types: &[&str],
        text: &'t str,
        mut keys: impl Iterator<Item = &'k PublicKey>,
    ) -> Option<Self> {
        let (content, _) = text.rsplit_once('.')?;
        let (shown, payload) = content.split_once('.')?;
        let key = keys.find(|key| {
            let mut headers = types.iter().map(|typ| key.header(typ));
            headers.any(|header| shown == URL_SAFE_NO_PAD.encode(header))
        })?;
        let token = UntrustedToken::new(text).ok()?;
        let token = SignedToken { token, payload };
        Some(Self {
            key,
            content,
            token,
        })
    }

    /// Its signature, which is what has to be verified.
    pub(super) fn signature(&self) -> &[u8] {
        self.token.token.signature_bytes()
    }

    /// Reads the claims; only for a token whose signature was verified.
    pub(super) fn read(&self, now: UnixMillis) -> Result<Verified, TokenProblem> {
        self.token.verify(now)
    }
}

/// A token that one of our keys signed. Its claims have not been read.
pub(super) struct SignedToken<'t> {
    token: UntrustedToken<'t>,
    payload: &'t str,
}

impl<'t> SignedToken<'t> {
    /// Checks header and signature; `header` says which one the tokens of a key have.
    pub(super) fn parse(
        text: &'t str,
        keys: &Keyring,
        header: impl Fn(&SigningKey) -> String,
    ) -> Option<Self> {
        let (content, _) = text.rsplit_once('.')?;
        let (shown, payload) = content.split_once('.')?;
        let is_header_of = |key: &&SigningKey| shown == URL_SAFE_NO_PAD.encode(header(key));
        let mut candidates = keys.iter().filter(is_header_of).peekable();
        candidates.peek()?;
        let token = UntrustedToken::new(text).ok()?;
        candidates
            .any(|key| key.has_signed(content.as_bytes(), token.signature_bytes()))
            .then_some(Self { token, payload })
    }

    /// Reads the claims, and checks all that is not about the session.
    fn verify(&self, now: UnixMillis) -> Result<Verified, TokenProblem> {
        let mut claims: Claims<Object> =
            self.token.deserialize_claims_unchecked().map_err(invalid)?;
        let custom = mem::take(&mut claims.custom)
            .with_unique_names()
            .map_err(invalid)?;
        let times = self.times().ok_or(TokenProblem::Invalid)?;
        let lifetime = times.expires_at.0.checked_sub(times.issued_at.0);
        if claims.not_before.is_some() || lifetime.is_none_or(|life| life > LONGEST_SECONDS) {
            return Err(TokenProblem::Invalid);
        }
        claims
            .validate_expiration(&TimeOptions::new(UNTIL_BEFORE_EXP, || instant(now)))
            .map_err(|_| TokenProblem::Expired)?;
        Ok(Verified { times, custom })
    }

    fn times(&self) -> Option<Times> {
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

/// The claims of a token that was verified. They are taken out one by one; what is left over are
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

    /// Takes out `sub` and `sid`: a session of this realm.
    pub(super) fn session(&mut self, realm: Realm) -> Result<SessionRef, TokenProblem> {
        let user = UserId::parse(self.text("sub")?).map_err(invalid)?;
        let session = SessionId::parse(self.text("sid")?).map_err(invalid)?;
        Ok(SessionRef {
            realm,
            user,
            session,
        })
    }
}

fn invalid<E>(_: E) -> TokenProblem {
    TokenProblem::Invalid
}

/// An instant as jwt-compact takes it; one beyond chrono's calendar (year 262,142) is its end.
fn instant(at: UnixMillis) -> DateTime<Utc> {
    let at = i64::try_from(at.0).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(at).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
