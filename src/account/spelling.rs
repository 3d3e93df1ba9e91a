//! Under which spelling an address has its account.
//!
//! Earlier versions kept an address as it was typed, but for spaces at its ends and capital letters.
//! Such an account keeps its spelling, and with it its guard, which is named by it: the count of wrong
//! passwords and the order of stamps stay in one place. So the spelling is found out before the guard
//! is asked. An address in ASCII has only one, and costs nothing.
//!
//! The earlier spelling comes first. Where both have accounts, whoever types the earlier one means
//! that account; the other is reached by every other spelling.

use crate::{
    account::{
        email::{Email, TypedEmail},
        port::HasAccounts,
        table::AccountTable,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
};

/// The address of a login. What can have no new account may be the address of an old one, and is
/// presented as it is: the answer does not say which.
///
/// # Errors
/// 400 for what is no address; 503 when the table failed.
pub async fn of_login<P: HasAccounts>(
    request: &Request<'_, P>,
    typed: &TypedEmail,
) -> Result<Email, Error> {
    match typed.canonical(request.platform) {
        Ok(canonical) => stored(request, typed, canonical).await,
        Err(problem) => typed
            .as_before()
            .map_err(|_| BadInput::field("email", problem.0).into()),
    }
}

/// The address of a sign-up, which may have an account.
///
/// # Errors
/// 400 for an address that can have no account; 503 when the table failed.
pub async fn of_sign_up<P: HasAccounts>(
    request: &Request<'_, P>,
    typed: &TypedEmail,
) -> Result<Email, Error> {
    of_new(request, typed, "email").await
}

/// The same of a new address in this field.
///
/// # Errors
/// See [`of_sign_up`].
pub async fn of_new<P: HasAccounts>(
    request: &Request<'_, P>,
    typed: &TypedEmail,
    field: &'static str,
) -> Result<Email, Error> {
    let canonical = typed.canonical(request.platform);
    let canonical = canonical.map_err(|problem| BadInput::field(field, problem.0))?;
    stored(request, typed, canonical).await
}

async fn stored<P: HasAccounts>(
    request: &Request<'_, P>,
    typed: &TypedEmail,
    canonical: Email,
) -> Result<Email, Error> {
    match typed.as_before() {
        Ok(before) if before != canonical => {
            let table = AccountTable::for_request(request)?;
            let is_stored = table.has_address(&before).await?;
            Ok(if is_stored { before } else { canonical })
        }
        _ => Ok(canonical),
    }
}
