//! What goes wrong, and at which call: every call on a store is recorded, and those that match a
//! [`Plan`] go wrong in a given way.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::{Future, pending},
    rc::Rc,
};

use tokenkeep::port::Fault;

use crate::{Cloud, timeline::Timeline};

/// How long a slow store takes.
pub const SLOW_MS: u64 = 20_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// The store of sessions.
    Kv,
    /// The table of accounts.
    D1,
    /// The guards.
    Guard,
    /// What a guard stores.
    Storage,
    /// The objects of users.
    Object,
    /// What such an object stores.
    Rows,
    /// What counts floods.
    Flood,
    /// Who delivers e-mails.
    Mail,
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kv => "KV",
            Self::D1 => "D1",
            Self::Guard => "guard",
            Self::Storage => "guard's storage",
            Self::Object => "object",
            Self::Rows => "object's storage",
            Self::Flood => "rate limit",
            Self::Mail => "e-mail",
        })
    }
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Done and answered after 20 s, whether anyone still waits or not.
    Slow,
    /// The same after so many milliseconds: in time.
    Delayed(u64),
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
    /// The answer makes no sense.
    Rubbish,
}

impl Trouble {
    /// Every way, in the order of `docs/faults.md`.
    pub const ALL: [Self; 7] = [
        Self::Slow,
        Self::Silent,
        Self::Fails,
        Self::Refuses,
        Self::Lost,
        Self::Unsaid,
        Self::Rubbish,
    ];

    /// Whether a call can go wrong like this: only KV and providers of e-mail have an error of their
    /// own for too many requests, and a plain "done" cannot be rubbish.
    #[must_use]
    pub fn fits(self, call: &Call) -> bool {
        let is_change = matches!(
            call.operation,
            "write" | "delete" | "put" | "delete all" | "set alarm" | "delete alarm"
        );
        match self {
            Self::Refuses => matches!(call.store, Store::Kv | Store::Mail),
            Self::Rubbish => {
                let answers = matches!(call.store, Store::D1 | Store::Guard | Store::Object);
                answers || !is_change && call.operation != "get alarm"
            }
            _ => true,
        }
    }
}

/// One call on a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was asked.
    pub store: Store,
    /// For what.
    pub operation: &'static str,
    /// The keys it named, if any.
    pub keys: Rc<[String]>,
    /// Whether it came after the response.
    pub is_after: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.store, self.operation)?;
        let kind = |key: &'_ String| key.split(':').next().unwrap_or_default().to_owned();
        let mut kinds: Vec<String> = self.keys.iter().map(kind).collect();
        kinds.dedup();
        match kinds.len() {
            0 => {}
            1..=4 => write!(formatter, " {}", kinds.join(", "))?,
            _ => formatter.write_str(" sessions")?,
        }
        let after = if self.is_after {
            " (after the answer)"
        } else {
            ""
        };
        formatter.write_str(after)
    }
}

/// Calls that go wrong, and how: all on one store from now on, unless it says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    store: Store,
    operation: &'static str,
    from: usize,
    times: usize,
    trouble: Trouble,
}

impl Plan {
    /// Calls whose operation starts like this.
    #[must_use]
    pub const fn new(store: Store, operation: &'static str, trouble: Trouble) -> Self {
        Self {
            store,
            operation,
            from: 0,
            times: usize::MAX,
            trouble,
        }
    }

    /// No more than so many of them.
    #[must_use]
    pub const fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Not before the call of this number, counted from 0 over all stores.
    #[must_use]
    pub const fn from_call(self, from: usize) -> Self {
        Self { from, ..self }
    }

    fn strikes(&self, number: usize, call: &Call) -> bool {
        self.times > 0
            && number >= self.from
            && call.store == self.store
            && call.operation.starts_with(self.operation)
    }
}

/// The calls so far, and what becomes of the next ones.
#[derive(Default)]
pub(crate) struct Troubles {
    calls: RefCell<Vec<Call>>,
    plans: RefCell<Vec<Plan>>,
    pub(crate) pace_ms: Cell<u64>,
    pub(crate) is_after: Cell<bool>,
}

impl Cloud {
    /// Makes calls go wrong.
    pub fn inject(&self, plan: Plan) {
        self.troubles.plans.borrow_mut().push(plan);
    }

    /// All is well again.
    pub fn recover(&self) {
        self.troubles.plans.borrow_mut().clear();
    }

    /// Each call takes so long from now on, whatever becomes of it.
    pub fn set_pace(&self, milliseconds: u64) {
        self.troubles.pace_ms.set(milliseconds);
    }

    /// The calls so far; counts from 0 again.
    pub fn take_calls(&self) -> Vec<Call> {
        self.troubles.calls.take()
    }

    /// Records a call, and says how it goes wrong if it does.
    pub(crate) fn meet(
        &self,
        store: Store,
        operation: &'static str,
        keys: Rc<[String]>,
    ) -> Option<Trouble> {
        let call = Call {
            store,
            operation,
            keys,
            is_after: self.troubles.is_after.get(),
        };
        let mut calls = self.troubles.calls.borrow_mut();
        let mut plans = self.troubles.plans.borrow_mut();
        let mut plans = plans.iter_mut();
        let plan = plans.find(|plan| plan.strikes(calls.len(), &call));
        calls.push(call);
        plan.map(|plan| {
            plan.times -= 1;
            plan.trouble
        })
    }
}

/// Does this work with this trouble. `rubbish` is what a senseless answer looks like here.
pub(crate) async fn suffer<T: 'static>(
    trouble: Trouble,
    timeline: &Timeline,
    work: impl Future<Output = Result<T, Fault>> + 'static,
    rubbish: impl FnOnce(T) -> Result<T, Fault>,
) -> Result<T, Fault> {
    match trouble {
        Trouble::Slow | Trouble::Delayed(_) => {
            let later = timeline.clone();
            let takes_ms = match trouble {
                Trouble::Delayed(milliseconds) => milliseconds,
                _ => SLOW_MS,
            };
            let slowly = async move {
                later.sleep_ms(takes_ms).await;
                work.await
            };
            timeline.beside(slowly).await
        }
        Trouble::Silent => pending().await,
        Trouble::Fails => Err(Fault::Failed),
        Trouble::Refuses => Err(Fault::Throttled),
        Trouble::Lost => {
            let _ = work.await;
            Err(Fault::Failed)
        }
        Trouble::Unsaid => {
            let _ = work.await;
            pending().await
        }
        Trouble::Rubbish => rubbish(work.await?),
    }
}

/// The senseless answer of a store whose answers are read strictly.
pub(crate) fn unreadable<T>(_: T) -> Result<T, Fault> {
    Err(Fault::Unreadable)
}
