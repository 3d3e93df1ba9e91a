//! Opens a session for an account whose password was right.

use crate::{
    account::Account,
    http::{answers::Welcome, error::Error, scope::Scope},
    port::Platform,
    session::open::{self, Beginning},
    token::{claims::CustomClaims, time::UnixMillis},
};

/// The claim that every login puts into its session.
pub const EMAIL_CLAIM: &str = "email";

/// A session for an account, begun at the guard's stamp.
pub async fn welcome<P: Platform>(
    scope: &Scope<'_, P>,
    account: Account,
    at: UnixMillis,
    device: Option<String>,
) -> Result<Welcome, Error> {
    let beginning = Beginning {
        user: account.id,
        at,
        device,
        claims: CustomClaims::of_login(EMAIL_CLAIM, account.email.as_str()),
        has_account: true,
    };
    let tokens = open::open(scope, beginning).await?;
    Ok(Welcome {
        tokens,
        email: account.email.as_str().to_owned(),
        name: account.name.map(|name| name.as_str().to_owned()),
    })
}
