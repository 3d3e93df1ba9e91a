//! Firebase Authentication's hash: scrypt makes a key, and the hash is the project's signer key
//! encrypted with it (AES-256-CTR from zero).
//!
//! Firebase's export says the project's parameters once and for each user a salt and a hash;
//! Tokenkeep's text holds all of them, so that a stored hash can be verified by itself.

use std::fmt;

use ::scrypt::Params;
use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use zeroize::Zeroizing;

use crate::{
    account::password::{
        DAMAGED,
        reader::{Digest, bytes, number, parameters, pieces, salt_bytes, text},
        scrypt::{affordable, derive},
    },
    problem::Problem,
};

/// Firebase's `hash_config`, as its console shows it under "Password hash parameters".
#[derive(Clone, Copy)]
pub struct FirebaseProject<'a> {
    /// `base64_signer_key`.
    pub signer_key: &'a str,
    /// `base64_salt_separator`.
    pub salt_separator: &'a str,
    /// `rounds`: scrypt's `r`.
    pub rounds: u32,
    /// `mem_cost`: scrypt's `N` as a power of two.
    pub mem_cost: u32,
}

impl fmt::Debug for FirebaseProject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FirebaseProject(_)")
    }
}

#[derive(Clone)]
pub struct Firebase {
    params: Params,
    salt_separator: Vec<u8>,
    signer_key: Vec<u8>,
    salt: Vec<u8>,
    digest: Digest,
}

impl Firebase {
    pub fn new(
        project: &FirebaseProject<'_>,
        salt: &str,
        password_hash: &str,
    ) -> Result<Self, Problem> {
        let digest = bytes(password_hash).and_then(Digest::new).ok_or(DAMAGED)?;
        // The hash is the signer key encrypted, and as long.
        let signer_key = bytes(project.signer_key).filter(|key| key.len() == digest.len());
        Ok(Self {
            params: affordable(project.mem_cost, project.rounds, 1)?,
            salt_separator: bytes(project.salt_separator).ok_or(DAMAGED)?,
            signer_key: signer_key.ok_or(DAMAGED)?,
            salt: salt_bytes(salt).ok_or(DAMAGED)?,
            digest,
        })
    }

    /// Reads what follows `$firebase-scrypt$`: `ln=14,r=8,ss=…,sk=…$salt$hash`.
    pub fn parse(rest: &str) -> Result<Self, Problem> {
        let [project, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let [mem_cost, rounds, salt_separator, signer_key] =
            parameters(project, ["ln", "r", "ss", "sk"]).ok_or(DAMAGED)?;
        let project = FirebaseProject {
            signer_key,
            salt_separator,
            rounds: number(rounds).ok_or(DAMAGED)?,
            mem_cost: number(mem_cost).ok_or(DAMAGED)?,
        };
        Self::new(&project, salt, digest)
    }

    /// Reads what follows `$fbscrypt$`, Supabase's: `v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash`.
    pub fn parse_supabase(rest: &str) -> Result<Self, Problem> {
        let [project, salt, digest] = pieces(rest, '$').ok_or(DAMAGED)?;
        let ["1", mem_cost, rounds, "1", salt_separator, signer_key] =
            parameters(project, ["v", "n", "r", "p", "ss", "sk"]).ok_or(DAMAGED)?
        else {
            return Err(DAMAGED);
        };
        let project = FirebaseProject {
            signer_key,
            salt_separator,
            rounds: number(rounds).ok_or(DAMAGED)?,
            mem_cost: number(mem_cost).ok_or(DAMAGED)?,
        };
        Self::new(&project, salt, digest)
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        let salt = [&self.salt[..], &self.salt_separator].concat();
        let mut key = Zeroizing::new([0; 32]);
        derive(password, &salt, &self.params, key.as_mut());
        self.digest.is_what(|derived| {
            derived.copy_from_slice(&self.signer_key);
            Ctr128BE::<Aes256>::new(&(*key).into(), &[0; 16].into()).apply_keystream(derived);
        })
    }
}

impl fmt::Display for Firebase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "$firebase-scrypt$ln={},r={},ss={},sk={}${}${}",
            self.params.log_n(),
            self.params.r(),
            text(&self.salt_separator),
            text(&self.signer_key),
            text(&self.salt),
            text(self.digest.bytes()),
        )
    }
}
