//! `POST /auth/password/change`: another password, and the end of every other session.

use crate::{
    account::{
        ask_guard::check_password,
        bearer_account::current_account,
        message::Purpose,
        password::{NewPassword, Password},
        port::HasAccounts,
    },
    http::{error::Error, request::Request},
    session::{
        bearer,
        issue::{self, Tokens},
        rule::CutOff,
        store::Sessions,
    },
    token::refresh::Position,
};

/// Changes the password and ends all other sessions of the account. This one lives on: the answer
/// is a new access token, and the refresh token that was issued with the access token of the
/// request.
///
/// # Errors
/// 403 when the current password is wrong; 401 without a valid access token of a live session and
/// account; 404 for a session of another back end; 429 after too many wrong passwords; 400 for bad input; 503 when something failed: the
/// same request is then safe to repeat.
pub async fn change_password<P: HasAccounts>(request: &Request<'_, P>) -> Result<Tokens, Error> {
    let bearer = bearer::bearer_of_remedy(request).await?;
    let mut fields = request.fields()?;
    let current: Password = fields.password("currentPassword")?;
    let NewPassword(new) = fields.password("newPassword")?;
    let account = current_account(request, &bearer).await?;
    let record = bearer.record.ok_or(Error::NotHereYet)?;

    let purpose = Purpose::ChangePassword {
        id: account.id.clone(),
        new: new.expose().to_owned(),
    };
    let wrong = Error::WrongPassword;
    let (_, at) = check_password(request, &account.email, &current, purpose, wrong).await?;

    let session_ref = bearer.token.session_ref;
    let cut_off = CutOff {
        before: at,
        keep: Some(session_ref.session.clone()),
    };
    Sessions::for_request(request)?
        .end_all(&session_ref.user, &cut_off)
        .await?;
    request.log_revocation("password_changed", "others", Some(&session_ref.session));
    let position = bearer.token.position;
    let position = position.unwrap_or_else(|| Position::first(record.created_at));
    let now = request.platform.now();
    Ok(issue::tokens(request, &session_ref, &record, position, now))
}
