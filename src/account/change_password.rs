//! `POST /auth/password/change`: another password, and the end of every other session.

use crate::{
    account::{current::current_account, message::Purpose, password_check::check_password},
    http::{answers::Tokens, error::Error, fields::Fields, scope::Scope},
    port::Platform,
    session::{bearer, issue, rule::CutOff},
    token::refresh::Position,
};

/// Changes the password and ends all other sessions of the account. This one lives on: the answer
/// is a new access token, and the refresh token that went out with the one that was shown.
///
/// # Errors
/// 403 when the current password is wrong; 401 without a good access token of a live session and
/// account; 429 after too many wrong passwords; 400 for bad input; 503 when something failed: the
/// same request is then safe to repeat.
pub async fn change_password<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Tokens, Error> {
    let bearer = bearer::bearer(scope, authorization).await?;
    let mut fields = Fields::parse(body)?;
    let current = fields.password("currentPassword")?;
    let new = fields.new_password("newPassword")?;
    let account = current_account(scope, &bearer).await?;
    let record = bearer.record.ok_or(Error::NotHereYet)?;

    let purpose = Purpose::ChangePassword {
        id: account.id.as_str().to_owned(),
        new: new.expose().to_owned(),
    };
    let wrong = Error::WrongPassword;
    let (_, at) = check_password(scope, &account.email, &current, purpose, wrong).await?;

    let of = bearer.token.of;
    let cut_off = CutOff {
        before: at,
        keep: Some(of.session.clone()),
    };
    scope.sessions()?.end_all(&of.user, &cut_off).await?;
    scope.log_revocation("password_changed", "others", Some(&of.session));
    let position = bearer.token.position;
    let position = position.unwrap_or_else(|| Position::first(record.created_at));
    Ok(issue::tokens(scope, &of, &record, position))
}
