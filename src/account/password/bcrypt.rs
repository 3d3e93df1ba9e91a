//! bcrypt, as the modular crypt format of Unix, and what other systems put before it because it
//! ignores everything after 72 bytes.
//!
//! `$2a$`, `$2b$` and `$2y$` are computed alike: the differences were bugs, long fixed, that
//! concern passwords of 256 bytes or implementations that wrote `$2x$`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256, Sha384};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    account::password::{
        COSTLY, DAMAGED, php_trimmed,
        reader::{number, parameters, pieces},
    },
    problem::Problem,
};

/// Minimum cost that bcrypt has.
const MIN_COST: u32 = 4;

/// Maximum cost, as a power of two: each step doubles the time, and 12 takes a quarter of a second.
const MAX_COST: u32 = 14;

/// The bytes of a password that bcrypt looks at, the NUL at its end included.
const KEY_BYTES: usize = 72;

const SALT_CHARACTERS: usize = 22;
const DIGEST_BYTES: usize = 23;

/// Some implementations leave the last bits, which stand for nothing, as they find them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// How a password becomes bcrypt's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The password and a NUL.
    Plain,
    /// `$2$`, of 1997: the password without the NUL.
    Unterminated,
    /// `$2x$`: PHP and others before 2011, which extended the sign of each byte.
    SignExtended,
    /// `WordPress` 6.8: HMAC-SHA384 of the trimmed password, in base64.
    WordPress,
    /// Django's `bcrypt_sha256`: SHA-256 in hexadecimal.
    Sha256Hex,
    /// passlib's `bcrypt_sha256` before 1.7.3: SHA-256 in base64.
    Sha256,
    /// passlib's since then: HMAC-SHA256 with the salt's text as its key, in base64.
    HmacSha256,
}

#[derive(Clone)]
pub struct Bcrypt {
    key: Key,
    cost: u32,
    salt: [u8; 16],
    digest: [u8; DIGEST_BYTES],
}

impl Bcrypt {
    /// Reads `2b$12$`, or its like, and 53 characters; the `key` is what comes before bcrypt.
    pub fn parse(text: &str, key: Key) -> Result<Self, Problem> {
        let [id, cost, salt_and_digest] = pieces(text, '$').ok_or(DAMAGED)?;
        let key = match (id, key) {
            ("2", Key::Plain) => Key::Unterminated,
            ("2x", Key::Plain) => Key::SignExtended,
            ("2a" | "2b" | "2y", key) => key,
            _ => return Err(DAMAGED),
        };
        let (salt, digest) = salt_and_digest
            .split_at_checked(SALT_CHARACTERS)
            .ok_or(DAMAGED)?;
        let cost = Some(cost).filter(|cost| cost.len() == 2);
        Self::new(key, cost.ok_or(DAMAGED)?, salt, digest)
    }

    /// Reads what follows passlib's `$bcrypt-sha256$`: `v=2,t=2b,r=12$salt$hash`, or, in its first
    /// version, `2b,12$salt$hash`.
    pub fn parse_passlib(rest: &str) -> Result<Self, Problem> {
        let [costs, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let (key, id, cost) = match parameters(costs, ["v", "t", "r"]) {
            Some(["2", id, cost]) => (Key::HmacSha256, id, cost),
            Some(_) => return Err(DAMAGED),
            None => {
                let [id, cost] = pieces(costs, ',').ok_or(DAMAGED)?;
                (Key::Sha256, id, cost)
            }
        };
        if !matches!(id, "2a" | "2b") {
            return Err(DAMAGED);
        }
        Self::new(key, cost, salt, digest)
    }

    fn new(key: Key, cost: &str, salt: &str, digest: &str) -> Result<Self, Problem> {
        let cost = number(cost)
            .filter(|cost| *cost >= MIN_COST)
            .ok_or(DAMAGED)?;
        if cost > MAX_COST {
            return Err(COSTLY);
        }
        Ok(Self {
            key,
            cost,
            salt: array(salt)?,
            digest: array(digest)?,
        })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        let key = self.key(password);
        let key = &key[..key.len().min(KEY_BYTES)];
        let derived = Zeroizing::new(::bcrypt::bcrypt(self.cost, self.salt, key));
        self.digest.ct_eq(&derived[..DIGEST_BYTES]).into()
    }

    /// Whether no other password that a person might type has the same key.
    pub fn distinguishes(&self, password: &[u8]) -> bool {
        match self.key {
            Key::Plain | Key::Unterminated => password.len() < KEY_BYTES,
            Key::SignExtended => password.len() < KEY_BYTES && password.is_ascii(),
            Key::WordPress => password == php_trimmed(password),
            Key::Sha256Hex | Key::Sha256 | Key::HmacSha256 => true,
        }
    }

    fn key(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        let terminated = |bytes: &[u8]| [bytes, &[0]].concat();
        let base64 = |bytes: &[u8]| terminated(STANDARD.encode(bytes).as_bytes());
        Zeroizing::new(match self.key {
            Key::Plain => terminated(password),
            Key::Unterminated => password.to_vec(),
            Key::SignExtended => sign_extended(&terminated(password)),
            Key::WordPress => {
                let mac = Hmac::<Sha384>::new_from_slice(b"wp-sha384").expect("any length");
                let mac = mac.chain_update(php_trimmed(password));
                base64(&mac.finalize().into_bytes())
            }
            Key::Sha256Hex => terminated(format!("{:x}", Sha256::digest(password)).as_bytes()),
            Key::Sha256 => base64(&Sha256::digest(password)),
            Key::HmacSha256 => {
                let salt = BASE64.encode(self.salt);
                let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).expect("any length");
                base64(&mac.chain_update(password).finalize().into_bytes())
            }
        })
    }
}

/// The 18 words that the bug made of a key, as bytes: a byte from 128 on sets every bit of its word
/// to the left of it.
fn sign_extended(key: &[u8]) -> Vec<u8> {
    let mut bytes = key.iter().cycle();
    let mut word = || {
        let signed = bytes
            .by_ref()
            .take(4)
            .map(|byte| i32::from(byte.cast_signed()));
        signed.fold(0, |word, byte| (word << 8) | byte)
    };
    (0..KEY_BYTES / 4)
        .flat_map(|_| word().to_be_bytes())
        .collect()
}

fn array<const N: usize>(text: &str) -> Result<[u8; N], Problem> {
    let bytes = BASE64.decode(text).map_err(|_| DAMAGED)?;
    bytes.try_into().map_err(|_| DAMAGED)
}
