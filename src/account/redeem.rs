//! A session for whoever has the code of an e-mail.

use std::mem;

use crate::{
    account::{
        ask_guard::redeem_code,
        email::Email,
        log_in::{LoggedIn, logged_in_as},
        message::{Action, Redemption},
        port::HasAccounts,
        table::AccountTable,
    },
    http::{error::Error, request::Request},
    port::Fault,
    session::{rule::CutOff, store},
    token::{
        code::Code,
        id::{Realm, SessionId, SessionRef, UserId},
    },
};

/// A code that somebody has typed.
pub struct TypedCode {
    /// The address that it was sent to.
    pub email: Email,
    /// The code.
    pub code: Code,
    /// What it is shown for.
    pub action: Action,
}

impl TypedCode {
    /// What the guard of the address is asked.
    #[must_use]
    pub fn redemption<P>(self, request: &Request<'_, P>, session: SessionId) -> Redemption {
        let (keys, kind) = (&request.config.code_keys, self.action.kind());
        Redemption {
            macs: keys.macs(kind, self.email.as_str(), &self.code),
            email: self.email,
            action: self.action,
            session,
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
    typed: TypedCode,
    device: Option<String>,
) -> Result<LoggedIn, Error> {
    // A guard of an earlier version knows resets only, and does not say it.
    let is_reset = matches!(typed.action, Action::Reset { .. });
    let session = SessionId::from_random(request.platform.bytes());
    let redemption = typed.redemption(request, session.clone());
    let mut checked = redeem_code(request, redemption).await?;
    let was_verified = mem::replace(&mut checked.account.email_verified, true);
    let (user, at) = (checked.account.id.clone(), checked.at);
    let (repeated, ends_others) = (checked.repeated.clone(), checked.ends_others || is_reset);
    let logged_in = logged_in_as(request, checked, session, device).await;
    let logged_in = logged_in.map_err(|error| match error {
        // A repeated request, whose session was ended since.
        Error::BearerRevoked => Error::CodeInvalid,
        other => other,
    })?;
    let cut_off = CutOff::before(at);
    let is_needless = !ends_others
        || match repeated {
            Some(session) => is_ended(request, &user, session, &cut_off).await?,
            None => false,
        };
    if !is_needless {
        store::for_request(request)?
            .end_all(Realm::Account, &user, &cut_off)
            .await?;
        if is_reset {
            request.log_revocation("password_reset", "others", None);
        } else {
            request.log_revocation("address_verified", "others", None);
        }
    }
    if !was_verified {
        let table = AccountTable::for_request(request)?;
        table.verify_email(&user).await?;
    }
    Ok(logged_in)
}

/// Whether all that this cut-off ends has ended: a repeated request must not undo a later cut-off.
async fn is_ended<P: HasAccounts>(
    request: &Request<'_, P>,
    user: &UserId,
    session: SessionId,
    cut_off: &CutOff,
) -> Result<bool, Fault> {
    let session_ref = SessionRef {
        realm: Realm::Account,
        user: user.clone(),
        session,
    };
    let stored = store::for_request(request)?.look_up(&session_ref).await?;
    let known = stored.cut_off;
    Ok(known.is_some_and(|known| known.before >= cut_off.before))
}
