//! `GET` and `PATCH /auth/me`: who the bearer of an access token is, and what they want to be called.

use serde::Serialize;

use crate::{
    account::{Account, current::current_account, port::HasAccounts, table::AccountTable},
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::bearer,
    token::claims::CustomClaims,
};

/// The response of both.
#[derive(Serialize)]
pub struct Me {
    id: String,
    /// None where the session belongs to another back end's login.
    #[serde(flatten)]
    account: Option<Profile>,
    claims: CustomClaims,
}

/// An account as its owner sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    email: String,
    name: Option<String>,
    /// Milliseconds since 1970.
    created_at: u64,
}

impl From<&Account> for Profile {
    fn from(account: &Account) -> Self {
        Self {
            email: account.email.as_str().to_owned(),
            name: account.name.as_ref().map(|name| name.as_str().to_owned()),
            created_at: account.created_at.0,
        }
    }
}

/// The user's id, the account where there is one, and the session's claims.
///
/// # Errors
/// 401 without a valid access token of a live session, or when its account is gone; 503 when
/// something failed.
pub async fn show_me<P: HasAccounts>(request: &Request<'_, P>) -> Result<Me, Error> {
    let bearer = bearer::bearer(request).await?;
    let account = if bearer.token.has_account {
        Some(current_account(request, &bearer).await?)
    } else {
        None
    };
    Ok(Me {
        id: bearer.token.of.user.as_str().to_owned(),
        account: account.as_ref().map(Profile::from),
        claims: bearer.token.claims,
    })
}

/// Changes the name, or removes it (`null` or `""`), and answers as [`show_me`] does.
///
/// # Errors
/// 401 without a valid access token of a live session and account; 400 for bad input; 503 when
/// something failed.
pub async fn rename<P: HasAccounts>(request: &Request<'_, P>) -> Result<Me, Error> {
    let bearer = bearer::bearer(request).await?;
    let mut fields = request.fields()?;
    if !fields.has("name") {
        return Err(BadInput::field("name", "is missing").into());
    }
    let name = fields.optional("name")?;
    let account = current_account(request, &bearer).await?;
    AccountTable::of(request)?
        .set_name(&account.id, name.as_ref())
        .await?;
    let account = Account { name, ..account };
    Ok(Me {
        id: account.id.as_str().to_owned(),
        account: Some(Profile::from(&account)),
        claims: bearer.token.claims,
    })
}
