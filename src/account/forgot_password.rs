//! `POST /auth/password/forgot`: a code for another password, by e-mail.

use crate::{
    account::{
        email::TypedEmail,
        port::HasAccounts,
        send_code::{Sent, mail_settings, send_code},
        spelling,
    },
    config::mail::Language,
    http::{error::Error, request::Request},
    token::code::CodeKind,
};

/// Sends a code to the address if it has an account. The response says nothing about that, and comes
/// at the same moment.
///
/// # Errors
/// 400 for bad input; 500 where e-mail is off; 503 when something failed.
pub async fn forgot_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<Sent, Error> {
    let settings = mail_settings(request)?;
    let mut fields = request.fields()?;
    let email: TypedEmail = fields.required("email")?;
    let tag = fields.if_usable("language");
    let language = tag.as_deref().and_then(Language::of_tag);
    let email = spelling::of_login(request, &email).await?;
    send_code(request, settings, CodeKind::Reset, &email, language).await
}
