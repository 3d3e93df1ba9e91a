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

impl Sent {
    /// The one that there is.
    pub const DONE: Self = Self { sent: true };
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
    let new = NewCodeFor {
        email,
        kind,
        bound_to: email.as_str(),
    };
    send_new_code(request, settings, new, language).await?;
    Ok(Sent::DONE)
}

/// A code that is to be sent.
pub struct NewCodeFor<'a> {
    /// Where to.
    pub email: &'a Email,
    /// What it is for.
    pub kind: CodeKind,
    /// Whom it is good for: the address, and more where that is not enough.
    pub bound_to: &'a str,
}

/// Sends a new code to an address, unless the guard says no: whether it does.
///
/// # Errors
/// 503 when the guard failed.
pub async fn send_new_code<P: HasAccounts>(
    request: &Request<'_, P>,
    settings: &MailSettings,
    new: NewCodeFor<'_>,
    language: Option<Language>,
) -> Result<bool, Error> {
    let NewCodeFor {
        email,
        kind,
        bound_to,
    } = new;
    let code = Code::from_random(request.platform.bytes());
    let mac = request.config.code_keys.mac(kind, bound_to, &code);
    let email = email.clone();
    let to = email.as_str().to_owned();
    let is_issued = issue_code(request, NewCode { email, kind, mac }).await?;
    if is_issued {
        let message = Message::new(settings, &to, kind, code, language);
        send_after_response(request, settings, message);
    }
    Ok(is_issued)
}

/// Sends an e-mail, where there is one for the address, once the request is answered.
pub fn send_after_response<P: HasAccounts>(
    request: &Request<'_, P>,
    settings: &MailSettings,
    message: Option<Message>,
) {
    match message {
        Some(message) => send_later(request.platform, settings.clone(), message),
        None => request.log(
            Line::new("mail_failed").because_of("the address is not one that e-mails are sent to"),
        ),
    }
}

fn send_later<P: HasAccounts>(platform: &P, settings: MailSettings, message: Message) {
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
