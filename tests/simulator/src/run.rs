//! Many stories on every core, and what came of them.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{
    outcome::{Broken, Outcome},
    play::play,
    rule::Variant,
    schedule::{Climate, Schedule, Thief},
    story::{honest, of_account, theft},
    world::{Operations, Owner},
};

/// How many stories a thread takes at a time.
const SHARE: u64 = 64;

/// One story in so many is about an account.
const ACCOUNTS_EVERY: u64 = 8;

/// How many broken guarantees are kept to be shown.
const KEPT: usize = 5;

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The seed of everything.
    pub seed: u64,
    /// The store.
    pub climate: Climate,
    /// The rule.
    pub variant: Variant,
}

/// What came of many honest stories.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// How many there were.
    pub sessions: u64,
    /// Honest clients that were logged out.
    pub logged_out: u64,
    /// Ended sessions that were accepted again.
    pub revived: u64,
    /// Answers that are in no contract.
    pub strange: u64,
    /// Sessions that ran out because the store refused a note twice.
    pub lost_to_a_note: u64,
    /// What it all took.
    pub operations: Operations,
    /// The first stories that broke a guarantee, by their number.
    pub broken: BTreeMap<u64, Broken>,
}

impl Totals {
    /// Whether every guarantee was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.logged_out + self.revived + self.strange == 0
    }

    fn add(&mut self, index: u64, outcome: Outcome) {
        self.sessions += 1;
        self.operations += outcome.operations;
        self.lost_to_a_note += u64::from(outcome.lost_to_a_note);
        let Some(broken) = outcome.broken else {
            return;
        };
        *match broken {
            Broken::LoggedOut { .. } => &mut self.logged_out,
            Broken::Revived { .. } => &mut self.revived,
            Broken::Strange { .. } | Broken::Unserved { .. } => &mut self.strange,
        } += 1;
        self.broken.insert(index, broken);
        if self.broken.len() > KEPT {
            self.broken.pop_last();
        }
    }
}

impl std::ops::AddAssign for Operations {
    fn add_assign(&mut self, other: Self) {
        self.reads += other.reads;
        self.writes += other.writes;
        self.deletes += other.deletes;
        self.objects += other.objects;
        self.rows_read += other.rows_read;
        self.rows_written += other.rows_written;
        self.requests += other.requests;
        self.refreshes += other.refreshes;
    }
}

/// The honest story of this number, whichever it is about.
#[must_use]
pub fn story(plan: Plan, index: u64) -> Schedule {
    let is_about_an_account = index % ACCOUNTS_EVERY == ACCOUNTS_EVERY - 1;
    let tell = if is_about_an_account {
        of_account
    } else {
        honest
    };
    tell(plan.seed, index, plan.climate)
}

/// Runs so many honest stories. `progress` is told of every share that is done.
#[must_use]
pub fn honest_stories(plan: Plan, sessions: u64, progress: &(dyn Fn(u64) + Sync)) -> Totals {
    let totals = Mutex::new(Totals::default());
    each(sessions, progress, |index, owner| {
        let outcome = play(&story(plan, index), plan.variant, owner);
        let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.add(index, outcome);
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// How long thieves of one kind go undetected, in milliseconds from their first use of the copy,
/// shortest first. `None` at the end: not within so many refresh intervals of an hour.
#[must_use]
pub fn detections(
    plan: Plan,
    thief: Thief,
    thefts: u64,
    intervals: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Option<u64>> {
    let found = Mutex::new(Vec::new());
    each(thefts, progress, |index, owner| {
        let schedule = theft(plan.seed, index, thief, plan.climate, intervals);
        let after = play(&schedule, plan.variant, owner).detected_after_ms;
        // Where each try to change the password failed, there is nothing that a thief has to leave for.
        if after.is_some() || thief != Thief::Sharing {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push(after);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|after| after.unwrap_or(u64::MAX));
    found
}

/// Of values in order, the one that so many in a hundred do not exceed.
#[must_use]
pub fn percentile(ordered: &[Option<u64>], hundredths: usize) -> Option<u64> {
    let index = (ordered.len() * hundredths).div_ceil(100).max(1) - 1;
    ordered.get(index).copied().flatten()
}

fn each(count: u64, progress: &(dyn Fn(u64) + Sync), tell: impl Fn(u64, &Rc<Owner>) + Sync) {
    let next = AtomicU64::new(0);
    let work = || {
        let owner = Rc::new(Owner::default());
        loop {
            let first = next.fetch_add(SHARE, Ordering::Relaxed);
            if first >= count {
                return;
            }
            let end = count.min(first + SHARE);
            (first..end).for_each(|index| tell(index, &owner));
            progress(end - first);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}
