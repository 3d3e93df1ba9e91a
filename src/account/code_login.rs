//! `POST /auth/code/send` and `POST /auth/code/login`: a login without a password, by a code that is
//! sent by e-mail.

use crate::{
    account::{
        email::Email,
        log_in::LoggedIn,
        message::{Action, NewAccount, Newcomer},
        port::HasAccounts,
        redeem::{TypedCode, log_in_by_code},
        send_code::{Sent, WantedCode, send_code, wanted_code},
        sign_up::new_user_id,
    },
    http::{error::Error, request::Request},
    log::Line,
    token::code::CodeKind,
};

/// Sends a code to the address if it has an account; where sign-up is open, to every address that can
/// have one. The response says nothing about that, and comes at the same moment.
///
/// # Errors
/// 400 for bad input; 500 where e-mail is off; 503 when something failed.
pub async fn send_login_code<P: HasAccounts>(request: &Request<'_, P>) -> Result<Sent, Error> {
    let wanted = wanted_code(request, CodeKind::Login).await?;
    let newcomer = may_sign_up(request, &wanted.email).then_some(Newcomer {
        per_hour: request.config.sign_ups_per_hour,
        account: None,
    });
    let sent = send_code(request, WantedCode { newcomer, ..wanted }).await;
    match sent {
        // An address with an account would have got one.
        Err(Error::TooManySignUps(_)) => {
            request.log(Line::new("too_many_requests"));
            Ok(Sent::DONE)
        }
        other => other,
    }
}

/// Answers with a new session. The account of an address that nobody has verified is taken over: its
/// password, and all other sessions, are gone. Where sign-up is open, a new address gets an account
/// without a password.
///
/// # Errors
/// As [`log_in_by_code`]; 400 for bad input; 500 where e-mail is off.
pub async fn log_in_with_code<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    let (typed, name) = TypedCode::read(request, |fields| fields.optional("name")).await?;
    let newcomer = may_sign_up(request, &typed.email).then(|| NewAccount {
        id: new_user_id(request.platform),
        name,
        password: None,
    });
    log_in_by_code(request, typed, Action::LogIn { newcomer }).await
}

/// Whether an address may get an account. One that is not in the spelling of new addresses may be that
/// of an old account, and of nothing else.
fn may_sign_up<P: HasAccounts>(request: &Request<'_, P>, email: &Email) -> bool {
    let canonical = Email::parse_new(email.as_str(), request.platform);
    request.config.sign_up && canonical.as_ref() == Ok(email)
}
