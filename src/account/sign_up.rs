//! `POST /auth/signup`: a new account, and its first session.

use serde::Serialize;
use uuid::Builder;

use crate::{
    account::{
        ask_guard::{Credentials, check_password},
        email::{Email, TypedEmail},
        log_in::{LoggedIn, logged_in},
        message::{NewAccount, Newcomer, Purpose},
        password::NewPassword,
        port::HasAccounts,
        send_code::{WantedCode, language, mail_settings, send_code},
        spelling,
        verify_email::{send_verification_later, verification},
    },
    config::{Verification, mail::Language},
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    port::Rng,
    session::device::device,
    token::{code::CodeKind, id::UserId},
};

/// The response.
#[derive(Serialize)]
#[serde(untagged)]
pub enum SignedUp {
    /// Tokens.
    LoggedIn(LoggedIn),
    /// The code of an e-mail has to be entered first.
    Unverified(VerificationRequired),
}

/// The same whether the address has an account or not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequired {
    verification_required: bool,
}

/// Creates an account and opens a session. For an address that has an account it answers as login
/// does when the password is right, so that a repeated request is safe.
///
/// # Errors
/// 409 for an address that has an account with another password; 403 while sign-up is closed; 429
/// after too many wrong passwords, or too many new accounts this hour; 400 for bad input; 500 where
/// e-mail is off and addresses are to be verified; 503 when something failed.
pub async fn sign_up<P: HasAccounts>(request: &Request<'_, P>) -> Result<SignedUp, Error> {
    if !request.config.sign_up {
        return Err(Error::SignUpClosed);
    }
    let verification = verification(request)?;
    if verification != Verification::Off {
        mail_settings(request)?;
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
    let language = language(&mut fields);
    let (id, per_hour) = (
        new_user_id(request.platform),
        request.config.sign_ups_per_hour,
    );
    if verification == Verification::Required {
        let password = Some(password.expose().to_owned());
        let account = NewAccount { id, name, password };
        let newcomer = Newcomer {
            per_hour,
            account: Some(account),
        };
        let required = require_verification(request, email, language, newcomer);
        return required.await.map(SignedUp::Unverified);
    }
    let purpose = Purpose::SignUp { id, name, per_hour };
    let credentials = Credentials::new(&email, &password);
    let checked = check_password(request, credentials, purpose, Error::EmailTaken).await?;
    if verification == Verification::On && !checked.account.email_verified {
        send_verification_later(request, email, language)?;
    }
    logged_in(request, checked, device)
        .await
        .map(SignedUp::LoggedIn)
}

/// Creates an account and sends a code. Whoever has one already is sent a code too, and the e-mail says
/// so; the response does not.
async fn require_verification<P: HasAccounts>(
    request: &Request<'_, P>,
    email: Email,
    language: Option<Language>,
    newcomer: Newcomer,
) -> Result<VerificationRequired, Error> {
    let wanted = WantedCode {
        settings: mail_settings(request)?.clone(),
        kind: CodeKind::Verify,
        email,
        language,
        newcomer: Some(newcomer),
        bound_to: None,
    };
    send_code(request, wanted).await?;
    Ok(VerificationRequired {
        verification_required: true,
    })
}

/// A random UUID (RFC 9562, section 5.4).
pub fn new_user_id(rng: &impl Rng) -> UserId {
    let uuid = Builder::from_random_bytes(rng.bytes()).into_uuid();
    UserId::parse(uuid.to_string()).expect("a UUID is 36 characters of a user id's alphabet")
}
