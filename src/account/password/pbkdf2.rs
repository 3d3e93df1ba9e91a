//! PBKDF2 (RFC 8018, section 5.2) with HMAC-SHA1, -SHA256 or -SHA512, as everyone writes it: PHC,
//! passlib, Django, Werkzeug, ASP.NET Identity, Spring.

use ::pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::{
    account::password::{
        COSTLY, DAMAGED, UNKNOWN,
        reader::{Digest, bytes, number, of_hex, parameters, pieces, salt_bytes},
    },
    problem::Problem,
};

/// Maximum number of rounds: a million of SHA-256, what Django uses now, takes less than a second.
/// One of SHA-512 takes twice as long as one of SHA-256, in WebAssembly too.
const ROUNDS: u32 = 2_000_000;
const ROUNDS_OF_SHA512: u32 = ROUNDS / 2;

/// Bytes of the key in ASP.NET Identity's and Spring's defaults. Neither text says it.
const ASP_NET_KEY_BYTES: usize = 32;
const SPRING_KEY_BYTES: usize = 32;

/// The hash inside of HMAC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

impl Prf {
    fn named(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Bytes of one block, and of every key that does not say another length.
    const fn block_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

#[derive(Clone)]
pub struct Pbkdf2 {
    prf: Prf,
    rounds: u32,
    salt: Vec<u8>,
    /// The first block of the key. Each block is made from the password alone, at the full price: the
    /// others would prove nothing more.
    digest: Digest,
}

impl Pbkdf2 {
    /// Reads what follows `$pbkdf2-sha256$`: `i=600000,l=32$salt$hash`, or `600000$salt$hash`.
    pub fn parse(prf: Prf, rest: &str) -> Result<Self, Problem> {
        let [costs, salt, key] = pieces(rest, '$').ok_or(DAMAGED)?;
        let (rounds, key_bytes) = match parameters(costs, ["i", "l"]) {
            Some([rounds, length]) => (rounds, number(length).ok_or(DAMAGED)? as usize),
            None => (costs.strip_prefix("i=").unwrap_or(costs), prf.block_bytes()),
        };
        Self::new(prf, number(rounds), salt_bytes(salt), bytes(key), key_bytes)
    }

    /// Reads what follows Django's `pbkdf2_sha256$`: `600000$salt$hash`, the salt as it is.
    pub fn parse_django(prf: Prf, rest: &str) -> Result<Self, Problem> {
        let [rounds, salt, key] = pieces(rest, '$').ok_or(DAMAGED)?;
        let salt = Some(salt.as_bytes().to_vec());
        Self::new(prf, number(rounds), salt, bytes(key), prf.block_bytes())
    }

    /// Reads Werkzeug's `pbkdf2:sha256:600000$salt$hash` from behind the first colon: the salt as it
    /// is, the hash in hexadecimal.
    pub fn parse_werkzeug(costs: &str, rest: &str) -> Result<Self, Problem> {
        let [prf, rounds] = pieces(costs, ':').ok_or(DAMAGED)?;
        let [salt, key] = pieces(rest, '$').ok_or(DAMAGED)?;
        let prf = Prf::named(prf).ok_or(UNKNOWN)?;
        let salt = Some(salt.as_bytes().to_vec());
        Self::new(prf, number(rounds), salt, of_hex(key), prf.block_bytes())
    }

    /// Reads Spring's hexadecimal text: the salt, then a key of 32 bytes. The rest is the default of
    /// a version of Spring.
    pub fn parse_spring(
        prf: Prf,
        rounds: u32,
        salt_bytes: usize,
        text: &str,
    ) -> Result<Self, Problem> {
        let all = of_hex(text).ok_or(DAMAGED)?;
        let (salt, key) = all.split_at_checked(salt_bytes).ok_or(DAMAGED)?;
        Self::new(
            prf,
            Some(rounds),
            Some(salt.to_vec()),
            Some(key.to_vec()),
            SPRING_KEY_BYTES,
        )
    }

    /// Reads the base64 of ASP.NET Identity: a zero, a salt of 16 bytes and a key of 32 (version 2), or
    /// a one, three numbers, salt and key (version 3).
    pub fn parse_asp_net(text: &str) -> Result<Self, Problem> {
        let all = bytes(text).ok_or(UNKNOWN)?;
        match all.split_first().ok_or(UNKNOWN)? {
            (0, rest) => {
                let (salt, key) = rest.split_at_checked(16).ok_or(DAMAGED)?;
                let (salt, key) = (Some(salt.to_vec()), Some(key.to_vec()));
                Self::new(Prf::Sha1, Some(1000), salt, key, ASP_NET_KEY_BYTES)
            }
            (1, rest) => Self::asp_net_3(rest),
            _ => Err(UNKNOWN),
        }
    }

    fn asp_net_3(rest: &[u8]) -> Result<Self, Problem> {
        let (numbers, rest) = rest.split_first_chunk::<12>().ok_or(DAMAGED)?;
        let [prf, rounds, salt_bytes] = [0, 4, 8].map(|at| {
            numbers[at..][..4]
                .iter()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
        });
        let prf = match prf {
            0 => Prf::Sha1,
            1 => Prf::Sha256,
            2 => Prf::Sha512,
            _ => return Err(DAMAGED),
        };
        let (salt, key) = rest.split_at_checked(salt_bytes as usize).ok_or(DAMAGED)?;
        let (salt, key) = (Some(salt.to_vec()), Some(key.to_vec()));
        Self::new(prf, Some(rounds), salt, key, ASP_NET_KEY_BYTES)
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        let (salt, rounds) = (&self.salt, self.rounds);
        self.digest.is_what(|derived| match self.prf {
            Prf::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, rounds, derived),
            Prf::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, rounds, derived),
            Prf::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, rounds, derived),
        })
    }

    /// The length is checked: the beginning of a PBKDF2 key is a PBKDF2 key too, so that one cut off
    /// would go unnoticed.
    fn new(
        prf: Prf,
        rounds: Option<u32>,
        salt: Option<Vec<u8>>,
        key: Option<Vec<u8>>,
        key_bytes: usize,
    ) -> Result<Self, Problem> {
        let mut key = key.filter(|key| key.len() == key_bytes).ok_or(DAMAGED)?;
        key.truncate(prf.block_bytes());
        let rounds = rounds.filter(|rounds| *rounds > 0).ok_or(DAMAGED)?;
        let max = if prf == Prf::Sha512 {
            ROUNDS_OF_SHA512
        } else {
            ROUNDS
        };
        if rounds > max {
            return Err(COSTLY);
        }
        Ok(Self {
            prf,
            rounds,
            salt: salt.filter(|salt| !salt.is_empty()).ok_or(DAMAGED)?,
            digest: Digest::new(key).ok_or(DAMAGED)?,
        })
    }
}
