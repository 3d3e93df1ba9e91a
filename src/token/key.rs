//! Keys that sign and verify tokens.

use jwt_compact::{
    Algorithm as _, AlgorithmSignature as _,
    alg::{Hs256, Hs256Key, Hs256Signature},
};

/// Bytes of a SHA-256 hash, and so of a signature.
pub const HASH_BYTES: usize = 32;

/// A key that signs and checks tokens with HS256. Redacted when printed, zeroed on drop.
#[derive(Debug, Clone)]
pub struct SigningKey(Hs256Key);

impl SigningKey {
    /// The key made of these bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(Hs256Key::new(bytes))
    }

    /// The signature of this key.
    pub(super) fn sign(&self, content: &[u8]) -> Vec<u8> {
        Hs256.sign(&self.0, content).as_bytes().into_owned()
    }

    /// Whether this key made the signature: the whole of it, compared in constant time.
    pub(super) fn has_signed(&self, content: &[u8], signature: &[u8]) -> bool {
        // Checked first: the crate takes the length for granted.
        signature.len() == HASH_BYTES
            && Hs256Signature::try_from_slice(signature)
                .is_ok_and(|signature| Hs256.verify_signature(&signature, &self.0, content))
    }
}

/// The key that signs now, and the earlier ones that are still good for checking.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Signs every new token.
    pub current: SigningKey,
    /// Still good for checking.
    pub previous: Vec<SigningKey>,
}

impl Keyring {
    /// Every key that a token may be signed with, the likeliest first.
    pub fn iter(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}
