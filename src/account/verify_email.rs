//! `POST /auth/email/verify/send` and `POST /auth/email/verify`: a code that is sent to the address of
//! an account shows that it is the user's.

use crate::{
    account::{
        email::Email,
        log_in::LoggedIn,
        message::Action,
        password::{NewPassword, Password},
        port::HasAccounts,
        redeem::{TypedCode, log_in_by_code},
        send_code::{Sent, WantedCode, mail_settings, send_code, send_code_later, wanted_code},
    },
    config::{Verification, mail::Language},
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::bearer,
    token::{code::CodeKind, id::UserId},
};

/// Sends a code to the address if it has an account and is not verified. The response says nothing
/// about that, and comes at the same moment.
///
/// # Errors
/// 400 for bad input; 500 where e-mail is off; 503 when something failed.
pub async fn send_verification<P: HasAccounts>(request: &Request<'_, P>) -> Result<Sent, Error> {
    let wanted = wanted_code(request, CodeKind::Verify).await?;
    send_code(request, wanted).await
}

/// Whether the owner wants addresses to be verified.
///
/// # Errors
/// 500: they do, and something is wrong with that.
pub fn verification<P>(request: &Request<'_, P>) -> Result<Verification, Error> {
    request.config.verification.map_err(Error::Misconfigured)
}

/// Sends a code to this address after the response.
///
/// # Errors
/// 500 where e-mail is off.
pub fn send_verification_later<P: HasAccounts>(
    request: &Request<'_, P>,
    email: Email,
    language: Option<Language>,
) -> Result<(), Error> {
    let wanted = WantedCode {
        settings: mail_settings(request)?.clone(),
        kind: CodeKind::Verify,
        email,
        language,
        newcomer: None,
        bound_to: None,
    };
    send_code_later(request, wanted);
    Ok(())
}

/// The address counts as verified from then on. Answers with a new session, as a login does.
///
/// Whoever has signed up with the address may not be the one who reads its e-mails. So what there was
/// before stays only for somebody who shows that it is theirs: the password and the sessions for the
/// bearer of an access token, the password for whoever sends it. With another password, the account
/// gets that one; with none it has none, and its owner can set one by a reset.
///
/// # Errors
/// As [`log_in_by_code`]; 400 for bad input; 401 for an access token that is not valid; 500 where
/// e-mail is off.
pub async fn verify_email<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    let bearer = bearer(request).await?;
    let read = TypedCode::read(request, |fields| {
        let has_password = fields.has("password");
        let password = has_password.then(|| fields.password::<Password>("password"));
        password.transpose()
    });
    let (typed, password) = read.await?;
    // An imported password may break the rules for new ones. Any other has to follow them, and then
    // that is what is wrong with this request.
    let problem = password.as_ref().and_then(|password| {
        let new = NewPassword::try_from(password.expose().to_owned());
        new.and_then(|new| new.not_of(&typed.email)).err()
    });
    let action = Action::Verify {
        bearer,
        password: password.map(|password| password.expose().to_owned()),
    };
    let logged_in = log_in_by_code(request, typed, action).await;
    match (logged_in, problem) {
        (Err(Error::CodeInvalid), Some(problem)) => {
            Err(BadInput::field("password", problem.0).into())
        }
        (other, _) => other,
    }
}

/// Who is logged in to an account, if the request says so.
async fn bearer<P: HasAccounts>(request: &Request<'_, P>) -> Result<Option<UserId>, Error> {
    if request.bearer_token()?.is_none() {
        return Ok(None);
    }
    let token = bearer::bearer_of_remedy(request).await?.token;
    Ok(token.has_account.then_some(token.session_ref.user))
}
