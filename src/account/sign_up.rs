//! `POST /auth/signup`: a new account, and its first session.

use uuid::Builder;

use crate::{
    account::{
        ask_guard::{Credentials, check_password},
        email::TypedEmail,
        log_in::{LoggedIn, logged_in},
        message::Purpose,
        password::NewPassword,
        port::HasAccounts,
        spelling,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    port::Rng,
    session::device::device,
    token::id::UserId,
};

/// Creates an account and opens a session. For an address that has an account it answers as login
/// does when the password is right, so that a repeated request is safe.
///
/// # Errors
/// 409 for an address that has an account with another password; 403 while sign-up is closed; 429
/// after too many wrong passwords, or too many new accounts this hour; 400 for bad input; 503 when
/// something failed.
pub async fn sign_up<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    if !request.config.sign_up {
        return Err(Error::SignUpClosed);
    }
    let mut fields = request.fields()?;
    let email: TypedEmail = fields.required("email")?;
    let email = spelling::of_sign_up(request, &email).await?;
    let new: NewPassword = fields.password("password")?;
    let password = new
        .not_of(&email)
        .map_err(|problem| BadInput::field("password", problem.0))?;
    let name = fields.optional("name")?;
    let device = device(&mut fields);
    let purpose = Purpose::SignUp {
        id: new_user_id(request.platform),
        name,
        per_hour: request.config.sign_ups_per_hour,
    };
    let credentials = Credentials::new(&email, &password);
    let checked = check_password(request, credentials, purpose, Error::EmailTaken).await?;
    logged_in(request, checked, device).await
}

/// A random UUID (RFC 9562, section 5.4).
fn new_user_id(rng: &impl Rng) -> UserId {
    let uuid = Builder::from_random_bytes(rng.bytes()).into_uuid();
    UserId::parse(uuid.to_string()).expect("a UUID is 36 characters of a user id's alphabet")
}
