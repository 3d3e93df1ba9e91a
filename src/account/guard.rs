//! The guard of an account: everything that takes a password goes through it.
//!
//! There is one guard for each e-mail address, and it does one thing after the other. It runs as
//! a Durable Object, for three reasons:
//!
//! * **Time.** Hashing a password takes 30 to 60 ms of CPU. A Worker on the free plan has 10 ms a
//!   request, an object has 30 s.
//! * **Counting.** Fifty attempts at once must be fifty in one count. Nothing else on the platform
//!   counts exactly: KV is a minute late, and a Worker's memory is its own.
//! * **Order.** Two sign-ups of one address make one account. A password is read, checked and
//!   replaced without another attempt in between. And the stamps of logins and of "everything
//!   until now is over" come from one clock, strictly one after the other.
//!
//! What it promises: it answers alike and in about the same time whether an address is unknown or
//! a password wrong; no more passwords are checked than [`crate::account::attempts`] lets through;
//! it stores nothing for an address until something failed there, and clears itself.
//!
//! For an address without an account it stores nothing at all: a flood of invented addresses would
//! fill the storage, and there is no password to guess. Its attempts are counted in memory, by the
//! same numbers and for as long as the object stays awake.

use crate::account::message::{AccountJson, Answer, Ask, Purpose, Shown};
use crate::{
    account::{
        Account, Name,
        attempts::{Attempts, Outcome, Source},
        email::Email,
        password::{Password, PasswordHash, Verification},
        port::Accounts,
    },
    port::{Clock, Fault, Rng, within},
    problem::Problem,
    token::{id::UserId, time::UnixMillis},
};

/// How long a guard may take. A password costs it well under a second, but several may wait for
/// their turn; the phone gives up at 10 s.
pub const GUARD_MS: u64 = 6_000;

/// How long a guard may take for one attempt: a question to the table or two, and a password. Less
/// than `GUARD_MS`, so that the next in the queue still has a chance.
pub const ATTEMPT_MS: u64 = 4_000;

/// What a guard needs from outside.
pub trait World: Clock + Rng {
    /// The table of accounts.
    type Accounts: Accounts;

    /// The table of accounts.
    ///
    /// # Errors
    /// It is not bound.
    fn accounts(&self) -> Result<Self::Accounts, Fault>;
}

/// What a guard remembers from one question to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// The attempts so far. To be stored where [`Memory::is_worth_storing`] says so.
    pub attempts: Attempts,
    /// The latest stamp. It need not be stored: a guard that was asleep wakes up later than that.
    last_stamp: Option<UnixMillis>,
    /// Whether the address had an account when it was last looked up, or when this was stored.
    has_account: bool,
}

impl Memory {
    /// What was stored.
    #[must_use]
    pub fn of(attempts: Attempts) -> Self {
        Self {
            has_account: !attempts.is_empty(),
            attempts,
            last_stamp: None,
        }
    }

    /// Whether the attempts have to be stored, after they were these.
    #[must_use]
    pub fn is_worth_storing(&self, before: &Attempts) -> bool {
        self.has_account && self.attempts != *before
    }

    /// Forgets what is too old to count, and says what is to be stored from now on: nothing for an
    /// address without an account, whose attempts are in memory only.
    pub fn clear(&mut self, now: UnixMillis) -> Option<&Attempts> {
        self.attempts.forget(now);
        self.has_account.then_some(&self.attempts)
    }

    /// The time, but later than every stamp before: a Worker's clock stands still between waits.
    fn stamp(&mut self, clock: &impl Clock) -> UnixMillis {
        let now = clock.now();
        let stamp = self.last_stamp.map_or(now, |last| now.max(last.plus_ms(1)));
        self.last_stamp = Some(stamp);
        stamp
    }
}

/// Answers one question. Questions of one address must be answered one after the other; this one
/// came at `came_at`. Whoever has waited too long is gone: his question is not worked on, so that
/// questions to a table that hangs do not keep later ones waiting when it is well again.
///
/// # Errors
/// The table of accounts failed: the attempt does not count, nothing was changed. Or the question
/// could not be read, or came too long ago.
pub async fn answer<W: World>(
    world: &W,
    memory: &mut Memory,
    ask: Ask,
    came_at: UnixMillis,
) -> Result<Answer, Fault> {
    let waited = world.now().since_ms(came_at);
    let left_ms = GUARD_MS.saturating_sub(waited).min(ATTEMPT_MS);
    match ask {
        _ if left_ms == 0 => Err(Fault::TimedOut),
        Ask::Stamp => Ok(Answer::Stamped {
            at: memory.stamp(world),
        }),
        Ask::Check(shown) => check(world, memory, shown, left_ms).await,
    }
}

async fn check<W: World>(
    world: &W,
    memory: &mut Memory,
    ask: Shown,
    left_ms: u64,
) -> Result<Answer, Fault> {
    let email = Email::parse(&ask.email).map_err(unreadable)?;
    let password = Password::parse(ask.password).map_err(unreadable)?;
    let accounts = world.accounts()?;
    let source = Source::new(&email, &ask.ip);
    let ticket = match memory.attempts.admit(&source, world.now()) {
        Ok(ticket) => ticket,
        Err(wait) => {
            return Ok(Answer::Wait {
                seconds: wait.seconds,
            });
        }
    };
    let attempt = Attempt {
        world,
        accounts,
        email,
        password,
    };
    // Others wait for their turn: a question to the table must not hang.
    let result = within(left_ms, world, attempt.make(ask.purpose)).await;
    memory
        .attempts
        .settle(ticket, outcome(&result), world.now());
    let made = result?;
    memory.has_account = !matches!(made, Made::Unknown | Made::Gone);
    Ok(match made {
        Made::Done(account) => Answer::Done {
            account: AccountJson::from(&account),
            at: memory.stamp(world),
        },
        Made::Wrong | Made::Unknown => Answer::Wrong,
        Made::Gone => Answer::Gone,
    })
}

/// Only a wrong password is a failure.
fn outcome(result: &Result<Made, Fault>) -> Outcome {
    match result {
        Ok(Made::Wrong | Made::Unknown) => Outcome::Failure,
        Ok(Made::Done(_)) => Outcome::Success,
        Ok(Made::Gone) | Err(_) => Outcome::Withdrawn,
    }
}

fn unreadable(_: Problem) -> Fault {
    Fault::Unreadable
}

/// What an attempt came to.
enum Made {
    Done(Account),
    Wrong,
    /// Wrong too, as far as anyone is told: nobody has the address.
    Unknown,
    Gone,
}

/// An attempt that was let through.
struct Attempt<'a, W: World> {
    world: &'a W,
    accounts: W::Accounts,
    email: Email,
    password: Password,
}

impl<W: World> Attempt<'_, W> {
    async fn make(&self, purpose: Purpose) -> Result<Made, Fault> {
        let found = self.accounts.by_email(&self.email).await?;
        match (purpose, found) {
            (Purpose::SignUp { id, name }, None) => self.add(id, name).await,
            (Purpose::LogIn | Purpose::SignUp { .. }, found) => self.log_in(found).await,
            (Purpose::ChangePassword { id, new }, Some((account, hash)))
                if account.id.as_str() == id =>
            {
                let new = Password::parse_new(new).map_err(unreadable)?;
                self.change(account, &hash, &new).await
            }
            (Purpose::Delete { id }, Some((account, hash))) if account.id.as_str() == id => {
                self.delete(account, &hash).await
            }
            (Purpose::ChangePassword { .. } | Purpose::Delete { .. }, _) => Ok(Made::Gone),
        }
    }

    async fn add(&self, id: String, name: Option<String>) -> Result<Made, Fault> {
        let account = Account {
            id: UserId::parse(id).map_err(unreadable)?,
            email: self.email.clone(),
            name: name.map(Name::parse).transpose().map_err(unreadable)?,
            created_at: self.world.now(),
        };
        if self
            .accounts
            .insert(&account, &self.hash(&self.password))
            .await?
        {
            return Ok(Made::Done(account));
        }
        // Taken in the meantime by an import, which asks no guard.
        let found = self.accounts.by_email(&self.email).await?;
        self.log_in(found).await
    }

    /// Checks a password against a decoy where nobody has the address: in the same time.
    async fn log_in(&self, found: Option<(Account, PasswordHash)>) -> Result<Made, Fault> {
        let Some((account, hash)) = found else {
            let _ = PasswordHash::decoy().verify(&self.password);
            return Ok(Made::Unknown);
        };
        match hash.verify(&self.password) {
            Verification::Mismatch => return Ok(Made::Wrong),
            Verification::Match => {}
            Verification::MatchOutdated => {
                let renewed = self.hash(&self.password);
                // If it fails, the next login tries again: no reason to refuse this one.
                let _ = self
                    .accounts
                    .set_password(&account.id, &hash, &renewed)
                    .await;
            }
        }
        Ok(Made::Done(account))
    }

    /// A repeated request finds the new password in place already: that is no failure. Nor is it
    /// one when an earlier try lands between question and change: the next repetition finds it.
    async fn change(
        &self,
        account: Account,
        hash: &PasswordHash,
        new: &Password,
    ) -> Result<Made, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(match hash.verify(new) {
                Verification::Mismatch => Made::Wrong,
                Verification::Match | Verification::MatchOutdated => Made::Done(account),
            });
        }
        let new = self.hash(new);
        if self.accounts.set_password(&account.id, hash, &new).await? {
            Ok(Made::Done(account))
        } else {
            Err(Fault::Failed)
        }
    }

    async fn delete(&self, account: Account, hash: &PasswordHash) -> Result<Made, Fault> {
        if hash.verify(&self.password) == Verification::Mismatch {
            return Ok(Made::Wrong);
        }
        self.accounts.delete(&account.id).await?;
        Ok(Made::Done(account))
    }

    fn hash(&self, password: &Password) -> PasswordHash {
        password.hash(self.world.bytes())
    }
}
