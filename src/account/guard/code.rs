//! Codes that were sent by e-mail, and what they do.

use super::{
    AccountGuard,
    check::{full, is_full, unreadable},
};
use crate::{
    account::{
        Account,
        codes::{Presented, Success},
        email::Email,
        message::{Action, GuardReply, NewAccount, NewCode, Redemption, Resident},
        password::{NewPassword, Password, PasswordHash, Verification},
        port::{Accounts, HasAccounts},
    },
    port::{Fault, within},
    session::rule::CutOff,
    token::{code::CodeKind, id::UserId, time::UnixMillis},
};

impl AccountGuard {
    /// Takes a new code. For an address without an account nothing is sent, and nothing stored, unless
    /// it is a sign-up.
    ///
    /// # Errors
    /// The table of accounts failed.
    pub(super) async fn issue<P: HasAccounts>(
        &mut self,
        platform: &P,
        new: NewCode,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        if new.kind == CodeKind::Change {
            return Ok(self.issue_change(new, platform.now()));
        }
        let now = platform.now();
        let is_sign_up = matches!(&new.newcomer, Some(newcomer) if newcomer.account.is_some());
        let is_new = if is_sign_up {
            !self.codes.has_just_signed_up(new.kind, now)
        } else {
            self.codes.may_issue(new.kind, now)
        };
        let receiver = receiver(platform, &new, is_new);
        let (account, reply) = within(left_ms, platform, receiver).await?;
        self.has_account = account.is_some();
        self.user = account.map(|account| account.id);
        let is_to_be_sent = matches!(reply, GuardReply::Issued | GuardReply::IssuedToKnown);
        if !is_to_be_sent {
            return Ok(reply);
        }
        if !self.codes.issue(new.kind, new.mac, platform.now()) {
            return Ok(GuardReply::NotIssued);
        }
        if is_sign_up {
            self.codes.note_sign_up(new.kind);
        }
        Ok(reply)
    }

    /// Checks a code, and does what it is for. Until that is done, the code stays valid; what it cannot
    /// be used for counts as a wrong one.
    ///
    /// # Errors
    /// The table of accounts failed: the same code can be sent again.
    pub(super) async fn redeem<P: HasAccounts>(
        &mut self,
        platform: &P,
        redemption: Redemption,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        let kind = redemption.action.kind();
        if kind == CodeKind::Change {
            return Ok(self.redeem_change(redemption, platform.now()));
        }
        let presented = self.codes.present(kind, &redemption.macs, platform.now());
        let earlier = match presented {
            Presented::Right => None,
            Presented::Again(success) => Some(success),
            Presented::Wrong => return Ok(GuardReply::Wrong),
        };
        let action = act(platform, &redemption, earlier.is_some());
        let Some(done) = within(left_ms, platform, action).await? else {
            self.codes.reject(kind, earlier.is_some(), platform.now());
            return Ok(GuardReply::Wrong);
        };
        Ok(match earlier {
            Some(Success {
                at,
                session,
                ends_others,
            }) => GuardReply::Done {
                account: done.account,
                at,
                repeated: Some(session),
                ends_others,
            },
            None => self.redeemed(platform, redemption, done),
        })
    }

    /// What a code is for is done.
    fn redeemed<P: HasAccounts>(
        &mut self,
        platform: &P,
        redemption: Redemption,
        Done {
            account,
            ends_others,
        }: Done,
    ) -> GuardReply {
        self.meet(&Resident::of(&account));
        let at = self.stamps.next(platform);
        if matches!(redemption.action, Action::Delete { .. }) {
            self.forget_account(&account.id, at, redemption.store, platform.now());
        } else if ends_others {
            self.forget_repeats();
            let (cut_off, now) = (CutOff::before(at), platform.now());
            self.owe_end(&account.id, cut_off, redemption.store, now);
        }
        let success = Success {
            at,
            session: redemption.session,
            ends_others,
        };
        self.codes.spend(redemption.action.kind(), success);
        GuardReply::Done {
            account,
            at,
            repeated: None,
            ends_others,
        }
    }
}

/// Who has an address, and whether a code is to be sent to it. An account that is signed up for is
/// made.
///
/// A sign-up that makes an account at once counts towards the limit of an hour, unless it repeats one,
/// whether it makes an account, or sends a code, or not: else the refusal would reveal who has none.
async fn receiver<P: HasAccounts>(
    platform: &P,
    new: &NewCode,
    is_new: bool,
) -> Result<(Option<Account>, GuardReply), Fault> {
    let accounts = platform.accounts()?;
    let found = accounts.by_email(&new.email).await?;
    let found = found.map(|(account, _)| account);
    let is_verified = found.as_ref().is_some_and(|found| found.email_verified);
    let Some(newcomer) = &new.newcomer else {
        let needs_none = new.kind == CodeKind::Verify && is_verified;
        let is_sent = found.is_some() && !needs_none;
        let reply = if is_sent {
            GuardReply::Issued
        } else {
            GuardReply::NotIssued
        };
        return Ok((found, reply));
    };
    let is_counted = is_new && (found.is_none() || newcomer.account.is_some());
    if is_counted && is_full(platform, &accounts, newcomer.per_hour).await? {
        return Ok((found, full(platform.now())));
    }
    Ok(match (found, &newcomer.account) {
        (None, Some(wanted)) => {
            let account = add(platform, &accounts, &new.email, wanted, false).await?;
            (Some(account), GuardReply::Issued)
        }
        (found, Some(_)) if is_verified => (found, GuardReply::IssuedToKnown),
        (found, _) => (found, GuardReply::Issued),
    })
}

/// Makes an account.
async fn add<P: HasAccounts>(
    platform: &P,
    accounts: &P::Accounts,
    email: &Email,
    new: &NewAccount,
    email_verified: bool,
) -> Result<Account, Fault> {
    let hash = match &new.password {
        Some(text) => hash(
            platform,
            Password::parse_new(text.clone()).map_err(unreadable)?,
        ),
        None => PasswordHash::none(platform.bytes()),
    };
    let account = Account {
        id: new.id.clone(),
        email: email.clone(),
        name: new.name.clone(),
        created_at: platform.now(),
        moved_at: UnixMillis::default(),
        email_verified,
    };
    // An import, which asks no guard, may have taken the address meanwhile: a repetition finds it.
    let is_added = accounts.insert(&account, &hash).await?;
    is_added.then_some(account).ok_or(Fault::Failed)
}

fn hash<P: HasAccounts>(platform: &P, password: Password) -> PasswordHash {
    password.normalized(platform).hash(platform.bytes())
}

/// What a code has done.
struct Done {
    account: Account,
    /// Whether all other sessions of the account end.
    ends_others: bool,
}

/// Does what a code is for, or looks whether this code has done it before. None where it has not, or
/// the account is gone.
async fn act<P: HasAccounts>(
    platform: &P,
    redemption: &Redemption,
    is_done: bool,
) -> Result<Option<Done>, Fault> {
    let accounts = platform.accounts()?;
    let found = accounts.by_email(&redemption.email).await?;
    let Some((account, hash)) = found else {
        let Action::LogIn {
            newcomer: Some(new),
        } = &redemption.action
        else {
            return Ok(None);
        };
        if is_done {
            return Ok(None);
        }
        let account = add(platform, &accounts, &redemption.email, new, true).await?;
        return Ok(Some(Done {
            account,
            ends_others: false,
        }));
    };
    let owner = Owner {
        platform,
        accounts,
        account,
        hash,
    };
    match &redemption.action {
        Action::Reset { new } => owner.reset(new, is_done).await,
        Action::Delete { id } if is_done || *id != owner.account.id => Ok(None),
        Action::Delete { .. } => owner.delete().await,
        Action::LogIn { .. } | Action::Verify { .. } if is_done => Ok(Some(owner.done(false))),
        Action::LogIn { .. } => owner.verify(None, None).await,
        Action::Verify { bearer, password } => {
            owner.verify(bearer.as_ref(), password.as_ref()).await
        }
        // It asks nothing of the table.
        Action::Change => Ok(None),
    }
}

/// Whoever has read an e-mail to the address of this account.
struct Owner<'a, P: HasAccounts> {
    platform: &'a P,
    accounts: P::Accounts,
    account: Account,
    hash: PasswordHash,
}

impl<P: HasAccounts> Owner<'_, P> {
    fn done(self, ends_others: bool) -> Done {
        let account = self.account;
        Done {
            account,
            ends_others,
        }
    }

    async fn reset(self, new: &str, is_done: bool) -> Result<Option<Done>, Fault> {
        let new = Password::parse_new(new).map_err(unreadable)?;
        if is_done {
            let new = new.normalized(self.platform);
            let is_set = self.hash.verify(&new) != Verification::Mismatch;
            return Ok(is_set.then(|| self.done(true)));
        }
        let new = hash(self.platform, new);
        self.set(new).await
    }

    /// Nobody knows who has chosen the password of an account whose address is not verified: anybody
    /// may have signed up with it. So whoever has read the e-mail takes the account over, with the
    /// password that they choose, or none, and all other sessions end. Only whoever is logged in has
    /// nobody else's password: everything stays.
    ///
    /// A password that is there already may be what a first try of this request has set.
    async fn verify(
        self,
        bearer: Option<&UserId>,
        password: Option<&String>,
    ) -> Result<Option<Done>, Fault> {
        if self.account.email_verified || bearer == Some(&self.account.id) {
            return Ok(Some(self.done(false)));
        }
        let Some(text) = password else {
            let none = PasswordHash::none(self.platform.bytes());
            return self.set(none).await;
        };
        let known = Password::parse(text.clone()).map_err(unreadable)?;
        if self.hash.verify(&known.normalized(self.platform)) != Verification::Mismatch {
            return Ok(Some(self.done(true)));
        }
        let new = NewPassword::try_from(text.clone());
        match new.and_then(|new| new.not_of(&self.account.email)) {
            Ok(new) => {
                let new = hash(self.platform, new);
                self.set(new).await
            }
            Err(_) => Ok(None),
        }
    }

    /// Replaces the password, and all other sessions end.
    async fn set(self, new: PasswordHash) -> Result<Option<Done>, Fault> {
        let id = &self.account.id;
        let is_set = self.accounts.set_password(id, &self.hash, &new).await?;
        is_set.then(|| Some(self.done(true))).ok_or(Fault::Failed)
    }

    async fn delete(self) -> Result<Option<Done>, Fault> {
        let now = self.platform.now();
        self.accounts.delete(&self.account.id, now).await?;
        Ok(Some(self.done(true)))
    }
}
