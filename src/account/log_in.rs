//! `POST /auth/login`: a session for an account.

use serde::Serialize;

use crate::{
    account::{
        Account, Name,
        ask_guard::{Checked, Credentials, check_password},
        email::{Email, TypedEmail},
        message::Purpose,
        password::Password,
        port::HasAccounts,
        send_code::language,
        spelling,
        verify_email::{send_verification_later, verification},
    },
    config::Verification,
    http::{error::Error, request::Request},
    session::{
        device::device,
        issue::Tokens,
        open::{NewSession, open_again, open_as},
    },
    token::{access::EMAIL_VERIFIED, claims::CustomClaims, id::SessionId, refresh::RefreshToken},
};

/// The claim that every login puts into its session.
pub const EMAIL_CLAIM: &str = "email";

/// The response of sign-up and login.
#[derive(Serialize)]
pub struct LoggedIn {
    #[serde(flatten)]
    tokens: Tokens,
    email: Email,
    name: Option<Name>,
}

/// Checks the password and opens a session. A refresh token that the app still has, of a session
/// alive or over, shows that this is no stranger: see [`crate::account::attempts`].
///
/// # Errors
/// 401, the same for an unknown address and a wrong password; 403 for an address that has to be
/// verified first, to which a code is sent; 429 after too many wrong passwords; 400 for bad input; 503
/// when something failed.
pub async fn log_in<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    let mut fields = request.fields()?;
    let email: TypedEmail = fields.required("email")?;
    let password: Password = fields.password("password")?;
    let device = device(&mut fields);
    let language = language(&mut fields);
    let shown = fields.last_refresh_token();
    let keys = &request.config.refresh_keys;
    let session = shown.and_then(|text| RefreshToken::session_of(&text, keys));
    let email = spelling::of_login(request, &email).await?;
    let wrong = Error::InvalidCredentials;
    let credentials = Credentials {
        session,
        ..Credentials::new(&email, &password)
    };
    let checked = check_password(request, credentials, Purpose::LogIn, wrong).await?;
    let is_verified = checked.account.email_verified;
    if !is_verified && verification(request)? == Verification::Required {
        send_verification_later(request, email, language)?;
        return Err(Error::EmailUnverified);
    }
    logged_in(request, checked, device).await
}

/// A session for an account, which starts at the guard's stamp.
pub async fn logged_in<P: HasAccounts>(
    request: &Request<'_, P>,
    checked: Checked,
    device: Option<String>,
) -> Result<LoggedIn, Error> {
    let id = SessionId::from_random(request.platform.bytes());
    logged_in_as(request, checked, id, device).await
}

/// The same with an id that was chosen before; or with the id that an earlier copy of this request has
/// chosen, which may have opened the session already.
///
/// # Errors
/// 401 where that session was ended since; 503 when the store failed.
pub async fn logged_in_as<P: HasAccounts>(
    request: &Request<'_, P>,
    Checked {
        account,
        at,
        repeated,
        ..
    }: Checked,
    id: SessionId,
    device: Option<String>,
) -> Result<LoggedIn, Error> {
    let claims = claims_of(&account);
    let new = NewSession {
        user: account.id,
        at,
        device,
        claims,
        has_account: true,
    };
    let tokens = match repeated {
        Some(earlier) => open_again(request, earlier, new).await?,
        None => open_as(request, id, new).await?,
    };
    Ok(LoggedIn {
        tokens,
        email: account.email,
        name: account.name,
    })
}

/// What the access tokens of a new session of this account say.
#[must_use]
pub fn claims_of(account: &Account) -> CustomClaims {
    CustomClaims::of_login(EMAIL_CLAIM, account.email.as_str())
        .with(EMAIL_VERIFIED, account.email_verified)
}
