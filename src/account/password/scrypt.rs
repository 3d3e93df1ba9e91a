//! scrypt (RFC 7914), as PHC strings: `$scrypt$ln=16,r=8,p=1$salt$hash`.

use ::scrypt::Params;

use crate::{
    account::password::{
        COSTLY, DAMAGED, MEMORY_LIMIT_BYTES,
        reader::{Digest, bytes, number, parameters, pieces, salt_bytes},
    },
    problem::Problem,
};

/// Bytes of scrypt's block for each unit of `r`.
const BLOCK_BYTES: u64 = 128;

/// Maximum number of blocks mixed, `N · r · p`: eight times that of `ln=16,r=8,p=1`, which takes a
/// quarter of a second.
const BLOCKS_MIXED: u64 = 8 << 19;

/// The greatest `ln` that could pass the limit of memory, with `r = 1`.
const MAX_LOG_N: u32 = 19;

#[derive(Clone)]
pub struct Scrypt {
    params: Params,
    salt: Vec<u8>,
    digest: Digest,
}

impl Scrypt {
    /// Reads what follows `$scrypt$`.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let [costs, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let [Some(log_n), Some(r), Some(p)] = parameters(costs, ["ln", "r", "p"])
            .ok_or(DAMAGED)?
            .map(number)
        else {
            return Err(DAMAGED);
        };
        Ok(Self {
            params: affordable(log_n, r, p)?,
            salt: salt_bytes(salt).ok_or(DAMAGED)?,
            digest: bytes(digest).and_then(Digest::new).ok_or(DAMAGED)?,
        })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        self.digest
            .is_what(|derived| derive(password, &self.salt, &self.params, derived))
    }
}

/// Fills `output`, 1 to 64 bytes.
pub fn derive(password: &[u8], salt: &[u8], params: &Params, output: &mut [u8]) {
    ::scrypt::scrypt(password, salt, params, output)
        .expect("scrypt fills any output that is not empty");
}

/// Refuses costs that scrypt does not have, and those that would take too much.
pub fn affordable(log_n: u32, r: u32, p: u32) -> Result<Params, Problem> {
    if log_n == 0 {
        return Err(DAMAGED);
    }
    if log_n > MAX_LOG_N {
        return Err(COSTLY);
    }
    let n = 1 << log_n;
    let memory = (BLOCK_BYTES * u64::from(r)).saturating_mul(n + u64::from(p));
    let mixed = (n * u64::from(r)).saturating_mul(u64::from(p));
    if memory > MEMORY_LIMIT_BYTES || mixed > BLOCKS_MIXED {
        return Err(COSTLY);
    }
    let log_n = u8::try_from(log_n).map_err(|_| COSTLY)?;
    // The crate's length is of use for its own PHC strings only.
    Params::new(log_n, r, p, Params::RECOMMENDED_LEN).map_err(|_| DAMAGED)
}
