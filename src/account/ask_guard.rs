//! What a request asks of an account's guard: to check a password or a code, for a stamp, or to let the
//! account go to another address.
//!
//! Here is the request's side, in the Worker, where waiting costs nothing: time limits, what a reply
//! means for the client, when a refusal goes out, and the pause that slows a flood of guesses.
//! [`crate::account::guard`] is the other side.

use crate::{
    account::{
        Account,
        email::Email,
        guard::GUARD_TIMEOUT_MS,
        message::{
            Attempt, GuardReply, GuardRequest, Move, NewCode, Purpose, Redemption, Resident,
        },
        password::Password,
        port::{Guard as _, HasAccounts},
    },
    http::{
        error::{BadInput, Error},
        request::Request,
    },
    mail::words::Letter,
    port::{Fault, RateLimit, within},
    token::{
        id::{SessionId, SessionRef},
        time::UnixMillis,
    },
};

/// Refusals go out at multiples of this time after the request began. What comes before that (a
/// hash of any cost, a write of the count, a query) takes other times for a known address than for
/// an unknown one, and should all be over by the first.
pub const REFUSAL_STEP_MS: u64 = 1_000;

/// How long a wrong password, or a sign-up, waits for its reply during a flood of them.
pub const FLOOD_PAUSE_MS: u64 = 2_000;

/// How long that may take together with asking the rate limit.
const FLOOD_TIMEOUT_MS: u64 = FLOOD_PAUSE_MS + 500;

/// One count for all addresses.
const ALL_ADDRESSES: &str = "all";

/// Who wants something, and how they show that they may.
pub struct Credentials<'a> {
    /// The address of the account.
    pub email: &'a Email,
    /// Its password, perhaps.
    pub password: &'a Password,
    /// The session of a refresh token of ours that was shown too.
    pub session: Option<SessionRef>,
}

impl<'a> Credentials<'a> {
    /// Address and password alone.
    #[must_use]
    pub fn new(email: &'a Email, password: &'a Password) -> Self {
        Self {
            email,
            password,
            session: None,
        }
    }
}

/// What a guard says when the password or the code was right.
pub struct Checked {
    /// The account.
    pub account: Account,
    /// The guard's stamp.
    pub at: UnixMillis,
    /// The session that an earlier copy of this request has started.
    pub repeated: Option<SessionId>,
    /// Whether all other sessions of the account end.
    pub ends_others: bool,
}

/// Has the guard of this address check a password and do what it was presented for.
///
/// # Errors
/// `wrong` for a wrong password; 429 after too many of them, or too many right ones; 401 when the
/// account is gone; 503 when something failed.
pub async fn check_password<P: HasAccounts>(
    request: &Request<'_, P>,
    credentials: Credentials<'_>,
    purpose: Purpose,
    wrong: Error,
) -> Result<Checked, Error> {
    let started_at = request.platform.now();
    let is_sign_up = matches!(purpose, Purpose::SignUp { .. });
    let email = credentials.email;
    let question = GuardRequest::Check(Attempt {
        email: email.clone(),
        ip: request.ip().to_owned(),
        password: credentials.password.expose().to_owned(),
        purpose,
        session: credentials.session,
        store: request.config.session_store,
    });
    let reply = ask(request, email, &question).await?;
    if is_sign_up || reply == GuardReply::Wrong {
        slow_down_when_flooded(request).await;
    }
    if matches!(reply, GuardReply::Wrong | GuardReply::Wait { .. }) {
        wait_for_next_step(request, started_at).await;
    }
    checked(reply, wrong)
}

/// Has the guard of this address take a new code: the e-mail that is to be sent, if one is. Whatever
/// the answer is, it comes at the same moment.
///
/// # Errors
/// 429 after too many sign-ups; the guard failed, or did not reply in time.
pub async fn issue_code<P: HasAccounts>(
    request: &Request<'_, P>,
    new: NewCode,
) -> Result<Option<Letter>, Error> {
    let started_at = request.platform.now();
    let (email, kind) = (new.email.clone(), new.kind);
    let reply = ask(request, &email, &GuardRequest::Issue(new)).await?;
    slow_down_when_flooded(request).await;
    wait_for_next_step(request, started_at).await;
    match reply {
        GuardReply::Issued => Ok(Some(Letter::Code(kind))),
        GuardReply::IssuedToKnown => Ok(Some(Letter::Known)),
        GuardReply::NotIssued => Ok(None),
        GuardReply::Full { seconds } => Err(Error::TooManySignUps(seconds)),
        _ => Err(Fault::Failed.into()),
    }
}

/// The same for an answer that does not depend on it, and has gone out already. A guard that fails
/// sends nothing: the user can ask for another code.
pub async fn issue_code_later<P: HasAccounts>(platform: &P, new: NewCode) -> bool {
    let email = new.email.clone();
    let question = GuardRequest::Issue(new);
    let asked = async { platform.guard()?.ask(&email, &question).await };
    within(GUARD_TIMEOUT_MS, platform, asked).await == Ok(GuardReply::Issued)
}

/// Has the guard of this address check a code and do what it is shown for.
///
/// # Errors
/// 400 for a code that is wrong, too old or used, and for an unknown address; 503 when something
/// failed.
pub async fn redeem_code<P: HasAccounts>(
    request: &Request<'_, P>,
    redemption: Redemption,
) -> Result<Checked, Error> {
    checked(redeem(request, redemption).await?, Error::CodeInvalid)
}

async fn redeem<P: HasAccounts>(
    request: &Request<'_, P>,
    redemption: Redemption,
) -> Result<GuardReply, Error> {
    let started_at = request.platform.now();
    let email = redemption.email.clone();
    let reply = ask(request, &email, &GuardRequest::Redeem(redemption)).await?;
    if reply == GuardReply::Wrong {
        slow_down_when_flooded(request).await;
        wait_for_next_step(request, started_at).await;
    }
    Ok(reply)
}

/// Has the guard of a new address check the code that was sent there.
///
/// # Errors
/// 400 for a code that is wrong, too old or used; 503 when something failed.
pub async fn redeem_change<P: HasAccounts>(
    request: &Request<'_, P>,
    redemption: Redemption,
) -> Result<(), Error> {
    match redeem(request, redemption).await? {
        GuardReply::Right => Ok(()),
        GuardReply::Wrong => Err(Error::CodeInvalid),
        _ => Err(Fault::Failed.into()),
    }
}

/// Where this account is going, if it has asked for another address.
///
/// # Errors
/// 429 while it has to stay; 503 when something failed.
pub async fn destination<P: HasAccounts>(
    request: &Request<'_, P>,
    account: &Account,
) -> Result<Option<Email>, Error> {
    let question = GuardRequest::Destination(account.id.clone());
    match ask(request, &account.email, &question).await? {
        GuardReply::Destination { to } => Ok(to),
        GuardReply::Wait { seconds } => Err(Error::TooManyAttempts(seconds)),
        _ => Err(Fault::Failed.into()),
    }
}

/// Lets an account go to the address for which the code was shown.
///
/// # Errors
/// 409 where another account has it; 400 where the change was called off; 429 while the account has to
/// stay; 503 when something failed.
pub async fn move_account<P: HasAccounts>(
    request: &Request<'_, P>,
    account: Account,
    to: Email,
) -> Result<Account, Error> {
    let from = account.email.clone();
    let question = GuardRequest::Move {
        from: from.clone(),
        to: Move {
            user: account.id,
            email: to,
        },
    };
    let reply = ask(request, &from, &question).await?;
    Ok(checked(reply, Error::CodeInvalid)?.account)
}

fn checked(reply: GuardReply, wrong: Error) -> Result<Checked, Error> {
    match reply {
        GuardReply::Done {
            account,
            at,
            repeated,
            ends_others,
        } => Ok(Checked {
            account,
            at,
            repeated,
            ends_others,
        }),
        GuardReply::Wrong => Err(wrong),
        GuardReply::Wait { seconds } => Err(Error::TooManyAttempts(seconds)),
        GuardReply::Full { seconds } => Err(Error::TooManySignUps(seconds)),
        GuardReply::Gone => Err(Error::BearerRevoked),
        GuardReply::Taken => Err(Error::EmailTaken),
        GuardReply::NoPassword => Err(BadInput::field(
            "password",
            "cannot be checked, because this account has none: set one with POST /auth/password/forgot first",
        )
        .into()),
        GuardReply::Stamped { .. }
        | GuardReply::Issued
        | GuardReply::IssuedToKnown
        | GuardReply::NotIssued
        | GuardReply::Right
        | GuardReply::Destination { .. }
        | GuardReply::Fault => Err(Fault::Failed.into()),
    }
}

/// Waits until the next multiple of [`REFUSAL_STEP_MS`], but not beyond the deadline.
async fn wait_for_next_step<P: HasAccounts>(request: &Request<'_, P>, started_at: UnixMillis) {
    let platform = request.platform;
    let took_ms = platform.now().since_ms(started_at);
    let left_ms = took_ms.max(1).next_multiple_of(REFUSAL_STEP_MS) - took_ms;
    let pause = async {
        platform.sleep_ms(left_ms).await;
        Ok(())
    };
    let _ = request.deadline.within(left_ms + 1, platform, pause).await;
}

/// A stamp for an account, later than every session of it that was let start.
///
/// # Errors
/// The guard failed, or did not reply in time.
pub async fn stamp_for<P: HasAccounts>(
    request: &Request<'_, P>,
    account: &Account,
) -> Result<UnixMillis, Error> {
    let question = GuardRequest::StampFor(Resident::of(account));
    stamp(request, &account.email, &question).await
}

/// A stamp of the guard of this address, where it is not known whether an account has it.
///
/// # Errors
/// The guard failed, or did not reply in time.
pub async fn stamp_at<P: HasAccounts>(
    request: &Request<'_, P>,
    email: &Email,
) -> Result<UnixMillis, Error> {
    stamp(request, email, &GuardRequest::Stamp).await
}

async fn stamp<P: HasAccounts>(
    request: &Request<'_, P>,
    email: &Email,
    question: &GuardRequest,
) -> Result<UnixMillis, Error> {
    match ask(request, email, question).await? {
        GuardReply::Stamped { at } => Ok(at),
        _ => Err(Fault::Failed.into()),
    }
}

async fn ask<P: HasAccounts>(
    request: &Request<'_, P>,
    email: &Email,
    question: &GuardRequest,
) -> Result<GuardReply, Fault> {
    let guard = request.platform.guard()?;
    request
        .deadline
        .within(
            GUARD_TIMEOUT_MS,
            request.platform,
            guard.ask(email, question),
        )
        .await
}

/// Slows a flood of invented addresses: the limits of each address do not see it.
///
/// Nobody is refused for it, because all users of an app may call from one address. So it costs an
/// honest caller two seconds, and only after a wrong password or at a sign-up; it does not reveal
/// who has an account; and it stores nothing.
async fn slow_down_when_flooded<P: HasAccounts>(request: &Request<'_, P>) {
    let platform = request.platform;
    let pause = async {
        if platform.is_over(RateLimit::Attempts, ALL_ADDRESSES).await? {
            platform.sleep_ms(FLOOD_PAUSE_MS).await;
        }
        Ok(())
    };
    // A rate limit that fails, or does not answer, sees no flood.
    let _ = request
        .deadline
        .within(FLOOD_TIMEOUT_MS, platform, pause)
        .await;
}
