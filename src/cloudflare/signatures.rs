//! WebCrypto behind [`Signatures`].

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};

use crate::{
    cloudflare::{Cloudflare, promise::settled},
    port::{Fault, Signatures},
    token::key_pair::{PrivateKey, PublicKey, SecretKey},
};

#[wasm_bindgen(module = "/src/cloudflare/signatures.js")]
extern "C" {
    /// `key` is PKCS#8 as bytes, or a JWK as text.
    #[wasm_bindgen(catch)]
    fn sign(id: &str, algorithm: &str, key: JsValue, content: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(catch)]
    fn verify(
        id: &str,
        algorithm: &str,
        jwk: &str,
        content: &str,
        signature: &[u8],
    ) -> Result<Promise, JsValue>;
}

impl Signatures for Cloudflare {
    async fn sign(&self, key: &PrivateKey, content: &str) -> Result<Vec<u8>, Fault> {
        let material = match key.expose() {
            SecretKey::Pkcs8(der) => Uint8Array::from(der.as_slice()).into(),
            SecretKey::Jwk(jwk) => jwk.as_str().into(),
        };
        let public = key.public();
        let signature = sign(public.id(), public.algorithm(), material, content);
        // What it throws may repeat a part of the key.
        let signature = settled(signature).await.map_err(|_| Fault::Key)?;
        let signature: Uint8Array = signature.dyn_into().map_err(|_| Fault::Key)?;
        Ok(signature.to_vec())
    }

    async fn has_signed(
        &self,
        key: &PublicKey,
        content: &str,
        signature: &[u8],
    ) -> Result<bool, Fault> {
        let jwk = key.jwk().to_string();
        let verdict = verify(key.id(), key.algorithm(), &jwk, content, signature);
        let verdict = settled(verdict).await.map_err(|_| Fault::Key)?;
        verdict.as_bool().ok_or(Fault::Key)
    }
}
