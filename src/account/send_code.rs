//! A code for an address: the guard says whether it is sent, and the e-mail goes out after the
//! response.

use serde::Serialize;

use crate::{
    account::{
        ask_guard::issue_code,
        email::Email,
        message::NewCode,
        port::{Accounts as _, HasAccounts},
        table::ACCOUNTS_TIMEOUT_MS,
    },
    config::mail::{Language, MailSettings},
    http::{error::Error, request::Request},
    log::Line,
    mail::{message::Message, send::send},
    port::within,
    token::code::{Code, CodeKind},
};

/// The response, whether there is such an account or not.
#[derive(Serialize)]
pub struct Sent {
    sent: bool,
}

/// How e-mails are sent.
///
/// # Errors
/// 500 where they are not.
pub fn mail_settings<'r, P: HasAccounts>(
    request: &Request<'r, P>,
) -> Result<&'r MailSettings, Error> {
    let settings = request.config.mail.as_ref();
    MailSettings::usable(settings, request.is_local()).map_err(Error::Misconfigured)
}

/// Sends a new code to an address, unless nobody has it, or too many were sent.
///
/// # Errors
/// 503 when the guard failed.
pub async fn send_code<P: HasAccounts>(
    request: &Request<'_, P>,
    settings: &MailSettings,
    kind: CodeKind,
    email: &Email,
    language: Option<Language>,
) -> Result<Sent, Error> {
    let code = Code::from_random(request.platform.bytes());
    let new = NewCode {
        email: email.clone(),
        kind,
        mac: request.config.code_keys.mac(kind, email.as_str(), &code),
    };
    if issue_code(request, new).await? {
        match Message::new(settings, email.as_str(), kind, code, language) {
            Some(message) => send_after_response(request.platform, settings.clone(), message),
            None => request.log(
                Line::new("mail_failed")
                    .because_of("the address is not one that e-mails are sent to"),
            ),
        }
    }
    Ok(Sent { sent: true })
}

fn send_after_response<P: HasAccounts>(platform: &P, settings: MailSettings, message: Message) {
    let place = platform.clone();
    platform.after_response(async move {
        if let Err(why) = send(&place, &settings, &message).await {
            place.log(&Line::new("mail_failed").because_of(&why).json());
            note_failure(&place, &why).await;
        }
    });
}

/// For `/health`. If that fails too, there is still the log.
async fn note_failure<P: HasAccounts>(platform: &P, why: &str) {
    if let Ok(accounts) = platform.accounts() {
        let note = accounts.note_mail_failure(platform.now(), why);
        let _ = within(ACCOUNTS_TIMEOUT_MS, platform, note).await;
    }
}
