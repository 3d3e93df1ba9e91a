//! `POST /auth/password/reset`: another password for whoever has the code of the e-mail.

use crate::{
    account::{
        log_in::LoggedIn,
        message::Action,
        password::NewPassword,
        port::HasAccounts,
        redeem::{TypedCode, log_in_by_code},
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
};

/// Sets the password, answers with a new session as a login does, and ends all other sessions of the
/// account. The address counts as verified from then on.
///
/// # Errors
/// As [`log_in_by_code`]; 400 for bad input; 500 where e-mail is off.
pub async fn reset_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    let read = TypedCode::read(request, |fields| fields.password("newPassword"));
    let (typed, new): (_, NewPassword) = read.await?;
    let new = new.not_of(&typed.email);
    let new = new.map_err(|problem| BadInput::field("newPassword", problem.0))?;
    let new = new.expose().to_owned();
    log_in_by_code(request, typed, Action::Reset { new }).await
}
