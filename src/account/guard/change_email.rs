//! Another address for an account: the guard of the address that it has now makes the change.
//!
//! Two guards take part. The one of the *new* address counts the e-mails that are sent to it and the
//! tries of their code, as for every code. The one of the *old* address checks the password,
//! remembers where the account is going, and changes the row. So the change has its place among the
//! logins, and whatever else is stamped, at the old address: from then on that guard stamps nothing of
//! this account, because the row has left. The row takes the guard's last stamp along
//! ([`Account::moved_at`]), and every stamp at the new address is later, whatever the clock there
//! says.

use serde::{Deserialize, Serialize};

use super::AccountGuard;
use crate::{
    account::{
        Account,
        codes::{Codes, Presented, Success},
        email::Email,
        message::{GuardReply, Move, NewCode, Redemption, Resident},
        port::{Accounts as _, HasAccounts},
    },
    port::{Clock, Fault, within},
    token::{code::CodeKind, id::UserId, time::UnixMillis},
};

/// Where an account is going, once the code that was sent there is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMove {
    #[serde(flatten)]
    to: Move,
    at: UnixMillis,
}

impl PendingMove {
    /// When its code is no longer valid.
    pub(super) fn forgotten_at(&self) -> UnixMillis {
        self.at.plus_ms(CodeKind::Change.lifetime_ms())
    }

    pub(super) fn is_old(&self, now: UnixMillis) -> bool {
        now >= self.forgotten_at()
    }
}

/// An account that has left this address, and when.
#[derive(Debug)]
pub(super) struct Departure {
    user: UserId,
    at: UnixMillis,
}

impl AccountGuard {
    /// Takes a new code for this address, whoever has it: the e-mail says only what its reader has to
    /// do.
    pub(super) fn issue_change(&mut self, new: NewCode, now: UnixMillis) -> GuardReply {
        if self.codes.issue(new.kind, new.mac, now) {
            GuardReply::Issued
        } else {
            GuardReply::NotIssued
        }
    }

    /// Looks at the code that was sent to this address.
    pub(super) fn redeem_change(&mut self, shown: Redemption, now: UnixMillis) -> GuardReply {
        match self.codes.present(CodeKind::Change, &shown.macs, now) {
            Presented::Wrong => return GuardReply::Wrong,
            Presented::Again(_) => {}
            Presented::Right => {
                let success = Success {
                    at: now,
                    session: shown.session,
                    ends_others: false,
                };
                self.codes.spend(CodeKind::Change, success);
            }
        }
        GuardReply::Right
    }

    /// The password was right: this is where the account goes once the code is typed.
    pub(super) fn expect_move(&mut self, to: Move, now: UnixMillis) {
        self.pending = Some(PendingMove { to, at: now });
    }

    /// Where this account is going, if anywhere; or how long it stays here in any case.
    pub(super) fn destination(&mut self, user: &UserId, now: UnixMillis) -> GuardReply {
        self.forget_old_change(now);
        let pending = self.pending.as_ref().map(|pending| &pending.to);
        let to = pending.filter(|to| to.user == *user);
        match self.wait_for_repeats(now).filter(|_| to.is_some()) {
            Some(wait) => wait,
            None => GuardReply::Destination {
                to: to.map(|to| to.email.clone()),
            },
        }
    }

    /// The code was right. The account leaves, unless that was called off in the meantime.
    ///
    /// # Errors
    /// The table of accounts failed: the same request can be made again.
    pub(super) async fn confirm_move<P: HasAccounts>(
        &mut self,
        platform: &P,
        from: Email,
        to: Move,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        self.forget_old_change(platform.now());
        if self.pending.as_ref().is_none_or(|pending| pending.to != to) {
            return Ok(GuardReply::Wrong);
        }
        let accounts = platform.accounts()?;
        let found = within(left_ms, platform, accounts.by_email(&from)).await?;
        match found {
            Some((account, _)) if account.id == to.user => {
                self.relocate(platform, account, &to.email, true, left_ms)
                    .await
            }
            _ => Err(Fault::Failed),
        }
    }

    /// Changes the row. An account that is at this address already stays, as after a repeated request.
    ///
    /// # Errors
    /// The table of accounts failed, or the row has changed: the same request can be made again.
    pub(super) async fn relocate<P: HasAccounts>(
        &mut self,
        platform: &P,
        account: Account,
        to: &Email,
        is_verified: bool,
        left_ms: u64,
    ) -> Result<GuardReply, Fault> {
        if account.email == *to {
            return Ok(self.done(platform, account));
        }
        self.forget_old_change(platform.now());
        if let Some(wait) = self.wait_for_repeats(platform.now()) {
            return Ok(wait);
        }
        self.finish_for(platform, &account.id).await?;
        self.meet(&Resident::of(&account));
        let at = self.stamps.next(platform);
        let accounts = platform.accounts()?;
        let change = accounts.change_email(&account, to, is_verified, at);
        if within(left_ms, platform, change).await? {
            self.leave(&account.id, at);
            let moved = Account {
                email: to.clone(),
                email_verified: is_verified,
                moved_at: at,
                ..account
            };
            return Ok(GuardReply::Done {
                account: moved,
                at,
                repeated: None,
                ends_others: false,
            });
        }
        let there = within(left_ms, platform, accounts.by_email(to)).await?;
        match there {
            Some((other, _)) if other.id != account.id => Ok(GuardReply::Taken),
            _ => Err(Fault::Failed),
        }
    }

    /// What is known of the account stays with neither its old address nor whoever has that next. The
    /// attempts are those of the address.
    fn leave(&mut self, user: &UserId, at: UnixMillis) {
        self.codes = Codes::default();
        (self.pending, self.user) = (None, None);
        self.departure = Some(Departure {
            user: user.clone(),
            at,
        });
    }

    /// This account is at this address.
    pub(super) fn meet(&mut self, resident: &Resident) {
        self.has_account = true;
        self.user = Some(resident.user.clone());
        self.stamps.come_after(resident.moved_at);
    }

    /// A stamp for an account, unless it has left since the Worker has looked.
    ///
    /// # Errors
    /// It has left.
    pub(super) fn stamp_for(
        &mut self,
        clock: &impl Clock,
        resident: &Resident,
    ) -> Result<GuardReply, Fault> {
        let has_left = |departure: &Departure| {
            departure.user == resident.user && departure.at > resident.moved_at
        };
        if self.departure.as_ref().is_some_and(has_left) {
            return Err(Fault::Failed);
        }
        self.meet(resident);
        self.forget_repeats();
        let at = self.stamps.next(clock);
        self.owe_no_earlier_end(Some(resident), at);
        Ok(GuardReply::Stamped { at })
    }

    /// While a repeat of a password change may come, the account stays: only this guard knows which
    /// session that repeat has to get.
    fn wait_for_repeats(&self, now: UnixMillis) -> Option<GuardReply> {
        let change = self.change.as_ref()?;
        let seconds = change.forgotten_at().since_ms(now).div_ceil(1000);
        Some(GuardReply::Wait { seconds })
    }

    pub(super) fn forget_old_change(&mut self, now: UnixMillis) {
        self.change.take_if(|change| change.is_old(now));
        self.pending.take_if(|pending| pending.is_old(now));
    }
}
