//! `POST /oauth/revoke`: ends the session of a token (RFC 7009).

use serde::Serialize;

use crate::{
    http::{error::Error, oauth, request::Request},
    oauth::TOKEN_FORM,
    session::{log_out::end_session_of, port::HasSessions},
    token::TOKEN_BYTES,
};

/// The response. Clients look only at the status.
#[derive(Serialize)]
pub struct Done {}

/// Ends the session of a refresh token or an access token, and with it every token of the session
/// (section 2.1 allows both). A token that is dead, or never was ours, is not an error (section 2.2).
///
/// # Errors
/// 400 for bad input; 503 when the store failed: the token is still valid then.
pub async fn revoke<P: HasSessions>(request: &Request<'_, P>) -> Result<Done, Error> {
    let text = oauth::parameters(request, TOKEN_FORM)?.token("token")?;
    if text.len() <= TOKEN_BYTES {
        end_session_of(request, &text).await?;
    }
    Ok(Done {})
}
