//! bcrypt, as the modular crypt format of Unix.
//!
//! `$2a$`, `$2b$` and `$2y$` are computed alike: the differences were bugs, long fixed, that
//! concern passwords of 256 bytes or implementations that wrote `$2x$`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    account::password::{COSTLY, DAMAGED, reader::number},
    problem::Problem,
};

/// Minimum cost that bcrypt has.
const MIN_COST: u32 = 4;

/// Maximum cost, as a power of two: each step doubles the time, and 12 takes a quarter of a second.
const MAX_COST: u32 = 15;

/// The bytes of a password that bcrypt looks at, the NUL at its end included. It is bcrypt's own
/// limit, and hashes made elsewhere have it built in; the new hash made at the next login has not.
const KEY_BYTES: usize = 72;

const SALT_CHARACTERS: usize = 22;
const DIGEST_BYTES: usize = 23;

/// Some implementations leave the last bits, which stand for nothing, as they find them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

#[derive(Clone)]
pub struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; DIGEST_BYTES],
}

impl Bcrypt {
    /// Reads what follows `$2b$` or its like: two digits of cost, `$`, and 53 characters.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let (cost, rest) = rest.split_once('$').ok_or(DAMAGED)?;
        let (salt, digest) = rest.split_at_checked(SALT_CHARACTERS).ok_or(DAMAGED)?;
        let cost = number(cost)
            .filter(|number| cost.len() == 2 && *number >= MIN_COST)
            .ok_or(DAMAGED)?;
        if cost > MAX_COST {
            return Err(COSTLY);
        }
        Ok(Self {
            cost,
            salt: array(salt)?,
            digest: array(digest)?,
        })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let used = password.len().min(KEY_BYTES);
        key[..used].copy_from_slice(&password[..used]);
        let key = &key[..KEY_BYTES.min(used + 1)];
        let derived = Zeroizing::new(::bcrypt::bcrypt(self.cost, self.salt, key));
        self.digest.ct_eq(&derived[..DIGEST_BYTES]).into()
    }
}

fn array<const N: usize>(text: &str) -> Result<[u8; N], Problem> {
    let bytes = BASE64.decode(text).map_err(|_| DAMAGED)?;
    bytes.try_into().map_err(|_| DAMAGED)
}
