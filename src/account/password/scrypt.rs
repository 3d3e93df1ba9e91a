//! scrypt (RFC 7914), as everyone writes it: PHC and passlib, Django, Werkzeug, Spring, Lucia and
//! Better Auth.

use ::scrypt::Params;

use crate::{
    account::password::{
        COSTLY, DAMAGED, MEMORY_LIMIT_BYTES, Password, UNKNOWN,
        reader::{Digest, bytes, number, of_hex, parameters, pieces, salt_bytes},
        reserve,
    },
    problem::Problem,
};

/// Bytes of scrypt's block for each unit of `r`.
const BLOCK_BYTES: u64 = 128;

/// Maximum number of blocks mixed, `N · r · p`: four times that of `ln=16,r=8,p=1`, which takes a
/// quarter of a second.
const BLOCKS_MIXED: u64 = 4 << 19;

/// The greatest `ln` that could pass the limit of memory, with `r = 1`.
const MAX_LOG_N: u32 = 19;

/// Bytes of the hash in the forms that always have as many: a hash cut off is still a hash.
const LONG: usize = 64;
const SPRING: usize = 32;

#[derive(Clone)]
pub struct Scrypt {
    params: Params,
    salt: Vec<u8>,
    digest: Digest,
    /// Lucia and Better Auth hash the password's NFKC form.
    is_nfkc: bool,
}

impl Scrypt {
    /// Reads what follows `$scrypt$`: `ln=16,r=8,p=1$salt$hash`.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let [costs, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let [Some(log_n), Some(r), Some(p)] = parameters(costs, ["ln", "r", "p"])
            .ok_or(DAMAGED)?
            .map(number)
        else {
            return Err(DAMAGED);
        };
        let params = affordable(log_n, r, p)?;
        Self::new(params, salt_bytes(salt), bytes(digest), None)
    }

    /// Reads what follows Django's `scrypt$`: `16384$salt$8$5$hash`, the salt as it is.
    pub fn parse_django(rest: &str) -> Result<Self, Problem> {
        let [n, salt, r, p, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let salt = Some(salt.as_bytes().to_vec());
        Self::new(of_n([n, r, p])?, salt, bytes(digest), Some(LONG))
    }

    /// Reads Werkzeug's `scrypt:32768:8:1$salt$hash` from behind the first colon: the salt as it is,
    /// the hash in hexadecimal.
    pub fn parse_werkzeug(costs: &str, rest: &str) -> Result<Self, Problem> {
        let costs = pieces(costs, ':').ok_or(DAMAGED)?;
        let [salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let salt = Some(salt.as_bytes().to_vec());
        Self::new(of_n(costs)?, salt, of_hex(digest), Some(LONG))
    }

    /// Reads Lucia's and Better Auth's `salt:hash`: both in hexadecimal, but the salt is used as it is.
    pub fn parse_lucia(salt: &str, digest: &str) -> Result<Self, Problem> {
        let digest = of_hex(salt).and(of_hex(digest)).ok_or(UNKNOWN)?;
        let salt = Some(salt.as_bytes().to_vec());
        let hash = Self::new(affordable(14, 16, 1)?, salt, Some(digest), Some(LONG))?;
        let is_nfkc = true;
        Ok(Self { is_nfkc, ..hash })
    }

    /// Reads Spring's `$e0801$salt$hash`: `ln`, `r` and `p` in one hexadecimal number.
    pub fn parse_spring(text: &str) -> Result<Self, Problem> {
        let ["", costs, salt, digest] = pieces(text, '$').ok_or(DAMAGED)? else {
            return Err(DAMAGED);
        };
        let costs = u32::from_str_radix(costs, 16).map_err(|_| DAMAGED)?;
        let params = affordable(costs >> 16, costs >> 8 & 0xff, costs & 0xff)?;
        Self::new(params, salt_bytes(salt), bytes(digest), Some(SPRING))
    }

    fn new(
        params: Params,
        salt: Option<Vec<u8>>,
        digest: Option<Vec<u8>>,
        digest_bytes: Option<usize>,
    ) -> Result<Self, Problem> {
        let digest = digest
            .and_then(Digest::new)
            .filter(|digest| digest_bytes.is_none_or(|length| length == digest.len()));
        Ok(Self {
            params,
            salt: salt.filter(|salt| !salt.is_empty()).ok_or(DAMAGED)?,
            digest: digest.ok_or(DAMAGED)?,
            is_nfkc: false,
        })
    }

    pub fn matches(&self, password: &Password) -> bool {
        let password = if self.is_nfkc {
            password.nfkc()
        } else {
            password.expose()
        };
        self.digest.is_what(|derived| {
            derive(password.as_bytes(), &self.salt, &self.params, derived);
        })
    }

    /// Whether no other password has the same form.
    pub fn distinguishes(&self, password: &Password) -> bool {
        !self.is_nfkc || password.nfkc() == password.expose()
    }
}

/// Fills `output`, 1 to 64 bytes.
pub fn derive(password: &[u8], salt: &[u8], params: &Params, output: &mut [u8]) {
    reserve(memory(params.log_n(), params.r(), params.p()));
    ::scrypt::scrypt(password, salt, params, output)
        .expect("scrypt fills any output that is not empty");
}

/// The parameters `N`, `r` and `p`, where others have `ln`.
fn of_n(costs: [&str; 3]) -> Result<Params, Problem> {
    let [Some(n), Some(r), Some(p)] = costs.map(number) else {
        return Err(DAMAGED);
    };
    if !n.is_power_of_two() {
        return Err(DAMAGED);
    }
    affordable(n.ilog2(), r, p)
}

/// Refuses costs that scrypt does not have, and those that would take too much.
pub fn affordable(log_n: u32, r: u32, p: u32) -> Result<Params, Problem> {
    if log_n == 0 {
        return Err(DAMAGED);
    }
    if log_n > MAX_LOG_N {
        return Err(COSTLY);
    }
    let log_n = u8::try_from(log_n).map_err(|_| COSTLY)?;
    let mixed = (u64::from(r) << log_n).saturating_mul(u64::from(p));
    if memory(log_n, r, p) > MEMORY_LIMIT_BYTES || mixed > BLOCKS_MIXED {
        return Err(COSTLY);
    }
    // The crate's length is of use for its own PHC strings only.
    Params::new(log_n, r, p, Params::RECOMMENDED_LEN).map_err(|_| DAMAGED)
}

/// Bytes that scrypt takes.
fn memory(log_n: u8, r: u32, p: u32) -> u64 {
    (BLOCK_BYTES * u64::from(r)).saturating_mul((1 << log_n) + u64::from(p))
}
