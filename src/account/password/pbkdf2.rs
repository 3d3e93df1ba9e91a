//! PBKDF2 (RFC 8018, section 5.2) with HMAC-SHA256: as a PHC string, as passlib writes it and as
//! Django does.

use ::pbkdf2::pbkdf2_hmac;
use sha2::Sha256;

use crate::{
    account::password::{
        COSTLY, DAMAGED,
        reader::{Digest, bytes, number, parameters, pieces, salt_bytes},
    },
    problem::Problem,
};

/// Maximum number of rounds, times the blocks of the output: a million, what Django uses now, takes
/// less than a second.
const ROUNDS: u32 = 4_000_000;

/// Bytes of one block, and of every hash that does not say another length.
const BLOCK_BYTES: usize = 32;

#[derive(Clone)]
pub struct Pbkdf2 {
    rounds: u32,
    salt: Vec<u8>,
    digest: Digest,
}

impl Pbkdf2 {
    /// Reads what follows `$pbkdf2-sha256$`: `i=600000,l=32$salt$hash`, or `600000$salt$hash`.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let [costs, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let (rounds, digest_bytes) = match parameters(costs, ["i", "l"]) {
            Some([rounds, length]) => (rounds, number(length).ok_or(DAMAGED)? as usize),
            None => (costs.strip_prefix("i=").unwrap_or(costs), BLOCK_BYTES),
        };
        let salt = salt_bytes(salt).ok_or(DAMAGED)?;
        Self::new(rounds, salt, digest, digest_bytes)
    }

    /// Reads what follows `pbkdf2_sha256$`: `600000$salt$hash`, the salt as it is.
    pub fn parse_django(rest: &str) -> Result<Self, Problem> {
        let [rounds, salt, digest] = pieces(rest, '$')
            .filter(|[_, salt, _]| !salt.is_empty())
            .ok_or(DAMAGED)?;
        Self::new(rounds, salt.as_bytes().to_vec(), digest, BLOCK_BYTES)
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        self.digest.is_what(|derived| {
            pbkdf2_hmac::<Sha256>(password, &self.salt, self.rounds, derived);
        })
    }

    /// The length is checked: the beginning of a PBKDF2 hash is a PBKDF2 hash too, so that a hash
    /// cut off would go unnoticed.
    fn new(
        rounds: &str,
        salt: Vec<u8>,
        digest: &str,
        digest_bytes: usize,
    ) -> Result<Self, Problem> {
        let digest = bytes(digest)
            .and_then(Digest::new)
            .filter(|digest| digest.len() == digest_bytes)
            .ok_or(DAMAGED)?;
        let rounds = number(rounds).filter(|rounds| *rounds > 0).ok_or(DAMAGED)?;
        let blocks = if digest_bytes > BLOCK_BYTES { 2 } else { 1 };
        if rounds > ROUNDS / blocks {
            return Err(COSTLY);
        }
        Ok(Self {
            rounds,
            salt,
            digest,
        })
    }
}
