//! `POST /auth/signup`: a new account, and its first session.

use uuid::Builder;

use crate::{
    account::{enter, message::Purpose, password_check::check_password},
    http::{answers::Welcome, error::Error, fields::Fields, scope::Scope},
    port::Platform,
};

/// Makes an account and opens a session. For an address that has an account it answers as login
/// does when the password is right, so that a repeated request is safe.
///
/// # Errors
/// 409 for an address that has an account with another password; 403 while sign-up is closed; 429
/// after too many wrong passwords; 400 for bad input; 503 when something failed.
pub async fn sign_up<P: Platform>(scope: &Scope<'_, P>, body: &[u8]) -> Result<Welcome, Error> {
    if !scope.config.sign_up {
        return Err(Error::SignUpClosed);
    }
    let mut fields = Fields::parse(body)?;
    let email = fields.email()?;
    let password = fields.new_password("password")?;
    let name = fields.name()?;
    let device = fields.device()?;
    let purpose = Purpose::SignUp {
        id: Builder::from_random_bytes(scope.platform.bytes())
            .into_uuid()
            .to_string(),
        name: name.map(|name| name.as_str().to_owned()),
    };
    let (account, at) =
        check_password(scope, &email, &password, purpose, Error::EmailTaken).await?;
    enter::welcome(scope, account, at, device).await
}
