//! A code for an address: the guard says whether it is sent, and the e-mail goes out after the
//! response.

use serde::Serialize;

use crate::{
    account::{
        ask_guard::{issue_code, issue_code_later},
        email::{Email, TypedEmail},
        message::{NewCode, Newcomer},
        port::{Accounts as _, HasAccounts},
        spelling,
        table::ACCOUNTS_TIMEOUT_MS,
    },
    config::mail::{Language, MailSettings},
    http::{error::Error, fields::Fields, request::Request},
    log::Line,
    mail::{message::Message, send::send, words::Letter},
    port::within,
    token::code::{Code, CodeKind},
};

/// The response, whether there is such an account or not.
#[derive(Serialize)]
pub struct Sent {
    sent: bool,
}

impl Sent {
    /// The only one.
    pub const DONE: Self = Self { sent: true };
}

/// An e-mail that is to be sent with a code.
pub struct WantedCode {
    /// How e-mails are sent.
    pub settings: MailSettings,
    /// What the code is for.
    pub kind: CodeKind,
    /// The address.
    pub email: Email,
    /// The language that the app asks for.
    pub language: Option<Language>,
    /// What an address without an account gets.
    pub newcomer: Option<Newcomer>,
    /// Whom the code is good for, where that is not everybody who knows the address.
    pub bound_to: Option<String>,
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

/// The language of an e-mail, in the field `language`. One that there is not counts as absent.
pub fn language(fields: &mut Fields) -> Option<Language> {
    let tag = fields.if_usable("language");
    tag.as_deref().and_then(Language::of_tag)
}

/// The body of a request for a code.
///
/// # Errors
/// 400 for bad input; 500 where e-mail is off; 503 when the table failed.
pub async fn wanted_code<P: HasAccounts>(
    request: &Request<'_, P>,
    kind: CodeKind,
) -> Result<WantedCode, Error> {
    let settings = mail_settings(request)?.clone();
    let mut fields = request.fields()?;
    let typed: TypedEmail = fields.required("email")?;
    Ok(WantedCode {
        settings,
        kind,
        language: language(&mut fields),
        email: spelling::of_login(request, &typed).await?,
        newcomer: None,
        bound_to: None,
    })
}

/// Sends a new code to an address, unless nobody has it, or too many were sent. The response comes at
/// the same moment.
///
/// # Errors
/// 429 after too many sign-ups; 503 when the guard failed.
pub async fn send_code<P: HasAccounts>(
    request: &Request<'_, P>,
    wanted: WantedCode,
) -> Result<Sent, Error> {
    send_new_code(request, wanted).await?;
    Ok(Sent::DONE)
}

/// The same: whether it was sent.
///
/// # Errors
/// See [`send_code`].
pub async fn send_new_code<P: HasAccounts>(
    request: &Request<'_, P>,
    wanted: WantedCode,
) -> Result<bool, Error> {
    let (code, new) = new_code(request, &wanted);
    let Some(letter) = issue_code(request, new).await? else {
        return Ok(false);
    };
    let platform = request.platform.clone();
    once_answered(request, async move {
        send_letter(&platform, &wanted, letter, code).await;
    });
    Ok(true)
}

/// The same where the response neither waits for it nor fails with it.
pub fn send_code_later<P: HasAccounts>(request: &Request<'_, P>, wanted: WantedCode) {
    let (code, new) = new_code(request, &wanted);
    let platform = request.platform.clone();
    request.platform.after_response(async move {
        if issue_code_later(&platform, new).await {
            let letter = Letter::Code(wanted.kind);
            send_letter(&platform, &wanted, letter, code).await;
        }
    });
}

/// Sends an e-mail, if there is one, once the request is answered.
pub fn send_after_response<P: HasAccounts>(
    request: &Request<'_, P>,
    settings: MailSettings,
    message: Option<Message>,
) {
    let platform = request.platform.clone();
    once_answered(request, async move {
        deliver(&platform, &settings, message).await;
    });
}

/// Runs work when the response has gone out. Otherwise all of it that is ready would run before, and
/// the time that it takes would say that there is an account.
fn once_answered<P: HasAccounts>(
    request: &Request<'_, P>,
    work: impl Future<Output = ()> + 'static,
) {
    let platform = request.platform.clone();
    request.platform.after_response(async move {
        platform.sleep_ms(0).await;
        work.await;
    });
}

fn new_code<P: HasAccounts>(request: &Request<'_, P>, wanted: &WantedCode) -> (Code, NewCode) {
    let code = Code::from_random(request.platform.bytes());
    let (kind, email) = (wanted.kind, wanted.email.clone());
    let bound_to = wanted.bound_to.as_deref().unwrap_or(email.as_str());
    let new = NewCode {
        mac: request.config.code_keys.mac(kind, bound_to, &code),
        email,
        kind,
        newcomer: wanted.newcomer.clone(),
    };
    (code, new)
}

async fn send_letter<P: HasAccounts>(
    platform: &P,
    wanted: &WantedCode,
    letter: Letter,
    code: Code,
) {
    let to = wanted.email.as_str();
    let message = Message::new(&wanted.settings, to, letter, code, wanted.language);
    if message.is_none() {
        let line = Line::new("mail_failed");
        let why = "the address is not one that e-mails are sent to";
        platform.log(&line.because_of(why).json());
    }
    deliver(platform, &wanted.settings, message).await;
}

async fn deliver<P: HasAccounts>(platform: &P, settings: &MailSettings, message: Option<Message>) {
    let Some(message) = message else { return };
    if let Err(why) = send(platform, settings, &message).await {
        platform.log(&Line::new("mail_failed").because_of(&why).json());
        note_failure(platform, &why).await;
    }
}

/// For `/health`. If that fails too, there is still the log.
async fn note_failure<P: HasAccounts>(platform: &P, why: &str) {
    if let Ok(accounts) = platform.accounts() {
        let note = accounts.note_mail_failure(platform.now(), why);
        let _ = within(ACCOUNTS_TIMEOUT_MS, platform, note).await;
    }
}
