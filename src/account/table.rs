//! The table of accounts and the guards, with their limits of time.

use crate::{
    account::{
        Account, Name,
        email::Email,
        guard::GUARD_MS,
        message::{Answer, Ask, Purpose, Shown},
        password::Password,
    },
    http::{error::Error, scope::Scope},
    port::{Accounts as _, Fault, Guard as _, Platform},
    session::{bearer::Bearer, rule::CutOff},
    token::{id::UserId, time::UnixMillis},
};

/// How long a question to the table of accounts may take.
pub const ACCOUNTS_MS: u64 = 2_500;

/// For how long after the deletion of an account no session of it can begin. Longer than a login
/// may be under way, so that a token of an erased session is known to be over and not early.
pub const DELETION_MS: u64 = 10 * 60_000;

/// How long a wrong password, or a sign-up, waits for its answer during a flood of them.
pub const FLOOD_PAUSE_MS: u64 = 2_000;

/// How long that may take together with the question whether there is a flood.
pub const FLOOD_MS: u64 = FLOOD_PAUSE_MS + 500;

/// The account of a user, if there is one.
pub async fn by_id<P: Platform>(
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
pub async fn set_name<P: Platform>(
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
pub async fn show_password<P: Platform>(
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
pub async fn stamp<P: Platform>(scope: &Scope<'_, P>, email: &Email) -> Result<UnixMillis, Error> {
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

/// The account of a bearer, for what cannot be done without one.
///
/// An account that is gone takes its sessions along: if its deletion was cut short, it is brought
/// to its end here.
pub async fn of_bearer<P: Platform>(
    scope: &Scope<'_, P>,
    bearer: &Bearer,
) -> Result<Account, Error> {
    if !bearer.token.has_account {
        return Err(Error::NotFound);
    }
    let user = &bearer.token.of.user;
    if let Some(account) = by_id(scope, user).await? {
        return Ok(account);
    }
    end_sessions(scope, user, scope.platform.now()).await?;
    Err(Error::BearerRevoked)
}

/// Ends the sessions of an account that is gone, and leaves nothing personal of them.
pub async fn end_sessions<P: Platform>(
    scope: &Scope<'_, P>,
    user: &UserId,
    at: UnixMillis,
) -> Result<(), Error> {
    let for_good = CutOff {
        before: at.plus_ms(DELETION_MS),
        keep: None,
    };
    let sessions = scope.sessions()?;
    sessions.erase_all(user).await?;
    sessions.end_all(user, &for_good).await?;
    scope.log_revocation("account_deleted", "all", None);
    Ok(())
}
