//! `GET` and `POST /generate_jwt_secret`: a new secret for the owner to store.

use serde::Serialize;

use crate::{
    config::name,
    http::error::Error,
    port::Rng,
    setup::OwnerRequest,
    token::{key::NEW_SECRET_BYTES, secret::Secret},
};

/// The response.
#[derive(Serialize)]
pub struct NewSecret {
    /// What to name it.
    name: &'static str,
    /// 64 random bytes as base64url.
    secret: String,
    /// How to store it.
    command: &'static str,
}

/// A new secret, different on every call. It is never the one in use: nobody learns that here.
///
/// # Errors
/// None.
pub async fn generate_secret<P: Rng>(request: &OwnerRequest<'_, P>) -> Result<NewSecret, Error> {
    Ok(NewSecret {
        name: name::REFRESH_SECRET,
        secret: Secret::text_from_random(&request.platform.bytes::<NEW_SECRET_BYTES>()),
        command: "npx tokenkeep secret refresh_token_secret",
    })
}
