//! `GET` and `PATCH /auth/me`: who the bearer of an access token is, and what they want to be called.

use serde::Serialize;

use crate::{
    account::{
        Account, Name,
        bearer_account::{current_account, find_account},
        email::Email,
        port::HasAccounts,
        table::AccountTable,
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    session::bearer::{self, Bearer},
    token::{access::EMAIL_VERIFIED, claims::CustomClaims, id::UserId, time::UnixMillis},
};

/// The response of both.
#[derive(Serialize)]
pub struct Me {
    id: UserId,
    /// None where the session belongs to another back end's login.
    #[serde(flatten)]
    account: Option<Profile>,
    claims: CustomClaims,
}

/// An account as its owner sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    email: Email,
    name: Option<Name>,
    /// Milliseconds since 1970.
    created_at: UnixMillis,
    email_verified: bool,
}

impl Me {
    /// The user of an account.
    #[must_use]
    pub fn of_account(account: Account, bearer: Bearer) -> Self {
        Self::new(Some(account), bearer)
    }

    /// The session's claims are those in the store: those of the token may have more in them, by
    /// `ACCESS_TOKEN_CLAIMS`. Whether an address is verified is a field of its own: the claim says how
    /// it was at the login.
    fn new(account: Option<Account>, Bearer { token, record, .. }: Bearer) -> Self {
        let claims = record.map_or(token.claims, |record| record.claims);
        let claims = match &account {
            Some(_) => claims.without(EMAIL_VERIFIED),
            None => claims,
        };
        let account = account.map(|account| Profile {
            email: account.email,
            name: account.name,
            created_at: account.created_at,
            email_verified: account.email_verified,
        });
        Self {
            id: token.session_ref.user,
            account,
            claims,
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
        Some(find_account(request, &bearer).await?)
    } else {
        None
    };
    Ok(Me::new(account, bearer))
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
        return Err(
            BadInput::field("name", "is missing: send it, or null to remove the name").into(),
        );
    }
    let name = fields.optional("name")?;
    let account = current_account(request, &bearer).await?;
    AccountTable::for_request(request)?
        .set_name(&account.id, name.as_ref())
        .await?;
    let account = Account { name, ..account };
    Ok(Me::new(Some(account), bearer))
}
