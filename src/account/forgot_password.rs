//! `POST /auth/password/forgot`: a code for another password, by e-mail.

use crate::{
    account::{
        port::HasAccounts,
        send_code::{Sent, send_code, wanted_code},
    },
    http::{error::Error, request::Request},
    token::code::CodeKind,
};

/// Sends a code to the address if it has an account. The response says nothing about that, and comes
/// at the same moment.
///
/// # Errors
/// 400 for bad input; 500 where e-mail is off; 503 when something failed.
pub async fn forgot_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<Sent, Error> {
    let wanted = wanted_code(request, CodeKind::Reset).await?;
    send_code(request, wanted).await
}
