//! `POST /auth/session`: a session for a user whom the owner's own back end has logged in.

use super::{
    Scope, authenticate,
    enter::{self, Beginning},
};
use crate::{
    error::Error,
    port::Platform,
    wire::{Fields, Tokens},
};

/// Opens a session and answers with its first tokens. One write.
///
/// # Errors
/// 401 without the service key; 400 for bad input; 503 when the store failed.
pub async fn open_session<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Tokens, Error> {
    authenticate::service(scope.config, authorization)?;
    let mut fields = Fields::parse(body)?;
    let user = fields.user_id()?;
    let device = fields.device()?;
    let claims = fields.claims()?;
    let beginning = Beginning {
        user,
        at: scope.platform.now(),
        device,
        claims,
        has_account: false,
    };
    enter::open(scope, beginning).await
}
