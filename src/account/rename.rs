//! `PATCH /auth/me`: another name for the bearer of an access token.

use crate::{
    account::{Account, current::current_account, table::AccountTable},
    http::{
        answers::{Me, Profile},
        error::Error,
        fields::Fields,
        scope::Scope,
    },
    port::Platform,
    session::bearer,
};

/// Changes the name, or takes it away, and answers as `GET /auth/me` does.
///
/// # Errors
/// 401 without a good access token of a live session and account; 400 for bad input; 503 when
/// something failed.
pub async fn rename<P: Platform>(
    scope: &Scope<'_, P>,
    authorization: Option<&str>,
    body: &[u8],
) -> Result<Me, Error> {
    let bearer = bearer::bearer(scope, authorization).await?;
    let name = Fields::parse(body)?.new_name()?;
    let account = current_account(scope, &bearer).await?;
    let table = AccountTable::new(scope.platform, scope.patience)?;
    table.set_name(&account.id, name.as_ref()).await?;
    let account = Account { name, ..account };
    Ok(Me {
        id: account.id.as_str().to_owned(),
        account: Some(Profile::from(&account)),
        claims: bearer.token.claims,
    })
}
