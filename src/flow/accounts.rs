//! The table of accounts and the guards, with their limits of time.

use super::Scope;
use crate::{
    domain::{
        account::{Account, Name},
        email::Email,
        id::UserId,
        password::Password,
        time::UnixMillis,
    },
    error::Error,
    guard::message::{Answer, Ask, Purpose, Shown},
    limits::{ACCOUNTS_MS, FLOOD_MS, FLOOD_PAUSE_MS, GUARD_MS},
    port::{Accounts as _, Fault, Guard as _, Platform},
};

/// The account of a user, if there is one.
pub(super) async fn by_id<P: Platform>(
    scope: &Scope<'_, P>,
    id: &UserId,
) -> Result<Option<Account>, Error> {
    let accounts = scope.platform.accounts()?;
    Ok(scope
        .patience
        .within(ACCOUNTS_MS, scope.platform, accounts.by_id(id))
        .await?)
}

/// Changes the name of an account.
pub(super) async fn set_name<P: Platform>(
    scope: &Scope<'_, P>,
    id: &UserId,
    name: Option<&Name>,
) -> Result<(), Error> {
    let accounts = scope.platform.accounts()?;
    Ok(scope
        .patience
        .within(ACCOUNTS_MS, scope.platform, accounts.set_name(id, name))
        .await?)
}

/// Shows a password to the guard of its address. Gives back the account and the guard's stamp.
///
/// `wrong` is what a wrong password means here.
pub(super) async fn show_password<P: Platform>(
    scope: &Scope<'_, P>,
    email: &Email,
    password: &Password,
    purpose: Purpose,
    wrong: Error,
) -> Result<(Account, UnixMillis), Error> {
    let ask = Ask::Check(Shown {
        email: email.as_str().to_owned(),
        ip: scope.ip.to_owned(),
        password: password.expose().to_owned(),
        purpose,
    });
    let makes_accounts = matches!(
        ask,
        Ask::Check(Shown {
            purpose: Purpose::SignUp { .. },
            ..
        })
    );
    let guard = scope.platform.guard()?;
    let answer = scope
        .patience
        .within(GUARD_MS, scope.platform, guard.ask(email, &ask))
        .await?;
    if makes_accounts || answer == Answer::Wrong {
        wait_in_a_flood(scope).await;
    }
    match answer {
        Answer::Done { account, at } => {
            Ok((account.try_into().map_err(|_| Fault::Unreadable)?, at))
        }
        Answer::Wrong => Err(wrong),
        Answer::Wait { seconds } => Err(Error::TooManyAttempts(seconds)),
        Answer::Gone => Err(Error::BearerRevoked),
        Answer::Stamped { .. } | Answer::Fault => Err(Fault::Failed.into()),
    }
}

/// Slows a flood of invented addresses: the limits of each address do not see it.
///
/// Nobody is refused for it, because a whole app's users may call from one address. So it costs
/// whoever is honest two seconds, and only after a wrong password or at a sign-up; it says nothing
/// about who has an account; and it stores nothing.
async fn wait_in_a_flood<P: Platform>(scope: &Scope<'_, P>) {
    let platform = scope.platform;
    let wait = async {
        if platform.is_flooded().await? {
            platform.sleep_ms(FLOOD_PAUSE_MS).await;
        }
        Ok(())
    };
    // A limit that fails, or does not answer, sees no flood.
    let _ = scope.patience.within(FLOOD_MS, platform, wait).await;
}

/// A stamp of the guard of this address, later than every session that it has let begin.
pub(super) async fn stamp<P: Platform>(
    scope: &Scope<'_, P>,
    email: &Email,
) -> Result<UnixMillis, Error> {
    let guard = scope.platform.guard()?;
    match scope
        .patience
        .within(GUARD_MS, scope.platform, guard.ask(email, &Ask::Stamp))
        .await?
    {
        Answer::Stamped { at } => Ok(at),
        _ => Err(Fault::Failed.into()),
    }
}
