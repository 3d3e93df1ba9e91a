//! What goes wrong, and at which call: every call on a store is numbered, and one of them, or all
//! of its store from it on, can be made to fail in a given way.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, pending, poll_fn},
    rc::Rc,
    task::Poll,
};

use tokenkeep::port::Fault;

use crate::timeline::Timeline;

/// How long a slow store takes.
pub const SLOW_MS: u64 = 20_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    Kv,
    D1,
    Guard,
    Storage,
    Flood,
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kv => "KV",
            Self::D1 => "D1",
            Self::Guard => "guard",
            Self::Storage => "guard's storage",
            Self::Flood => "rate limit",
        })
    }
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Done and answered after 20 s, whoever still waits.
    Slow,
    /// Neither done nor answered.
    Silent,
    /// Refused with an error.
    Fails,
    /// Refused because of too many requests.
    Refuses,
    /// Done, but answered with an error.
    Lost,
    /// Done, but never answered.
    Unsaid,
    /// What is answered makes no sense.
    Rubbish,
}

impl Trouble {
    pub const ALL: [Self; 7] = [
        Self::Slow,
        Self::Silent,
        Self::Fails,
        Self::Refuses,
        Self::Lost,
        Self::Unsaid,
        Self::Rubbish,
    ];

    /// Whether a call can go wrong like this: only KV has a word of its own for too many requests,
    /// and what is only told "done" cannot be told rubbish.
    pub fn fits(self, call: &Call) -> bool {
        let changes = ["write", "delete", "put", "set"];
        let is_change = changes.iter().any(|verb| call.what.starts_with(verb));
        match self {
            Self::Refuses => call.store == Store::Kv,
            Self::Rubbish => !is_change || matches!(call.store, Store::D1 | Store::Guard),
            _ => true,
        }
    }
}

/// One call on a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub store: Store,
    pub what: String,
    /// Made after the answer went out.
    pub is_after: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            what,
            is_after,
        } = self;
        let after = if *is_after { " (after the answer)" } else { "" };
        write!(formatter, "{store}: {what}{after}")
    }
}

/// From when on, and how, calls go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The number of the first call that goes wrong, from 0.
    pub from: usize,
    /// All later calls on the same store go wrong too.
    pub lasts: bool,
    pub trouble: Trouble,
}

/// The calls so far, and what becomes of the next ones.
#[derive(Default)]
pub struct Troubles {
    calls: RefCell<Vec<Call>>,
    plan: Cell<Option<Plan>>,
    struck: Cell<Option<Store>>,
    pub is_after: Cell<bool>,
    /// How long each call takes in any case.
    pub pace_ms: Cell<u64>,
}

impl Troubles {
    /// Counts from 0 again, and lets calls go wrong by this plan.
    pub fn begin(&self, plan: Option<Plan>) {
        self.calls.take();
        self.plan.set(plan);
        self.struck.set(None);
    }

    /// The calls since then.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// How this call goes wrong, if it does.
    pub fn meet(&self, store: Store, what: impl Into<String>) -> Option<Trouble> {
        let mut calls = self.calls.borrow_mut();
        let number = calls.len();
        calls.push(Call {
            store,
            what: what.into(),
            is_after: self.is_after.get(),
        });
        let plan = self.plan.get()?;
        if number == plan.from {
            self.struck.set(Some(store));
        }
        let strikes = number == plan.from
            || plan.lasts && number > plan.from && self.struck.get() == Some(store);
        strikes.then_some(plan.trouble)
    }
}

/// Does this work with this trouble. `rubbish` is what a senseless answer looks like here.
pub async fn suffer<T: 'static>(
    trouble: Option<Trouble>,
    timeline: &Rc<Timeline>,
    work: impl Future<Output = Result<T, Fault>> + 'static,
    rubbish: impl FnOnce(T) -> Result<T, Fault>,
) -> Result<T, Fault> {
    match trouble {
        None => work.await,
        Some(Trouble::Slow) => {
            let later = Rc::clone(timeline);
            beside(timeline, async move {
                later.sleep(SLOW_MS).await;
                work.await
            })
            .await
        }
        Some(Trouble::Silent) => pending().await,
        Some(Trouble::Fails) => Err(Fault::Failed),
        Some(Trouble::Refuses) => Err(Fault::Throttled),
        Some(Trouble::Lost) => {
            let _ = work.await;
            Err(Fault::Failed)
        }
        Some(Trouble::Unsaid) => {
            let _ = work.await;
            pending().await
        }
        Some(Trouble::Rubbish) => rubbish(work.await?),
    }
}

/// Does this work to its end, even if nobody waits for it any more.
pub async fn beside<T: 'static>(timeline: &Timeline, work: impl Future<Output = T> + 'static) -> T {
    let slot = Rc::new(RefCell::new(None));
    let result = Rc::clone(&slot);
    timeline.spawn(async move {
        let done = work.await;
        result.replace(Some(done));
    });
    poll_fn(|_| slot.take().map_or(Poll::Pending, Poll::Ready)).await
}
