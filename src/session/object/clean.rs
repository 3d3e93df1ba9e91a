//! What goes: rows that no valid token can name any more, and everything of an account that is gone.

use crate::{
    port::Fault,
    session::{
        object::{
            UserSessions,
            port::{KEYS_PER_CALL, Rows},
            row::{ENDED, OPEN, USER},
        },
        port::HasSessions,
        record,
    },
    token::time::UnixMillis,
};

/// How many rows are read at once: some hundred bytes each, three kilobytes at most.
const ROWS_PER_PAGE: usize = 500;

/// For how long a row stays after the last token of its session has expired, by the clock here: that of
/// the place that judges the token may be a little behind.
const ROW_GRACE_MS: u64 = 60_000;

/// How much time there is between two alarms at least: each reads all rows.
const BETWEEN_ALARMS_MS: u64 = 3_600_000;

impl<P: HasSessions, S: Rows> UserSessions<P, S> {
    /// Removes what has expired; if nothing is left, the storage is empty. The alarm that rang is spent:
    /// if anything stays, the next one is set.
    ///
    /// # Errors
    /// The storage failed: the alarm has to ring again.
    pub async fn alarm(&self) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        let now = self.platform.now();
        let mut next = None;
        for prefix in [OPEN, ENDED, USER] {
            let kept_until = self.remove_expired(prefix, now).await?;
            next = [next, kept_until].into_iter().flatten().min();
        }
        let Some(next) = next else {
            self.storage.delete_all().await?;
            return self.storage.delete_alarm().await;
        };
        let at = next
            .plus_ms(ROW_GRACE_MS)
            .max(now.plus_ms(BETWEEN_ALARMS_MS));
        self.storage.set_alarm(at).await
    }

    /// Removes the expired rows of a kind, and returns until when the others stay, the first of them.
    async fn remove_expired(
        &self,
        prefix: &str,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, Fault> {
        let (mut next, mut after) = (None, None);
        loop {
            let rows = self
                .storage
                .page(prefix, after.as_deref(), ROWS_PER_PAGE)
                .await?;
            let is_last = rows.len() < ROWS_PER_PAGE;
            after = rows.last().map(|(key, _)| key.clone());
            let mut expired = Vec::new();
            for (key, value) in rows {
                // What cannot be read is a newer version's, perhaps: it stays.
                let until = record::until(&value).unwrap_or(UnixMillis(u64::MAX));
                if until.plus_ms(ROW_GRACE_MS) <= now {
                    expired.push(key);
                } else {
                    next = [next, Some(until)].into_iter().flatten().min();
                }
            }
            self.delete(&expired).await?;
            if is_last {
                return Ok(next);
            }
        }
    }

    /// Erases all sessions, open or ended.
    pub(super) async fn erase(&self) -> Result<(), Fault> {
        for prefix in [OPEN, ENDED] {
            loop {
                let rows = self.storage.page(prefix, None, ROWS_PER_PAGE).await?;
                if rows.is_empty() {
                    break;
                }
                let keys: Vec<String> = rows.into_iter().map(|(key, _)| key).collect();
                self.delete(&keys).await?;
            }
        }
        Ok(())
    }

    /// Sees to it that the alarm rings when this can go.
    pub(super) async fn ring_by(&self, until: UnixMillis) -> Result<(), Fault> {
        let at = until.plus_ms(ROW_GRACE_MS);
        match self.storage.alarm().await? {
            Some(rings_at) if rings_at <= at => Ok(()),
            _ => self.storage.set_alarm(at).await,
        }
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Fault> {
        for keys in keys.chunks(KEYS_PER_CALL) {
            self.storage.delete(keys).await?;
        }
        Ok(())
    }
}
