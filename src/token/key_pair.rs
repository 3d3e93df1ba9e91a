//! Key pairs, for access tokens that others verify without being able to make them: ES256 (the curve
//! P-256) and RS256 (RFC 7518, sections 3.3 and 3.4). Here they are read from the settings, named and
//! shown; what signs and verifies with them is outside ([`crate::port::Signatures`]).
//!
//! This file has the private key, and the keys of a worker together; `public` has the public key, and
//! `problem` what can be wrong with either.

mod problem;
mod public;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::token::{
    key_pair::public::{Numbers, members, number},
    key_text::KeyText,
};

pub use problem::{KeyProblem, MAX_RSA_BITS, MIN_RSA_BITS};
pub use public::PublicKey;

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
            .expect("it is JSON that we have written");
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
        write!(formatter, "PrivateKey({})", self.public.id())
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
