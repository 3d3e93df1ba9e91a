//! Argon2 (RFC 9106), as PHC strings.

use std::fmt;

pub use ::argon2::Algorithm;
use ::argon2::{Block, Params, Version};

use crate::{
    account::password::{
        COSTLY, DAMAGED, MEMORY_LIMIT_BYTES, SALT_BYTES,
        reader::{Digest, bytes, number, parameters, pieces, text},
        reserve,
    },
    problem::Problem,
};

/// Bytes of a new hash (RFC 9106, section 4).
const DIGEST_BYTES: usize = 32;

/// What a new hash costs: the first choice of OWASP's Password Storage Cheat Sheet, 19 MiB in two
/// passes on one lane. RFC 9106's 64 MiB would fill a Durable Object.
const TODAY: Params = match Params::new(19_456, 2, 1, Some(DIGEST_BYTES)) {
    Ok(params) => params,
    Err(_) => panic!("today's parameters are within argon2's bounds"),
};

/// Maximum memory in KiB. Argon2 needs next to nothing beside it.
const MEMORY_KIB: u32 = 65_536;
const _: () = assert!((MEMORY_KIB as u64) * 1024 <= MEMORY_LIMIT_BYTES);

/// Maximum KiB written, memory times passes: 16 passes over 64 MiB. One MiB takes about 1 ms.
const KIB_WRITTEN: u64 = 16 * 65_536;

/// Minimum size of a salt, in bytes: the bound of the reference implementation.
const MIN_SALT_BYTES: usize = 8;

#[derive(Clone)]
pub struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    digest: Digest,
}

impl Argon2 {
    /// Reads what follows `$argon2id$` or its like: `v=19$m=…,t=…,p=…$salt$hash`. The version came
    /// with the second revision of argon2; without one the first is meant.
    pub fn parse(algorithm: Algorithm, rest: &str) -> Result<Self, Problem> {
        let (version, rest) = match rest.strip_prefix("v=").map(|rest| rest.split_once('$')) {
            Some(Some(("19", rest))) => (Version::V0x13, rest),
            Some(Some(("16", rest))) => (Version::V0x10, rest),
            None => (Version::V0x10, rest),
            Some(_) => return Err(DAMAGED),
        };
        let [costs, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let salt = bytes(salt).filter(|salt| salt.len() >= MIN_SALT_BYTES);
        let digest = bytes(digest).and_then(Digest::new).ok_or(DAMAGED)?;
        Ok(Self {
            algorithm,
            version,
            params: affordable(costs, digest.len())?,
            salt: salt.ok_or(DAMAGED)?,
            digest,
        })
    }

    /// Hashes a password with today's parameters.
    pub fn hash(password: &[u8], salt: [u8; SALT_BYTES]) -> Self {
        let mut digest = [0; DIGEST_BYTES];
        let blank = Self::of_today(salt, digest);
        blank.derive(password, &mut digest);
        Self::of_today(salt, digest)
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        self.digest
            .is_what(|derived| self.derive(password, derived))
    }

    pub fn is_current(&self) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params == TODAY
            && self.salt.len() == SALT_BYTES
    }

    fn of_today(salt: [u8; SALT_BYTES], digest: [u8; DIGEST_BYTES]) -> Self {
        Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: TODAY,
            salt: salt.to_vec(),
            digest: Digest::new(digest.to_vec()).expect("32 bytes are within 16 and 64"),
        }
    }

    fn derive(&self, password: &[u8], output: &mut [u8]) {
        reserve(u64::from(self.params.m_cost()) * 1024);
        let mut blocks = vec![Block::default(); self.params.block_count()];
        ::argon2::Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password, &self.salt, output, &mut blocks[..])
            .expect("the lengths and costs were checked when this was made");
    }
}

fn affordable(costs: &str, digest_bytes: usize) -> Result<Params, Problem> {
    let [Some(memory_kib), Some(passes), Some(lanes)] = parameters(costs, ["m", "t", "p"])
        .ok_or(DAMAGED)?
        .map(number)
    else {
        return Err(DAMAGED);
    };
    if memory_kib > MEMORY_KIB || u64::from(memory_kib) * u64::from(passes) > KIB_WRITTEN {
        return Err(COSTLY);
    }
    // Every lane has at least 8 KiB; checked first, because the crate multiplies.
    if lanes > memory_kib / 8 {
        return Err(DAMAGED);
    }
    Params::new(memory_kib, passes, lanes, Some(digest_bytes)).map_err(|_| DAMAGED)
}

impl fmt::Display for Argon2 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            text(&self.salt),
            text(self.digest.bytes()),
        )
    }
}
