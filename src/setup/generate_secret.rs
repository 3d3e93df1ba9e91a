//! `GET|POST /generate_jwt_secret`: a new secret for the owner to store.

use crate::{
    config::name,
    http::answers::NewSecret,
    port::Rng,
    token::secret::{NEW_SECRET_BYTES, Secret},
};

/// A new secret, different on every call. It is never the one in use: nobody learns that here.
#[must_use]
pub fn generate_secret(rng: &impl Rng) -> NewSecret {
    NewSecret {
        name: name::REFRESH_SECRET,
        secret: Secret::text_from_random(&rng.bytes::<NEW_SECRET_BYTES>()),
        command: "npx wrangler secret put refresh_token_secret",
    }
}
