//! What WebCrypto does with key pairs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{ecdsa, pkcs8::DecodePrivateKey as _};
use rsa::{
    BigUint, RsaPrivateKey, RsaPublicKey, pkcs1v15,
    sha2::Sha256,
    signature::{SignatureEncoding as _, Signer as _, Verifier as _},
};
use serde_json::Value;
use tokenkeep::{
    port::{Fault, Signatures},
    token::key_pair::{PrivateKey, PublicKey, SecretKey},
};

use crate::Place;

impl Signatures for Place {
    async fn sign(&self, key: &PrivateKey, content: &str) -> Result<Vec<u8>, Fault> {
        let signature = sign(key, content.as_bytes()).ok_or(Fault::Key)?;
        // Of a JWK whose halves do not belong together, WebCrypto does not take one.
        let fits = verify(key.public(), content.as_bytes(), &signature);
        (fits == Some(true)).then_some(signature).ok_or(Fault::Key)
    }

    async fn has_signed(
        &self,
        key: &PublicKey,
        content: &str,
        signature: &[u8],
    ) -> Result<bool, Fault> {
        verify(key, content.as_bytes(), signature).ok_or(Fault::Key)
    }
}

fn sign(key: &PrivateKey, content: &[u8]) -> Option<Vec<u8>> {
    let is_es256 = key.public().algorithm() == "ES256";
    Some(if is_es256 {
        let key = ec_key(key.expose())?;
        let signature: ecdsa::Signature = key.sign(content);
        signature.to_vec()
    } else {
        let key = pkcs1v15::SigningKey::<Sha256>::new(rsa_key(key.expose())?);
        key.sign(content).to_vec()
    })
}

fn ec_key(key: &SecretKey) -> Option<ecdsa::SigningKey> {
    match key {
        SecretKey::Pkcs8(der) => ecdsa::SigningKey::from_pkcs8_der(der).ok(),
        SecretKey::Jwk(jwk) => ecdsa::SigningKey::from_slice(&number(&json(jwk), "d")).ok(),
    }
}

fn rsa_key(key: &SecretKey) -> Option<RsaPrivateKey> {
    match key {
        SecretKey::Pkcs8(der) => RsaPrivateKey::from_pkcs8_der(der).ok(),
        SecretKey::Jwk(jwk) => {
            let jwk = json(jwk);
            let number = |name| integer(&jwk, name);
            let primes = vec![number("p"), number("q")];
            RsaPrivateKey::from_components(number("n"), number("e"), number("d"), primes).ok()
        }
    }
}

/// None where the key is none.
fn verify(key: &PublicKey, content: &[u8], signature: &[u8]) -> Option<bool> {
    let jwk = key.jwk();
    Some(if key.algorithm() == "ES256" {
        let point = [vec![4], number(&jwk, "x"), number(&jwk, "y")].concat();
        let key = ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
        ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify(content, &signature).is_ok())
    } else {
        let key = RsaPublicKey::new(integer(&jwk, "n"), integer(&jwk, "e")).ok()?;
        let key = pkcs1v15::VerifyingKey::<Sha256>::new(key);
        pkcs1v15::Signature::try_from(signature)
            .is_ok_and(|signature| key.verify(content, &signature).is_ok())
    })
}

fn json(jwk: &str) -> Value {
    serde_json::from_str(jwk).expect("JSON of ours")
}

fn number(jwk: &Value, name: &str) -> Vec<u8> {
    let text = jwk[name].as_str().expect("a number of the key");
    URL_SAFE_NO_PAD.decode(text).expect("base64url of ours")
}

fn integer(jwk: &Value, name: &str) -> BigUint {
    BigUint::from_bytes_be(&number(jwk, name))
}
