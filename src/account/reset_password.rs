//! `POST /auth/password/reset`: another password for whoever has the code of the e-mail.

use crate::{
    account::{
        email::TypedEmail,
        log_in::LoggedIn,
        message::Action,
        password::NewPassword,
        port::HasAccounts,
        redeem::{TypedCode, log_in_by_code},
        send_code::mail_settings,
        spelling,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::device::device,
    token::code::Code,
};

/// Sets the password, answers with a new session as a login does, and ends all other sessions of the
/// account. The address counts as verified from then on.
///
/// # Errors
/// As [`log_in_by_code`]; 400 for bad input; 500 where e-mail is off.
pub async fn reset_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    mail_settings(request)?;
    let mut fields = request.fields()?;
    let email: TypedEmail = fields.required("email")?;
    let code: Code = fields.required("code")?;
    let new: NewPassword = fields.password("newPassword")?;
    let device = device(&mut fields);
    let email = spelling::of_login(request, &email).await?;
    let new = new.not_of(&email);
    let new = new.map_err(|problem| BadInput::field("newPassword", problem.0))?;
    let new = new.expose().to_owned();
    let action = Action::Reset { new };
    let typed = TypedCode {
        email,
        code,
        action,
    };
    log_in_by_code(request, typed, device).await
}
