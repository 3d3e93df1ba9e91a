//! `POST /auth/email/change` and `POST /auth/email/change/confirm`: another e-mail address.
//!
//! The user stays the same user, and all sessions go on. How the guards of the two addresses hand the
//! account over is in [`crate::account::guard`].

use serde::Serialize;

use crate::{
    account::{
        Account,
        ask_guard::{Credentials, check_password, destination, move_account, redeem_change},
        bearer_account::current_account,
        email::{Email, TypedEmail},
        me::Me,
        message::{Action, EmailChange, Move, Purpose, Redemption},
        password::Password,
        port::HasAccounts,
        send_code::{
            Sent, WantedCode, language, mail_settings, send_after_response, send_new_code,
        },
        spelling,
    },
    config::mail::{MailSettings, is_plain_address},
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    mail::message::Message,
    session::bearer,
    token::{
        code::{Code, CodeKind},
        id::UserId,
    },
};

/// The response of a change.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Changing {
    /// The code was sent to the new address.
    Sent(Sent),
    /// No code can be sent, so the address has changed.
    Changed(Me),
}

const NEW_EMAIL: &str = "newEmail";

/// Sends a code to the new address, and a notice to the current one. Where e-mail is not set up, it
/// changes the address at once.
///
/// The response does not say whether another account has the new address: whoever has typed the code
/// learns that.
///
/// # Errors
/// 403 when the password is wrong; 409 for an address of another account, where it is changed at once;
/// 401 without a valid access token of a live session and account; 404 for a session of another back
/// end; 429 after too many wrong passwords, or just after a change of the password; 400 for bad input;
/// 503 when something failed: the same request is then safe to repeat.
pub async fn change_email<P: HasAccounts>(request: &Request<'_, P>) -> Result<Changing, Error> {
    let settings = mail_settings_if_on(request)?;
    let bearer = bearer::bearer(request).await?;
    let mut fields = request.fields()?;
    let password: Password = fields.password("password")?;
    let new: TypedEmail = fields.required(NEW_EMAIL)?;
    let language = language(&mut fields);
    let new = spelling::of_new(request, &new, NEW_EMAIL).await?;
    let account = current_account(request, &bearer).await?;
    if settings.is_some() {
        expect_another(&account, &new)?;
    }
    let change = EmailChange {
        to: Move {
            user: account.id.clone(),
            email: new.clone(),
        },
        is_immediate: settings.is_none(),
    };
    let credentials = Credentials::new(&account.email, &password);
    let purpose = Purpose::ChangeEmail(change);
    let checked = check_password(request, credentials, purpose, Error::WrongPassword).await?;
    let Some(settings) = settings else {
        return Ok(Changing::Changed(Me::of_account(checked.account, bearer)));
    };
    let wanted = WantedCode {
        settings: settings.clone(),
        kind: CodeKind::Change,
        language,
        bound_to: Some(bound_to(&new, &account.id)),
        email: new,
        newcomer: None,
    };
    if send_new_code(request, wanted).await? {
        let notice = Message::of_change(settings, account.email.as_str(), language);
        send_after_response(request, settings.clone(), notice);
    }
    Ok(Changing::Sent(Sent::DONE))
}

/// Takes the code, and changes the address, which counts as verified from then on. A request that is
/// repeated with the same code within two minutes gets the same success.
///
/// # Errors
/// 400 for a code that is wrong, too old or used, where no change was asked for, and for bad input; 409
/// when another account has the address; 401, 404 and 429 as for the change; 500 where e-mail is off;
/// 503 when something failed: the same request is then safe to repeat.
pub async fn confirm_change<P: HasAccounts>(request: &Request<'_, P>) -> Result<Me, Error> {
    mail_settings(request)?;
    let bearer = bearer::bearer(request).await?;
    let code: Code = request.fields()?.required("code")?;
    let account = current_account(request, &bearer).await?;
    let going_to = destination(request, &account).await?;
    // A repeated request finds the account there.
    let address = going_to.as_ref().unwrap_or(&account.email);
    let keys = &request.config.code_keys;
    let shown = Redemption {
        macs: keys.macs(CodeKind::Change, &bound_to(address, &account.id), &code),
        email: address.clone(),
        action: Action::Change,
        session: bearer.token.session_ref.session.clone(),
        store: request.config.session_store,
    };
    redeem_change(request, shown).await?;
    let account = match going_to {
        Some(to) => move_account(request, account, to).await?,
        None => account,
    };
    Ok(Me::of_account(account, bearer))
}

fn mail_settings_if_on<'r, P: HasAccounts>(
    request: &Request<'r, P>,
) -> Result<Option<&'r MailSettings>, Error> {
    match request.config.mail.as_ref() {
        Ok(None) => Ok(None),
        _ => mail_settings(request).map(Some),
    }
}

fn expect_another(account: &Account, new: &Email) -> Result<(), BadInput> {
    if account.email == *new {
        return Err(BadInput::field(
            NEW_EMAIL,
            "is the address of this account already: send another one",
        ));
    }
    if !is_plain_address(new.as_str()) {
        return Err(BadInput::field(
            NEW_EMAIL,
            "must be an address that e-mails can be sent to",
        ));
    }
    Ok(())
}

/// A code is good for one account: nobody else who wants the same address can use it.
fn bound_to(address: &Email, user: &UserId) -> String {
    [address.as_str(), " ", user.as_str()].concat()
}
