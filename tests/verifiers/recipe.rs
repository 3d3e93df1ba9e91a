use std::error::Error;

use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

const ISSUER: &str = "https://tokenkeep.you.workers.dev";

#[derive(serde::Deserialize)]
struct Claims {
    sub: String,
}

/// `keys` is what `/.well-known/jwks.json` has: fetch it every few minutes.
pub fn user_of(token: &str, keys: &JwkSet) -> Result<String, Box<dyn Error>> {
    let id = decode_header(token)?.kid.ok_or("it names no key")?;
    let key = DecodingKey::from_jwk(keys.find(&id).ok_or("an unknown key")?)?;
    let mut checks = Validation::new_for_family(key.family());
    checks.set_issuer(&[ISSUER]);
    checks.set_audience(&[ISSUER]);
    checks.set_required_spec_claims(&["exp", "iss", "aud"]);
    Ok(decode::<Claims>(token, &key, &checks)?.claims.sub)
}
