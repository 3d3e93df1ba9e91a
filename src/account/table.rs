//! The table of accounts and the guards, with their limits of time.

use crate::{
    account::{
        Account, Name,
        email::Email,
        guard::GUARD_MS,
        message::{Answer, Ask, Purpose, Shown},
        password::Password,
        port::{Accounts as _, Guard as _, HasAccounts},
    },
    http::{error::Error, request::Request},
    port::Fault,
    session::{bearer::Bearer, rule::CutOff, store::Sessions},
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
pub async fn by_id<P: HasAccounts>(
    request: &Request<'_, P>,
    id: &UserId,
) -> Result<Option<Account>, Error> {
    let accounts = request.platform.accounts()?;
    Ok(request
        .deadline
        .within(ACCOUNTS_MS, request.platform, accounts.by_id(id))
        .await?)
}

/// Changes the name of an account.
pub async fn set_name<P: HasAccounts>(
    request: &Request<'_, P>,
    id: &UserId,
    name: Option<&Name>,
) -> Result<(), Error> {
    let accounts = request.platform.accounts()?;
    Ok(request
        .deadline
        .within(ACCOUNTS_MS, request.platform, accounts.set_name(id, name))
        .await?)
}

/// Shows a password to the guard of its address. Gives back the account and the guard's stamp.
///
/// `wrong` is what a wrong password means here.
pub async fn show_password<P: HasAccounts>(
    request: &Request<'_, P>,
    email: &Email,
    password: &Password,
    purpose: Purpose,
    wrong: Error,
) -> Result<(Account, UnixMillis), Error> {
    let ask = Ask::Check(Shown {
        email: email.as_str().to_owned(),
        ip: request.ip().to_owned(),
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
    let guard = request.platform.guard()?;
    let answer = request
        .deadline
        .within(GUARD_MS, request.platform, guard.ask(email, &ask))
        .await?;
    if makes_accounts || answer == Answer::Wrong {
        wait_in_a_flood(request).await;
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
async fn wait_in_a_flood<P: HasAccounts>(request: &Request<'_, P>) {
    let platform = request.platform;
    let wait = async {
        if platform.is_flooded().await? {
            platform.sleep_ms(FLOOD_PAUSE_MS).await;
        }
        Ok(())
    };
    // A limit that fails, or does not answer, sees no flood.
    let _ = request.deadline.within(FLOOD_MS, platform, wait).await;
}

/// A stamp of the guard of this address, later than every session that it has let begin.
pub async fn stamp<P: HasAccounts>(
    request: &Request<'_, P>,
    email: &Email,
) -> Result<UnixMillis, Error> {
    let guard = request.platform.guard()?;
    match request
        .deadline
        .within(GUARD_MS, request.platform, guard.ask(email, &Ask::Stamp))
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
pub async fn of_bearer<P: HasAccounts>(
    request: &Request<'_, P>,
    bearer: &Bearer,
) -> Result<Account, Error> {
    if !bearer.token.has_account {
        return Err(Error::NotFound);
    }
    let user = &bearer.token.of.user;
    if let Some(account) = by_id(request, user).await? {
        return Ok(account);
    }
    end_sessions(request, user, request.platform.now()).await?;
    Err(Error::BearerRevoked)
}

/// Ends the sessions of an account that is gone, and leaves nothing personal of them.
pub async fn end_sessions<P: HasAccounts>(
    request: &Request<'_, P>,
    user: &UserId,
    at: UnixMillis,
) -> Result<(), Error> {
    let for_good = CutOff {
        before: at.plus_ms(DELETION_MS),
        keep: None,
    };
    let sessions = Sessions::of(request)?;
    sessions.erase_all(user).await?;
    sessions.end_all(user, &for_good).await?;
    request.log_revocation("account_deleted", "all", None);
    Ok(())
}
