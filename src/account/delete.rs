//! `DELETE /auth/me`, and `POST /auth/me/delete` for clients that send no body with `DELETE`: the end
//! of an account, and of all that is known of it.

use serde::Serialize;

use crate::{
    account::{
        ask_guard::{Credentials, check_password},
        bearer_account::{current_account, end_sessions},
        message::Purpose,
        password::Password,
        port::HasAccounts,
    },
    http::{error::Error, request::Request},
    session::bearer,
};

/// The response.
#[derive(Serialize)]
pub struct Deleted {
    deleted: bool,
}

/// Deletes the account, erases what was stored of its sessions, and ends them.
///
/// The row goes first and the cut-off comes last: until then the bearer's own session lives, so
/// that a repeated request, or any other that needs the account, finds it gone and does the rest.
///
/// # Errors
/// 403 when the password is wrong; 404 for a session of another back end; 401 without a valid access
/// token of a live session and account; 429 after too many wrong passwords; 400 for bad input; 503
/// when something failed.
pub async fn delete_account<P: HasAccounts>(request: &Request<'_, P>) -> Result<Deleted, Error> {
    let bearer = bearer::bearer_of_remedy(request).await?;
    let password: Password = request.fields()?.password("password")?;
    let account = current_account(request, &bearer).await?;

    let purpose = Purpose::Delete {
        id: account.id.clone(),
    };
    let wrong = Error::WrongPassword;
    let credentials = Credentials::new(&account.email, &password);
    let checked = check_password(request, credentials, purpose, wrong).await?;
    end_sessions(request, &account.id, checked.at).await?;
    Ok(Deleted { deleted: true })
}
