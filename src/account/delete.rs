//! `DELETE /auth/me`, and `POST /auth/me/delete` for clients that send no body with `DELETE`: the end
//! of an account, and of all that is known of it.

use serde::Serialize;

use crate::{
    account::{
        ask_guard::{Credentials, check_password, redeem_code},
        bearer_account::{current_account, end_sessions},
        message::{Action, Purpose},
        password::Password,
        port::HasAccounts,
        redeem::TypedCode,
    },
    http::{error::Error, request::Request},
    session::bearer,
    token::code::Code,
};

/// The response.
#[derive(Serialize)]
pub struct Deleted {
    deleted: bool,
}

/// Deletes the account, erases what was stored of its sessions, and ends them. It takes the password,
/// or a code for a login: an account may have no password.
///
/// The row goes first and the cut-off comes last: until then the bearer's own session lives, so
/// that a repeated request, or any other that needs the account, finds it gone and does the rest.
///
/// # Errors
/// 403 when the password is wrong, 400 when the code is; 404 for a session of another back end; 401 without a valid access
/// token of a live session and account; 429 after too many wrong passwords; 400 for bad input; 503
/// when something failed.
pub async fn delete_account<P: HasAccounts>(request: &Request<'_, P>) -> Result<Deleted, Error> {
    let bearer = bearer::bearer_of_remedy(request).await?;
    let mut fields = request.fields()?;
    let code: Option<Code> = fields.optional("code")?;
    let checked = if let Some(code) = code {
        let account = current_account(request, &bearer).await?;
        let typed = TypedCode {
            email: account.email,
            code,
            device: None,
        };
        let action = Action::Delete { id: account.id };
        // No session starts with it.
        let session = bearer.token.session_ref.session;
        redeem_code(request, typed.redemption(request, action, session)).await?
    } else {
        let password: Password = fields.password("password")?;
        let account = current_account(request, &bearer).await?;
        let purpose = Purpose::Delete { id: account.id };
        let wrong = Error::WrongPassword;
        let credentials = Credentials::new(&account.email, &password);
        check_password(request, credentials, purpose, wrong).await?
    };
    end_sessions(request, &checked.account.id, checked.at).await?;
    Ok(Deleted { deleted: true })
}
