//! Codes that were sent by e-mail, and what they do.

use super::{AccountGuard, check::unreadable};
use crate::{
    account::{
        Account,
        codes::{Presented, Success},
        message::{Action, GuardReply, NewCode, Redemption, Resident},
        password::{Password, Verification},
        port::{Accounts as _, HasAccounts},
    },
    port::{Fault, within},
    token::code::CodeKind,
};

impl AccountGuard {
    /// Takes a new code. For an address without an account nothing is sent, and nothing stored.
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
        let accounts = platform.accounts()?;
        let found = within(left_ms, platform, accounts.by_email(&new.email)).await?;
        self.has_account = found.is_some();
        self.user = found.map(|(account, _)| account.id);
        let may_send = self.has_account && self.codes.issue(new.kind, new.mac, platform.now());
        Ok(if may_send {
            GuardReply::Issued
        } else {
            GuardReply::NotIssued
        })
    }

    /// Checks a code, and does what it is for. Until that is done, the code stays valid.
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
        let Some(account) = within(left_ms, platform, action).await? else {
            return Ok(GuardReply::Wrong);
        };
        let (at, repeated) = if let Some(Success { at, session }) = earlier {
            (at, Some(session))
        } else {
            self.meet(&Resident::of(&account));
            let at = self.stamps.next(platform);
            self.forget_repeats();
            let session = redemption.session;
            self.codes.spend(kind, Success { at, session });
            (at, None)
        };
        Ok(GuardReply::Done {
            account,
            at,
            repeated,
        })
    }
}

/// Sets the new password, or looks whether it is the one that this code has set before. None where
/// it is not, or the account is gone.
async fn act<P: HasAccounts>(
    platform: &P,
    redemption: &Redemption,
    is_done: bool,
) -> Result<Option<Account>, Fault> {
    let accounts = platform.accounts()?;
    let Some((account, hash)) = accounts.by_email(&redemption.email).await? else {
        return Ok(None);
    };
    let Action::Reset { new } = &redemption.action else {
        return Ok(None);
    };
    let new = Password::parse_new(new.clone()).map_err(unreadable)?;
    let new = new.normalized(platform);
    if is_done {
        let is_set = hash.verify(&new) != Verification::Mismatch;
        return Ok(is_set.then_some(account));
    }
    let new = new.hash(platform.bytes());
    let is_reset = accounts.reset_password(&account.id, &hash, &new).await?;
    let account = Account {
        email_verified: true,
        ..account
    };
    is_reset.then_some(Some(account)).ok_or(Fault::Failed)
}
