//! A session for whoever has the code of an e-mail.

use std::mem;

use crate::{
    account::{
        ask_guard::redeem_code,
        email::{Email, TypedEmail},
        log_in::{LoggedIn, logged_in_as},
        message::{Action, Redemption},
        port::HasAccounts,
        send_code::mail_settings,
        spelling,
        table::AccountTable,
    },
    http::{error::Error, fields::Fields, request::Request},
    port::Fault,
    session::{
        device::device,
        rule::CutOff,
        store::{self, Ending},
    },
    token::{
        code::Code,
        id::{Realm, SessionId, UserId},
        time::UnixMillis,
    },
};

/// A code that somebody has typed.
pub struct TypedCode {
    /// The address that it was sent to.
    pub email: Email,
    /// The code.
    pub code: Code,
    /// What the client calls itself.
    pub device: Option<String>,
}

impl TypedCode {
    /// The body of a request with a code, and what else this request has in it.
    ///
    /// # Errors
    /// 400 for bad input; 500 where e-mail is off; 503 when the table failed.
    pub async fn read<P: HasAccounts, T>(
        request: &Request<'_, P>,
        other: impl FnOnce(&mut Fields) -> Result<T, Error>,
    ) -> Result<(Self, T), Error> {
        mail_settings(request)?;
        let mut fields = request.fields()?;
        let email: TypedEmail = fields.required("email")?;
        let code = fields.required("code")?;
        let other = other(&mut fields)?;
        let device = device(&mut fields);
        let email = spelling::of_login(request, &email).await?;
        let typed = Self {
            email,
            code,
            device,
        };
        Ok((typed, other))
    }

    /// What the guard of the address is asked.
    #[must_use]
    pub fn redemption<P>(
        self,
        request: &Request<'_, P>,
        action: Action,
        session: SessionId,
    ) -> Redemption {
        let (keys, kind) = (&request.config.code_keys, action.kind());
        Redemption {
            macs: keys.macs(kind, self.email.as_str(), &self.code),
            email: self.email,
            action,
            session,
            store: request.config.session_store,
        }
    }
}

/// Does what the code is for and answers with a new session, as a login does. Where the owner of the
/// address takes the account over, all other sessions end.
///
/// The new session comes before the end of the others, so that nobody is left without one. That the
/// address is verified comes last: until then, a repeated request does all of it again, whatever was
/// left undone. One with the same code within two minutes gets the same session.
///
/// # Errors
/// 400 for a code that is wrong, too old or used, and for an unknown address; 503 when something
/// failed: the same request is then safe to repeat.
pub async fn log_in_by_code<P: HasAccounts>(
    request: &Request<'_, P>,
    mut typed: TypedCode,
    action: Action,
) -> Result<LoggedIn, Error> {
    // A guard of an earlier version knows resets only, and does not send `ends_others`.
    let is_reset = matches!(action, Action::Reset { .. });
    let session = SessionId::from_random(request.platform.bytes());
    let device = typed.device.take();
    let redemption = typed.redemption(request, action, session.clone());
    let mut checked = redeem_code(request, redemption).await?;
    let was_verified = mem::replace(&mut checked.account.email_verified, true);
    let (user, at) = (checked.account.id.clone(), checked.at);
    let email = checked.account.email.clone();
    let ends_others = checked.ends_others || is_reset;
    let logged_in = logged_in_as(request, checked, session, device).await;
    let logged_in = logged_in.map_err(|error| match error {
        // A repeated request, whose session was ended since.
        Error::BearerRevoked => Error::CodeInvalid,
        other => other,
    })?;
    if ends_others && end_others(request, &user, at).await? == Ending::Ended {
        if is_reset {
            request.log_revocation("password_reset", "others", None);
        } else {
            request.log_revocation("address_verified", "others", None);
        }
    }
    if !was_verified {
        let table = AccountTable::for_request(request)?;
        table.verify_email(&user, &email).await?;
    }
    Ok(logged_in)
}

async fn end_others<P: HasAccounts>(
    request: &Request<'_, P>,
    user: &UserId,
    at: UnixMillis,
) -> Result<Ending, Fault> {
    let sessions = store::for_request(request)?;
    let cut_off = CutOff::before(at);
    sessions.end_all(Realm::Account, user, &cut_off).await
}
