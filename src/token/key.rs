//! Secrets that sign and verify tokens (key pairs are in `key_pair`). Only this file knows which
//! algorithms a secret is used with: another one is a variant of `Key` and an arm in each method of [`SigningKey`].

use jwt_compact::{
    Algorithm as _, AlgorithmExt as _, AlgorithmSignature as _, Claims, Header,
    alg::{Hs256, Hs256Key, Hs256Signature},
};
use serde::Serialize;

/// The algorithm that a secret is used with: the `alg` of a token's header, and of a JWK.
pub(super) const SECRET_ALGORITHM: &str = "HS256";

/// Minimum size of a secret, in bytes: a key for HS256 is at least as long as its hash (RFC 7518,
/// section 3.2). jwt-compact's `StrongKey` would ask for 64.
pub(super) const SECRET_BYTES: usize = 32;

/// Size of a secret that Tokenkeep makes, in bytes: a block of SHA-256. HMAC would hash a longer one
/// down.
pub const NEW_SECRET_BYTES: usize = 64;

/// A key that signs and verifies tokens. Redacted when printed, zeroed on drop.
#[derive(Debug, Clone)]
pub struct SigningKey(Key);

#[derive(Debug, Clone)]
enum Key {
    Hs256(Hs256Key),
}

impl SigningKey {
    /// The key made of the bytes of a secret.
    pub(super) fn from_secret(bytes: &[u8]) -> Self {
        Self(Key::Hs256(Hs256Key::new(bytes)))
    }

    /// Signs claims as a token of this `typ`.
    pub(super) fn token(&self, typ: &str, claims: &Claims<impl Serialize>) -> String {
        let header = Header::empty().with_token_type(typ);
        match &self.0 {
            Key::Hs256(key) => Hs256.token(&header, claims, key),
        }
        .expect("claims made of text, numbers and JSON values always serialise")
    }

    /// The header of this key's tokens of this `typ`, exactly as [`Self::token`] writes it.
    pub(super) fn header(&self, typ: &str) -> String {
        let algorithm = match &self.0 {
            Key::Hs256(_) => SECRET_ALGORITHM,
        };
        format!(r#"{{"alg":"{algorithm}","typ":"{typ}"}}"#)
    }

    /// Whether this key made the signature: the whole of it, compared in constant time.
    pub(super) fn has_signed(&self, content: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            // The length is checked first: jwt-compact panics on any other.
            Key::Hs256(key) => {
                Hs256Signature::LENGTH.is_some_and(|length| length.get() == signature.len())
                    && Hs256Signature::try_from_slice(signature)
                        .is_ok_and(|signature| Hs256.verify_signature(&signature, key, content))
            }
        }
    }
}

/// The key that signs now, and the earlier ones that still verify.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Signs every new token.
    pub current: SigningKey,
    /// Verify tokens that were signed before the secret was replaced.
    pub previous: Vec<SigningKey>,
}

impl Keyring {
    /// Every key that a token may be signed with, the likeliest first.
    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}
