//! The check of a password, and what it was presented for.

use crate::{
    account::{
        Account, Name,
        attempts::{Outcome, Wait},
        email::Email,
        message::{EmailChange, GuardReply, Move, Purpose, Succession},
        password::{Password, PasswordHash, Verification},
        port::{Accounts, HasAccounts},
    },
    port::Fault,
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// How long an attempt at an unknown address takes, or at an account without a password, about what a
/// hash does: without it, the last of many attempts at once would be answered sooner where there is
/// none.
const UNKNOWN_MS: u64 = 50;

/// What came of a check.
pub enum CheckOutcome {
    /// The password was right, and what it was presented for is done.
    Done(Account),
    /// The same of a change.
    Changed {
        account: Account,
        sessions: Succession,
        /// The new password was there before.
        was_in_place: bool,
    },
    Wrong,
    /// The password was right, but there were too many logins: nothing is done.
    Wait(Wait),
    /// Nobody has the address. The caller is told that the password was wrong.
    Unknown,
    /// The account has no password.
    NoPassword,
    /// Too many accounts were created this hour.
    Full,
    /// The account does not exist any more.
    Gone,
}

impl CheckOutcome {
    /// What it is for the limits: only a wrong password is a failure.
    pub fn of_attempt(result: &Result<Self, Fault>) -> Outcome {
        match result {
            Ok(Self::Wrong | Self::Unknown) => Outcome::Failure,
            Ok(Self::Done(_) | Self::Changed { .. }) => Outcome::Success,
            Ok(Self::Wait(_) | Self::NoPassword | Self::Full | Self::Gone) | Err(_) => {
                Outcome::Withdrawn
            }
        }
    }
}

/// A check of a password, by an attempt that was admitted.
pub struct PasswordCheck<'a, P: HasAccounts> {
    pub platform: &'a P,
    pub accounts: P::Accounts,
    pub email: Email,
    pub password: Password,
    /// There were too many logins: whoever knows the password has to wait.
    pub login_wait: Option<Wait>,
}

impl<P: HasAccounts> PasswordCheck<'_, P> {
    pub async fn run(&self, purpose: Purpose) -> Result<CheckOutcome, Fault> {
        let found = self.accounts.by_email(&self.email).await?;
        match (purpose, found) {
            (Purpose::SignUp { id, name, per_hour }, None) => self.add(id, name, per_hour).await,
            (Purpose::LogIn | Purpose::SignUp { .. }, found) => self.log_in(found).await,
            (Purpose::ChangePassword { id, new, sessions }, Some((account, hash)))
                if account.id == id =>
            {
                let new = Password::parse_new(new).map_err(unreadable)?;
                let new = new.normalized(self.platform);
                self.change(account, &hash, &new, sessions).await
            }
            (Purpose::Delete { id }, Some((account, hash))) if account.id == id => {
                self.delete(account, &hash).await
            }
            (Purpose::ChangeEmail(EmailChange { to, .. }), Some((account, hash)))
                if account.id == to.user =>
            {
                if hash.is_none() {
                    return Ok(CheckOutcome::NoPassword);
                }
                self.log_in(Some((account, hash))).await
            }
            (
                Purpose::ChangePassword { id, .. }
                | Purpose::Delete { id }
                | Purpose::ChangeEmail(EmailChange {
                    to: Move { user: id, .. },
                    ..
                }),
                _,
            ) => {
                // A row that is merely missing may be a fault.
                let was_deleted = self.accounts.was_deleted(&id).await?;
                was_deleted
                    .then_some(CheckOutcome::Gone)
                    .ok_or(Fault::Failed)
            }
        }
    }

    async fn add(
        &self,
        id: UserId,
        name: Option<Name>,
        per_hour: Option<u64>,
    ) -> Result<CheckOutcome, Fault> {
        if let Some(wait) = self.login_wait {
            return Ok(CheckOutcome::Wait(wait));
        }
        if is_full(self.platform, &self.accounts, per_hour).await? {
            return Ok(CheckOutcome::Full);
        }
        let account = Account {
            id,
            email: self.email.clone(),
            name,
            created_at: self.platform.now(),
            email_verified: false,
            moved_at: UnixMillis::default(),
        };
        if self
            .accounts
            .insert(&account, &self.hash(&self.password))
            .await?
        {
            return Ok(CheckOutcome::Done(account));
        }
        // An import, which asks no guard, has taken the address in the meantime.
        let found = self.accounts.by_email(&self.email).await?;
        self.log_in(found).await
    }

    async fn log_in(&self, found: Option<(Account, PasswordHash)>) -> Result<CheckOutcome, Fault> {
        let Some((account, hash)) = found else {
            self.platform.sleep_ms(UNKNOWN_MS).await;
            return Ok(CheckOutcome::Unknown);
        };
        if hash.is_none() {
            self.platform.sleep_ms(UNKNOWN_MS).await;
        }
        match (hash.verify(&self.password), self.login_wait) {
            (Verification::Mismatch, _) => return Ok(CheckOutcome::Wrong),
            (_, Some(wait)) => return Ok(CheckOutcome::Wait(wait)),
            (Verification::Match, None) => {}
            (Verification::MatchOutdated, None) => {
                let renewed = self.hash(&self.password);
                // If it fails, the next login tries again: no reason to refuse this one.
                let _ = self
                    .accounts
                    .set_password(&account.id, &hash, &renewed)
                    .await;
            }
        }
        Ok(CheckOutcome::Done(account))
    }

    /// A repeated request finds the new password in place already, which is no failure. An earlier
    /// try may also land between the read and the change: the next repetition finds it in place.
    async fn change(
        &self,
        account: Account,
        hash: &PasswordHash,
        new: &Password,
        sessions: Option<Succession>,
    ) -> Result<CheckOutcome, Fault> {
        let is_current = hash.verify(&self.password) != Verification::Mismatch;
        let was_in_place = if is_current {
            self.password.canonical() == new.canonical()
        } else {
            hash.verify(new) != Verification::Mismatch
        };
        if !is_current && !was_in_place {
            return Ok(CheckOutcome::Wrong);
        }
        // A change of the password counts as a login.
        if let Some(wait) = self.login_wait {
            return Ok(CheckOutcome::Wait(wait));
        }
        if !was_in_place {
            let new = self.hash(new);
            if !self.accounts.set_password(&account.id, hash, &new).await? {
                return Err(Fault::Failed);
            }
        }
        Ok(match sessions {
            Some(sessions) => CheckOutcome::Changed {
                account,
                sessions,
                was_in_place,
            },
            None => CheckOutcome::Done(account),
        })
    }

    async fn delete(&self, account: Account, hash: &PasswordHash) -> Result<CheckOutcome, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(CheckOutcome::Wrong);
        }
        let now = self.platform.now();
        self.accounts.delete(&account.id, now).await?;
        Ok(CheckOutcome::Done(account))
    }

    fn hash(&self, password: &Password) -> PasswordHash {
        password.hash(self.platform.bytes())
    }
}

/// Counts a sign-up, where there is a limit, before it is made: so no interleaving makes more accounts
/// than it allows. One that fails afterwards has been counted all the same.
pub async fn is_full<P: HasAccounts>(
    platform: &P,
    accounts: &P::Accounts,
    per_hour: Option<u64>,
) -> Result<bool, Fault> {
    let Some(limit) = per_hour else {
        return Ok(false);
    };
    let hour = platform.now().hour();
    Ok(!accounts.count_sign_up(hour, limit).await?)
}

/// The reply when there were too many.
pub fn full(now: UnixMillis) -> GuardReply {
    GuardReply::Full {
        seconds: now.next_hour().since_ms(now).div_ceil(1000),
    }
}

/// A Worker asks only what it has parsed.
pub fn unreadable(_: Problem) -> Fault {
    Fault::Unreadable
}
