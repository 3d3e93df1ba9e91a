//! JWTs (HS256), made and checked without the worker's code.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// `sub`
    pub user: String,
    /// `sid`
    pub session: String,
    /// `gen`
    pub generation: u64,
    /// `iat`, in seconds
    pub issued_at: u64,
    /// `exp`, in seconds
    pub expires_at: u64,
}

impl RefreshClaims {
    /// The token, signed with a secret.
    #[must_use]
    pub fn sign(&self, secret: &str) -> String {
        let header = json!({"alg": "HS256", "typ": "rt+jwt"});
        sign(&header, &self.json(), secret)
    }

    /// The same for a session of the owner's back end.
    #[must_use]
    pub fn sign_for_service(&self, secret: &str) -> String {
        let header = json!({"alg": "HS256", "typ": "rt+jwt"});
        let mut claims = self.json();
        claims["realm"] = "service".into();
        sign(&header, &claims, secret)
    }

    /// The claims as they stand in the token.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "sub": self.user,
            "sid": self.session,
            "gen": self.generation,
            "iat": self.issued_at,
            "exp": self.expires_at,
        })
    }

    /// Reads a token, and checks that it is a refresh token signed with this secret.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn read(token: &str, secret: &str) -> Self {
        assert!(is_signed_with(token, secret.as_bytes()), "signature");
        assert_eq!(header(token), json!({"alg": "HS256", "typ": "rt+jwt"}));
        let claims = claims(token);
        let text = |name: &str| claims[name].as_str().expect(name).to_owned();
        let number = |name: &str| claims[name].as_u64().expect(name);
        Self {
            user: text("sub"),
            session: text("sid"),
            generation: number("gen"),
            issued_at: number("iat"),
            expires_at: number("exp"),
        }
    }
}

/// A token with this header and these claims.
#[must_use]
pub fn sign(header: &Value, claims: &Value, key: impl AsRef<[u8]>) -> String {
    sign_text(&header.to_string(), claims.to_string(), key)
}

/// A token with this very text as its header, and these bytes as its claims.
#[must_use]
pub fn sign_text(header: &str, claims: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> String {
    let [header, claims] =
        [header.as_bytes(), claims.as_ref()].map(|it| URL_SAFE_NO_PAD.encode(it));
    sign_parts(&header, &claims, key)
}

/// A token with these parts as they are, be they base64url or not.
#[must_use]
pub fn sign_parts(header: &str, claims: &str, key: impl AsRef<[u8]>) -> String {
    let content = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(mac(key.as_ref(), content.as_bytes()));
    format!("{content}.{signature}")
}

/// One part of a token: JSON as base64url.
#[must_use]
pub fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// The header of a token, unchecked.
///
/// # Panics
/// It is no token.
#[must_use]
pub fn header(token: &str) -> Value {
    decoded(token, 0)
}

/// The claims of a token, unchecked.
///
/// # Panics
/// It is no token.
#[must_use]
pub fn claims(token: &str) -> Value {
    decoded(token, 1)
}

/// Whether this key signed the token.
///
/// # Panics
/// It is no token.
#[must_use]
pub fn is_signed_with(token: &str, key: &[u8]) -> bool {
    let (content, signature) = token.rsplit_once('.').expect("three parts");
    URL_SAFE_NO_PAD.encode(mac(key, content.as_bytes())) == signature
}

/// The key that access tokens are signed with where they have no secret of their own:
/// HKDF-SHA256 (RFC 5869) of the refresh secret, without salt, its first block.
#[must_use]
pub fn derived_access_key(refresh_secret: &str) -> Vec<u8> {
    let extracted = mac(&[0; 32], refresh_secret.as_bytes());
    mac(&extracted, b"tokenkeep access token v1\x01")
}

fn decoded(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn mac(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

/// New random bytes as base64url, for names that no other test has.
///
/// # Panics
/// The computer gives no random bytes.
#[must_use]
pub fn random_name() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
