//! Signed tokens: JWTs in compact form, read strictly.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::token::{
    id::{SessionId, SessionRef, UserId},
    json,
    key::{Keyring, SigningKey},
    time::{LONGEST_SESSION_SECONDS, UnixMillis, UnixSeconds},
};

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
