//! Public keys: read from PEM, from a JWK, or from the private key that they belong to; named by their
//! thumbprint; and published as a JWK.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::token::{
    der::{Der, Tag},
    json,
    key_pair::problem::{KeyProblem, MAX_RSA_BITS, MIN_RSA_BITS},
    key_text::KeyText,
};

/// Size of a number of P-256, in bytes.
const P256_BYTES: usize = 32;

// What names an algorithm in DER: its object identifier (RFC 5480, section 2.1.1; RFC 8017,
// appendix C), and that of a curve.
const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// The public half of a key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub(super) numbers: Numbers,
    id: String,
}

/// As they stand in a JWK: base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Numbers {
    Es256 { x: String, y: String },
    Rs256 { n: String, e: String },
}

impl PublicKey {
    fn new(numbers: Numbers) -> Self {
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(numbers.canonical()));
        Self { numbers, id }
    }

    fn es256(x: &[u8], y: &[u8]) -> Result<Self, KeyProblem> {
        if x.len() != P256_BYTES || y.len() != P256_BYTES {
            return Err(KeyProblem::BadJwk);
        }
        let [x, y] = [x, y].map(|number| URL_SAFE_NO_PAD.encode(number));
        Ok(Self::new(Numbers::Es256 { x, y }))
    }

    fn rs256(n: &[u8], e: &[u8]) -> Result<Self, KeyProblem> {
        let [n, e] = [n, e].map(without_zeros);
        let first = n.first().ok_or(KeyProblem::BadJwk)?;
        let bits = n.len() * 8 - first.leading_zeros() as usize;
        if bits < MIN_RSA_BITS {
            return Err(KeyProblem::TooShort);
        }
        if bits > MAX_RSA_BITS {
            return Err(KeyProblem::TooLong);
        }
        let [n, e] = [n, e].map(|number| URL_SAFE_NO_PAD.encode(number));
        Ok(Self::new(Numbers::Rs256 { n, e }))
    }

    /// `kid`: the thumbprint of the key (RFC 7638).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `alg`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self.numbers {
            Numbers::Es256 { .. } => "ES256",
            Numbers::Rs256 { .. } => "RS256",
        }
    }

    /// The key as a member of a JWK set.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.numbers.canonical())
            .expect("it is written as JSON a few lines below");
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm().into();
        jwk["kid"] = self.id().into();
        jwk
    }

    /// The header of its tokens of this `typ`.
    pub(in crate::token) fn header(&self, typ: &str) -> String {
        let (algorithm, id) = (self.algorithm(), self.id());
        format!(r#"{{"alg":"{algorithm}","kid":"{id}","typ":"{typ}"}}"#)
    }

    /// Parses keys, public or private, in PEM or as JWKs, with or without white space between them.
    ///
    /// # Errors
    /// One of them is no key that could have signed.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, KeyProblem> {
        let keys = KeyText::split(text)?;
        keys.iter().map(Self::parse).collect()
    }

    fn parse(text: &KeyText) -> Result<Self, KeyProblem> {
        match text {
            KeyText::Public(der) => Self::from_spki(der),
            KeyText::Jwk(jwk) => Self::from_jwk(&members(jwk)?),
            KeyText::Private(der) => Self::of_pkcs8(der),
        }
    }

    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyProblem> {
        let number = |name| number(jwk, name);
        let key = match text(jwk, "kty")? {
            "EC" if text(jwk, "crv")? != "P-256" => return Err(KeyProblem::OtherCurve),
            "EC" => Self::es256(&number("x")?, &number("y")?)?,
            "RSA" => Self::rs256(&number("n")?, &number("e")?)?,
            "oct" => return Err(KeyProblem::SharedSecret),
            _ => return Err(KeyProblem::OtherAlgorithm),
        };
        let may_be = |name, value: &str| jwk.get(name).is_none_or(|given| given == value);
        if !may_be("alg", key.algorithm()) || !may_be("use", "sig") {
            return Err(KeyProblem::OtherAlgorithm);
        }
        Ok(key)
    }

    /// `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    fn from_spki(der: &[u8]) -> Result<Self, KeyProblem> {
        let mut info = Der(der).enter(Tag::Sequence).ok_or(KeyProblem::Damaged)?;
        let is_rsa = is_rsa(info.read(Tag::Sequence))?;
        let key = bits(info.read(Tag::BitString)).ok_or(KeyProblem::Damaged)?;
        if is_rsa {
            let key = Der(key).enter(Tag::Sequence);
            Self::from_integers(key.ok_or(KeyProblem::Damaged)?)
        } else {
            Self::from_point(key)
        }
    }

    /// The public half of a private key: `PrivateKeyInfo` (RFC 5208, section 5), and in it
    /// `RSAPrivateKey` (RFC 8017, appendix A.1.2) or `ECPrivateKey` (RFC 5915, section 3).
    pub(super) fn of_pkcs8(der: &[u8]) -> Result<Self, KeyProblem> {
        let mut info = Der(der).enter(Tag::Sequence).ok_or(KeyProblem::Damaged)?;
        info.number().ok_or(KeyProblem::Damaged)?;
        let is_rsa = is_rsa(info.read(Tag::Sequence))?;
        let key = info.read(Tag::OctetString);
        let key = key.and_then(|key| Der(key).enter(Tag::Sequence));
        let mut key = key.ok_or(KeyProblem::Damaged)?;
        key.number().ok_or(KeyProblem::Damaged)?;
        if is_rsa {
            return Self::from_integers(key);
        }
        key.read(Tag::OctetString).ok_or(KeyProblem::Damaged)?;
        key.read(Tag::Optional0);
        let point = key.enter(Tag::Optional1);
        let point = point.and_then(|mut point| bits(point.read(Tag::BitString)));
        Self::from_point(point.ok_or(KeyProblem::NoPublicPart)?)
    }

    /// The modulus, and the exponent after it.
    fn from_integers(mut key: Der<'_>) -> Result<Self, KeyProblem> {
        let numbers = key.number().zip(key.number());
        let (n, e) = numbers.ok_or(KeyProblem::Damaged)?;
        Self::rs256(n, e)
    }

    /// An uncompressed point (SEC 1, section 2.3.3).
    fn from_point(point: &[u8]) -> Result<Self, KeyProblem> {
        match point {
            [4, point @ ..] if point.len() == 2 * P256_BYTES => {
                let (x, y) = point.split_at(P256_BYTES);
                Self::es256(x, y)
            }
            _ => Err(KeyProblem::NoPublicPart),
        }
    }
}

impl Numbers {
    /// What the thumbprint is the hash of: the members that make the key, in their order.
    pub(super) fn canonical(&self) -> String {
        match self {
            Self::Es256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rs256 { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        }
    }
}

/// Which of the two algorithms it is.
fn is_rsa(algorithm: Option<&[u8]>) -> Result<bool, KeyProblem> {
    let algorithm = algorithm.ok_or(KeyProblem::Damaged)?;
    if algorithm.starts_with(RSA) {
        return Ok(true);
    }
    match algorithm.strip_prefix(EC) {
        Some(P256) => Ok(false),
        Some(_) => Err(KeyProblem::OtherCurve),
        None => Err(KeyProblem::OtherAlgorithm),
    }
}

/// The bytes in bits of which none is left over.
fn bits(contents: Option<&[u8]>) -> Option<&[u8]> {
    contents?.strip_prefix(&[0])
}

pub(super) fn members(jwk: &str) -> Result<Map<String, Value>, KeyProblem> {
    let members = json::object(jwk.as_bytes()).map_err(|_| KeyProblem::BadJwk)?;
    if members.contains_key("keys") {
        return Err(KeyProblem::KeySet);
    }
    Ok(members)
}

fn text<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<&'j str, KeyProblem> {
    let text = jwk.get(name).and_then(Value::as_str);
    text.ok_or(KeyProblem::BadJwk)
}

pub(super) fn number(
    jwk: &Map<String, Value>,
    name: &str,
) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let number = URL_SAFE_NO_PAD.decode(text(jwk, name)?);
    number.map(Zeroizing::new).map_err(|_| KeyProblem::BadJwk)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
