//! Key pairs, for access tokens that others verify without being able to make them: ES256 (the curve
//! P-256) and RS256 (RFC 7518, sections 3.3 and 3.4). Here they are read from the settings, named and
//! shown; what signs and verifies with them is outside ([`crate::port::Signatures`]).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::token::{
    der::{Der, Tag},
    json,
    key_text::KeyText,
};

/// Bits of an RSA key: at least so many (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2_048;

/// At most so many: a longer one signs for longer than a refresh may take, and does not fit into a
/// secret of Cloudflare's (5 KB).
pub const MAX_RSA_BITS: usize = 4_096;

/// Size of a number of P-256, in bytes.
const P256_BYTES: usize = 32;

// What names an algorithm in DER: its object identifier (RFC 5480, section 2.1.1; RFC 8017,
// appendix C), and that of a curve.
const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

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

/// The public half of a key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    numbers: Numbers,
    id: String,
}

/// As they stand in a JWK: base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Numbers {
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
    pub(super) fn header(&self, typ: &str) -> String {
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

    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyProblem> {
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
    fn of_pkcs8(der: &[u8]) -> Result<Self, KeyProblem> {
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
    fn canonical(&self) -> String {
        match self {
            Self::Es256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rs256 { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
        }
    }
}

/// A private key. Redacted when printed, zeroed on drop.
#[derive(Clone)]
pub struct PrivateKey {
    public: PublicKey,
    secret: SecretKey,
}

/// A private key as WebCrypto imports it.
#[derive(Clone)]
pub enum SecretKey {
    /// PKCS#8 (RFC 5958), in DER.
    Pkcs8(Zeroizing<Vec<u8>>),
    /// A JWK of exactly the members that make the key.
    Jwk(Zeroizing<String>),
}

impl PrivateKey {
    /// Parses one key, in PEM or as a JWK.
    ///
    /// # Errors
    /// It is not one private key for ES256 or RS256.
    pub fn parse(text: &str) -> Result<Self, KeyProblem> {
        let mut keys = KeyText::split(text)?.into_iter();
        let key = keys.next().ok_or(KeyProblem::NoKey)?;
        if keys.next().is_some() {
            return Err(KeyProblem::Several);
        }
        match key {
            KeyText::Public(_) => Err(KeyProblem::Public),
            KeyText::Jwk(jwk) => Self::from_jwk(&members(&jwk)?),
            KeyText::Private(der) => Ok(Self {
                public: PublicKey::of_pkcs8(&der)?,
                secret: SecretKey::Pkcs8(der),
            }),
        }
    }

    /// Other members, such as `key_ops`, could keep WebCrypto from signing: they are left out.
    fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyProblem> {
        let public = PublicKey::from_jwk(jwk)?;
        let names: &[&str] = match public.numbers {
            Numbers::Es256 { .. } => &["d"],
            Numbers::Rs256 { .. } => &["d", "p", "q", "dp", "dq", "qi"],
        };
        if !jwk.contains_key("d") {
            return Err(KeyProblem::Public);
        }
        let mut own: Value = serde_json::from_str(&public.numbers.canonical())
            .expect("it is written as JSON a few lines above");
        for name in names {
            own[*name] = URL_SAFE_NO_PAD.encode(number(jwk, name)?).into();
        }
        Ok(Self {
            public,
            secret: SecretKey::Jwk(Zeroizing::new(own.to_string())),
        })
    }

    /// The other half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key itself, for whoever signs with it.
    #[must_use]
    pub fn expose(&self) -> &SecretKey {
        &self.secret
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PrivateKey({})", self.public.id)
    }
}

/// The key pair that signs now, if there is one, and those that still verify.
#[derive(Debug, Clone, Default)]
pub struct KeyPairs {
    /// Signs every new token.
    pub current: Option<PrivateKey>,
    /// Verify tokens of other keys, earlier or later ones.
    pub previous: Vec<PublicKey>,
}

impl KeyPairs {
    /// Every key that a token may be signed with, each once.
    pub fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let current = self.current.as_ref().map(PrivateKey::public);
        let others = self.previous.iter().enumerate();
        let others = others.filter(move |(index, key)| {
            Some(*key) != current && !self.previous[..*index].contains(key)
        });
        current.into_iter().chain(others.map(|(_, key)| key))
    }

    /// The JWK set of all (RFC 7517, section 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self.public_keys().map(PublicKey::jwk).collect();
        json!({ "keys": keys })
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

fn members(jwk: &str) -> Result<Map<String, Value>, KeyProblem> {
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

fn number(jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let number = URL_SAFE_NO_PAD.decode(text(jwk, name)?);
    number.map(Zeroizing::new).map_err(|_| KeyProblem::BadJwk)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! vector {
        ($name:literal) => {
            include_str!(concat!("../../tests/vectors/keys/", $name))
        };
    }

    const ES256: &str = vector!("es256.pem");
    const RS256: &str = vector!("rs256.pem");
    /// As Node.js and the RFC's own words give them.
    const ES256_ID: &str = "yr-JWFh98ZlJOO4c3k9BXJiAITtN7mJlPwwA-9x53G0";
    const RS256_ID: &str = "0ofQqF_ywThKZY81cV-VM2x3j9Wtbkowd_l2fRY11RY";

    fn id(text: &str) -> Result<String, KeyProblem> {
        PrivateKey::parse(text).map(|key| key.public().id().to_owned())
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint_in_whatever_form_it_is_stored() {
        for (expected, texts) in [
            (ES256_ID, [ES256, vector!("es256.jwk")]),
            (RS256_ID, [RS256, vector!("rs256.jwk")]),
        ] {
            for text in texts {
                assert_eq!(id(text), Ok(expected.to_owned()));
            }
        }
        // RFC 7638, section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk =
            format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#);
        let keys = PublicKey::parse_list(&jwk).expect("a key");
        assert_eq!(keys[0].id(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_line_ends_of_pem_may_be_lost_or_written_out() {
        for text in [
            ES256.replace('\n', "\r\n"),
            ES256.replace('\n', "\\n"),
            ES256.replace('\n', "\\r\\n"),
            ES256.replace('\n', " "),
            ES256.replace('\n', ""),
            format!("\"{}\"", ES256.trim().replace('\n', "\\n")),
            format!("\u{feff}\n {ES256}\u{200b}"),
        ] {
            assert_eq!(id(&text), Ok(ES256_ID.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_private_key_for_either_algorithm_is_named() {
        let jwk = vector!("es256.jwk");
        let with = |member: &str| jwk.replacen('{', &format!("{{{member},"), 1);
        let public = PublicKey::parse_list(ES256).expect("a key")[0].jwk();
        for (text, problem) in [
            ("0123456789abcdef0123456789abcdef", KeyProblem::NoKey),
            (" ", KeyProblem::NoKey),
            ("-----BEGIN PRIVATE KEY-----", KeyProblem::Damaged),
            (&ES256[..100], KeyProblem::Damaged),
            (&ES256.replace("MIGH", "MIG!"), KeyProblem::Damaged),
            (&ES256.replace("MIGH", "MIGG"), KeyProblem::Damaged),
            (
                &ES256.replace("END PRIVATE", "END PUBLIC"),
                KeyProblem::Damaged,
            ),
            (vector!("es256.pub.pem"), KeyProblem::Public),
            (vector!("rs256.pub.pem"), KeyProblem::Public),
            (&public.to_string(), KeyProblem::Public),
            (vector!("encrypted.pem"), KeyProblem::Encrypted),
            (vector!("sec1.pem"), KeyProblem::OtherFormat),
            (vector!("pkcs1.pem"), KeyProblem::OtherFormat),
            (vector!("ed25519.pem"), KeyProblem::OtherAlgorithm),
            (vector!("p384.pem"), KeyProblem::OtherCurve),
            (vector!("rsa1024.pem"), KeyProblem::TooShort),
            (vector!("no-public-part.pem"), KeyProblem::NoPublicPart),
            (&format!(r#"{{"keys":[{jwk}]}}"#), KeyProblem::KeySet),
            (&format!("{ES256}{RS256}"), KeyProblem::Several),
            (&format!("{ES256} {jwk}"), KeyProblem::Several),
            (r#"{"kty":"oct","k":"AAAA"}"#, KeyProblem::SharedSecret),
            (
                r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
                KeyProblem::OtherAlgorithm,
            ),
            (&jwk.replace("P-256", "P-384"), KeyProblem::OtherCurve),
            (&with(r#""alg":"RS256""#), KeyProblem::OtherAlgorithm),
            (&with(r#""use":"enc""#), KeyProblem::OtherAlgorithm),
            (&with(r#""x":"AA""#), KeyProblem::BadJwk),
            (&jwk.replace(r#""x":""#, r#""x":"AAAA"#), KeyProblem::BadJwk),
            (&jwk.replace('}', ""), KeyProblem::BadJwk),
            (r#"{"kty":"RSA","n":"","e":""}"#, KeyProblem::BadJwk),
        ] {
            assert_eq!(id(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn members_of_a_jwk_that_would_keep_it_from_signing_are_left_out() {
        let jwk =
            vector!("es256.jwk").replacen('{', r#"{"alg":"ES256","key_ops":[],"ext":false,"#, 1);
        let key = PrivateKey::parse(&jwk).expect("a key");
        let SecretKey::Jwk(own) = key.expose() else {
            panic!("a JWK");
        };
        let own: Map<String, Value> = serde_json::from_str(own).expect("JSON");
        let names: Vec<&String> = own.keys().collect();
        assert_eq!(names, ["crv", "d", "kty", "x", "y"]);
    }

    #[test]
    fn earlier_keys_are_public_or_private_one_after_the_other() {
        let (public, jwk) = (vector!("rs256.pub.pem"), vector!("es256.jwk"));
        let other = vector!("es256-other.pem").replace('\n', "\\n");
        let keys = PublicKey::parse_list(&format!("{public}\n{jwk} \"{other}\"")).expect("keys");
        let ids: Vec<&str> = keys.iter().map(PublicKey::id).collect();
        assert_eq!(ids[..2], [RS256_ID, ES256_ID]);
        assert_eq!(ids.len(), 3);
        assert_eq!(PublicKey::parse_list(" "), Ok(vec![]));
        let with_secret = format!("{public} 0123456789abcdef0123456789abcdef");
        assert_eq!(PublicKey::parse_list(&with_secret), Err(KeyProblem::NoKey));
    }

    #[test]
    fn each_key_is_published_once_and_without_its_private_part() {
        let pairs = KeyPairs {
            current: PrivateKey::parse(ES256).ok(),
            previous: PublicKey::parse_list(&format!("{ES256}{RS256}{RS256}")).expect("keys"),
        };
        let jwks = pairs.jwks();
        assert_eq!(
            jwks["keys"][0],
            json!({
                "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": ES256_ID,
                "x": "rTx_K8Pq411iOpbYsULO7QJGtqu7mgLywPWYHfIo22g",
                "y": "JWveqZrrvEqTPcawWybn-gL5uko0B8YAp-1Jtf_Fnko",
            })
        );
        assert_eq!(jwks["keys"][1]["kid"], RS256_ID);
        assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2));
        assert!(jwks["keys"][1].get("d").is_none());
        assert_eq!(KeyPairs::default().jwks(), json!({"keys": []}));
    }

    #[test]
    fn a_private_key_cannot_be_printed() {
        let key = PrivateKey::parse(ES256).expect("a key");
        assert_eq!(format!("{key:?}"), format!("PrivateKey({ES256_ID})"));
    }
}
