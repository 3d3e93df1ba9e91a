//! `POST /auth/password/reset`: another password for whoever has the code of the e-mail.

use crate::{
    account::{
        ask_guard::redeem_code,
        email::TypedEmail,
        log_in::{LoggedIn, logged_in_as},
        message::{Action, Redemption},
        password::NewPassword,
        port::HasAccounts,
        send_code::mail_settings,
        spelling,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    port::Fault,
    session::{device::device, rule::CutOff, store},
    token::{
        code::{Code, CodeKind},
        id::{Realm, SessionId, SessionRef, UserId},
    },
};

/// Sets the password, answers with a new session as a login does, and ends all other sessions of the
/// account. The address counts as verified from then on.
///
/// The new session comes before the end of the others, so that nobody is left without one. A request
/// that is repeated with the same code and password within two minutes gets the same session.
///
/// # Errors
/// 400 for a code that is wrong, too old or used, for an unknown address, and for bad input; 500 where
/// e-mail is off; 503 when something failed: the same request is then safe to repeat.
pub async fn reset_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<LoggedIn, Error> {
    mail_settings(request)?;
    let mut fields = request.fields()?;
    let email: TypedEmail = fields.required("email")?;
    let code: Code = fields.required("code")?;
    let new: NewPassword = fields.password("newPassword")?;
    let device = device(&mut fields);
    let email = spelling::of_login(request, &email).await?;
    let new = new.not_of(&email);
    let new = new.map_err(|problem| BadInput::field("newPassword", problem.0))?;

    let session = SessionId::from_random(request.platform.bytes());
    let keys = &request.config.code_keys;
    let redemption = Redemption {
        macs: keys.macs(CodeKind::Reset, email.as_str(), &code),
        email,
        action: Action::Reset {
            new: new.expose().to_owned(),
        },
        session: session.clone(),
    };
    let checked = redeem_code(request, redemption).await?;
    let (user, at) = (checked.account.id.clone(), checked.at);
    let repeated = checked.repeated.clone();
    let logged_in = logged_in_as(request, checked, session, device).await;
    let logged_in = logged_in.map_err(|error| match error {
        // A repeated request, whose session was ended since.
        Error::BearerRevoked => Error::CodeInvalid,
        other => other,
    })?;
    let cut_off = CutOff::before(at);
    if let Some(session) = repeated
        && is_ended(request, &user, session, &cut_off).await?
    {
        return Ok(logged_in);
    }
    store::for_request(request)?
        .end_all(Realm::Account, &user, &cut_off)
        .await?;
    request.log_revocation("password_reset", "others", None);
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
