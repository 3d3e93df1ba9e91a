//! `POST /auth/login`: a session for an account.

use crate::{
    account::{enter, message::Purpose, password_check::check_password},
    http::{answers::Welcome, error::Error, fields::Fields, scope::Scope},
    port::Platform,
};

/// Checks the password and opens a session.
///
/// # Errors
/// 401, the same for an unknown address and a wrong password; 429 after too many of them; 400 for
/// bad input; 503 when something failed.
pub async fn log_in<P: Platform>(scope: &Scope<'_, P>, body: &[u8]) -> Result<Welcome, Error> {
    let mut fields = Fields::parse(body)?;
    let email = fields.email()?;
    let password = fields.password("password")?;
    let device = fields.device()?;
    let wrong = Error::InvalidCredentials;
    let (account, at) = check_password(scope, &email, &password, Purpose::LogIn, wrong).await?;
    enter::welcome(scope, account, at, device).await
}
