//! What can be wrong with a configured key, and how to fix it.

/// Bits of an RSA key: at least so many (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2_048;

/// At most so many: a longer one signs for longer than a refresh may take, and does not fit into a
/// secret of Cloudflare's (5 KB).
pub const MAX_RSA_BITS: usize = 4_096;

/// What is wrong with a configured key. It never contains the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Neither PEM nor a JWK.
    #[error("is no key: it has to start with -----BEGIN PRIVATE KEY----- or be a JWK")]
    NoKey,
    /// PEM without its end, or with something else than base64 in it.
    #[error("is incomplete or damaged: paste it on one line, from -----BEGIN to the last -----")]
    Damaged,
    /// The wrong half of a pair.
    #[error("is a public key, and only the private key of the pair can sign")]
    Public,
    /// Protected by a password.
    #[error(
        "is protected by a password, which the worker does not have. Remove it with: openssl pkcs8 -topk8 -nocrypt -in key.pem"
    )]
    Encrypted,
    /// PKCS#1, SEC 1 or OpenSSH.
    #[error(
        "is in another format than PKCS#8. Convert it with: openssl pkcs8 -topk8 -nocrypt -in key.pem"
    )]
    OtherFormat,
    /// Ed25519, for example.
    #[error("is of an algorithm other than ES256 and RS256")]
    OtherAlgorithm,
    /// P-384, for example.
    #[error("is of a curve other than P-256, which is that of ES256")]
    OtherCurve,
    /// RSA with 1024 bits, for example.
    #[error("is an RSA key with fewer than {MIN_RSA_BITS} bits")]
    TooShort,
    /// RSA with 8192 bits, for example.
    #[error("is an RSA key with more than {MAX_RSA_BITS} bits")]
    TooLong,
    /// PKCS#8 without the point, which is optional there.
    #[error("lacks its public part. Add that with: openssl pkey -in key.pem")]
    NoPublicPart,
    /// What `jwks.json` looks like.
    #[error("is a JWK set: store one key of it, which is what stands between [ and ]")]
    KeySet,
    /// More than one where there may be one.
    #[error("contains several keys: only one can sign, and others belong in the previous ones")]
    Several,
    /// A JWK of `kty` `oct`.
    #[error("is a shared secret, which belongs in access_token_secret")]
    SharedSecret,
    /// The runtime does not take it.
    #[error("is damaged, or its private and its public part are of different keys")]
    Refused,
    /// A JWK in which something is missing or not as it should be.
    #[error("looks like a JWK, but one of its members is missing or wrong")]
    BadJwk,
}
