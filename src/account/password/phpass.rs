//! phpass's portable hash, rounds of MD5: `WordPress` before 6.8 (`$P$`), `phpBB` (`$H$`).

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use crate::{
    account::password::{COSTLY, DAMAGED, php_trimmed},
    problem::Problem,
};

/// Digits by value. In a hash the first one has the lowest bits.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Minimum number of rounds that phpass has, as a power of two; `WordPress` has 13.
const MIN_LOG_ROUNDS: u32 = 7;

/// Maximum: what phpass makes where it is set to bcrypt's highest usual cost, 16.
const MAX_LOG_ROUNDS: u32 = 21;

const SALT_CHARACTERS: usize = 8;

#[derive(Clone)]
pub struct Phpass {
    rounds: u32,
    salt: [u8; SALT_CHARACTERS],
    digest: [u8; 16],
}

impl Phpass {
    /// Reads what follows `$P$`: a digit for the rounds, 8 characters of salt, 22 of hash.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let (&rounds, rest) = rest.as_bytes().split_first().ok_or(DAMAGED)?;
        let (salt, digest) = rest.split_first_chunk().ok_or(DAMAGED)?;
        let log_rounds = value(rounds)
            .filter(|log_rounds| *log_rounds >= MIN_LOG_ROUNDS)
            .ok_or(DAMAGED)?;
        if log_rounds > MAX_LOG_ROUNDS {
            return Err(COSTLY);
        }
        Ok(Self {
            rounds: 1 << log_rounds,
            salt: *salt,
            digest: digest_of(digest).ok_or(DAMAGED)?,
        })
    }

    /// `WordPress` trims a password before it hashes it, others do not.
    pub fn matches(&self, password: &[u8]) -> bool {
        let is_match = |password: &[u8]| -> bool {
            let first = Md5::new().chain_update(self.salt).chain_update(password);
            let next = |hash, _| {
                Md5::new()
                    .chain_update(hash)
                    .chain_update(password)
                    .finalize()
            };
            let derived = (0..self.rounds).fold(first.finalize(), next);
            self.digest.ct_eq(&derived[..]).into()
        };
        let trimmed = php_trimmed(password);
        is_match(password) || trimmed != password && is_match(trimmed)
    }
}

fn value(digit: u8) -> Option<u32> {
    let at = DIGITS.iter().position(|known| *known == digit)?;
    u32::try_from(at).ok()
}

fn digest_of(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 22 {
        return None;
    }
    let number = text.iter().rev().try_fold(0_u128, |number, digit| {
        number.checked_mul(64)?.checked_add(value(*digit)?.into())
    })?;
    Some(number.to_le_bytes())
}
