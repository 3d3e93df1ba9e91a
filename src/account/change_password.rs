//! `POST /auth/password/change`: another password, a new session, and the end of all others.

use crate::{
    account::{
        ask_guard::{Checked, Credentials, check_password},
        bearer_account::current_account,
        log_in::claims_of,
        message::{Purpose, Succession},
        password::{NewPassword, Password},
        port::HasAccounts,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::{
        bearer,
        issue::Tokens,
        open::{NewSession, open_again, open_as},
        rule::CutOff,
        store::{self, Ending},
    },
    token::id::{Realm, SessionId},
};

/// Changes the password, answers with a new session as a login does, and ends all other sessions of
/// the account: one that was stolen too, even if it is a copy of the one that asks.
///
/// The session that asks has a grace. In it, a repeat of the request gets the same new session, so
/// that a lost response and a late copy do no harm.
///
/// The new session comes before the end of the others, so that nobody is left without one.
///
/// # Errors
/// 403 when the current password is wrong; 401 without a valid access token of a live session and
/// account; 404 for a session of another back end; 429 after too many wrong passwords; 400 for bad
/// input; 503 when something failed: the same request is then safe to repeat.
pub async fn change_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    let bearer = bearer::bearer_of_remedy(request).await?;
    let mut fields = request.fields()?;
    let current: Password = fields.password("currentPassword")?;
    let new: NewPassword = fields.password("newPassword")?;
    let account = current_account(request, &bearer).await?;
    let new = new.not_of(&account.email);
    let new = new.map_err(|problem| BadInput::field("newPassword", problem.0))?;
    let record = bearer.record.ok_or(Error::NotHereYet)?;

    let from = bearer.token.session_ref.session;
    let to = SessionId::from_random(request.platform.bytes());
    let purpose = Purpose::ChangePassword {
        id: account.id.clone(),
        new: new.expose().to_owned(),
        sessions: Some(Succession {
            from: from.clone(),
            to: to.clone(),
        }),
    };
    let wrong = Error::WrongPassword;
    let credentials = Credentials::new(&account.email, &current);
    let checked = check_password(request, credentials, purpose, wrong).await?;
    let Checked { at, repeated, .. } = checked;

    let successor = NewSession {
        user: account.id.clone(),
        at,
        device: record.device,
        claims: claims_of(&checked.account),
        has_account: true,
    };
    let tokens = match repeated {
        Some(session) => open_again(request, session, successor).await?,
        None => open_as(request, to, successor).await?,
    };
    let cut_off = CutOff::of_password_change(at, from.clone());
    let sessions = store::for_request(request)?;
    let ending = sessions.end_all(Realm::Account, &account.id, &cut_off);
    if ending.await? == Ending::Ended {
        request.log_revocation("password_changed", "others", Some(&from));
    }
    Ok(tokens)
}
