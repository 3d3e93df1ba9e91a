//! Virtual time, and the executor that runs on it.
//!
//! Nothing here waits for real. A task runs until it waits for an instant; then the next instant
//! that any task waits for becomes *now*. So hours cost nothing, and a request that would hang for
//! ever is found. Ties are broken by the order of asking: one seed gives one course of events.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_channel::oneshot;

/// Work, and when it starts.
type Task = (u64, Pin<Box<dyn Future<Output = ()>>>);

/// Stands for the work that [`Timeline::answer`] waits for; all other tasks have a number.
const MAIN: usize = usize::MAX;

/// Some task waited for another one, which has done its part. Which one it is does not matter: there
/// are few then, and all of them are polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Inner {
    now: Cell<u64>,
    asked: Cell<u64>,
    /// Who waits for which instant; within a millisecond in the order of asking.
    alarms: RefCell<BinaryHeap<Reverse<(u64, u64, usize)>>>,
    /// Alarms that nobody waits for any more.
    cancelled: RefCell<BTreeSet<u64>>,
    tasks: RefCell<Vec<Option<Task>>>,
    running: Cell<usize>,
    over: Cell<bool>,
    woken: Arc<Woken>,
    waker: Waker,
}

/// A world's time. Clones share it.
#[derive(Clone)]
pub struct Timeline(Rc<Inner>);

impl Timeline {
    /// Time that starts here, in milliseconds since 1970.
    #[must_use]
    pub fn starting_at(now: u64) -> Self {
        let woken = Arc::new(Woken::default());
        Self(Rc::new(Inner {
            now: Cell::new(now),
            asked: Cell::default(),
            alarms: RefCell::default(),
            cancelled: RefCell::default(),
            tasks: RefCell::default(),
            running: Cell::default(),
            over: Cell::default(),
            waker: Arc::clone(&woken).into(),
            woken,
        }))
    }

    /// The true time, which no place knows exactly.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    /// Time passes, and whoever waits for it has not been asked yet.
    pub fn pass(&self, milliseconds: u64) {
        self.0.now.set(self.now() + milliseconds);
    }

    /// Starts a task at an instant, or now when that is past.
    pub fn spawn_at(&self, at: u64, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.push(Some((at, Box::pin(task))));
        self.set_alarm(at, tasks.len() - 1);
    }

    /// Does this work to its end, even if nobody waits for it any more.
    pub async fn beside<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> T {
        let (done, result) = oneshot::channel();
        self.spawn_at(self.now(), async move {
            // Nobody waits any more: then nobody is told.
            let _ = done.send(work.await);
        });
        result.await.expect("tasks are dropped together")
    }

    /// Waits.
    pub async fn sleep_ms(&self, milliseconds: u64) {
        Sleep {
            timeline: self,
            until: self.now().saturating_add(milliseconds),
            alarm: None,
        }
        .await;
    }

    /// Nothing more is to happen: [`Timeline::run`] ends.
    pub fn stop(&self) {
        self.0.over.set(true);
    }

    /// Lets everything happen that was started, and forgets what never ends.
    pub fn run(&self) {
        while !self.0.over.get() && self.step() {}
        // Tasks hold the world and the world holds the tasks: cut the knot. A task may hold the
        // last hand on something that looks at the timeline when it goes: not under a borrow.
        let left = self.0.tasks.take();
        drop(left);
        self.0.alarms.take();
        self.0.cancelled.take();
    }

    /// Does this work, and of everything else what happens until it is done; none if it would take
    /// for ever.
    pub fn answer<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut context = Context::from_waker(&self.0.waker);
        loop {
            self.0.running.set(MAIN);
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Some(done);
            }
            if !self.step() {
                return None;
            }
        }
    }

    /// The next thing that happens; false if nothing can.
    fn step(&self) -> bool {
        if self.0.woken.0.swap(false, Ordering::Relaxed) {
            let tasks = self.0.tasks.borrow().len();
            (0..tasks).for_each(|index| self.poll(index));
            return true;
        }
        let Some(Reverse((at, asked, index))) = self.0.alarms.borrow_mut().pop() else {
            return false;
        };
        if !self.0.cancelled.borrow_mut().remove(&asked) {
            self.0.now.set(at.max(self.now()));
            self.poll(index);
        }
        true
    }

    /// Polls a task, unless it has ended or starts later.
    fn poll(&self, index: usize) {
        let has_started = |(start, _): &mut Task| *start <= self.now();
        let task = match self.0.tasks.borrow_mut().get_mut(index) {
            Some(slot) => slot.take_if(has_started),
            None => None,
        };
        let Some((start, mut work)) = task else {
            return;
        };
        self.0.running.set(index);
        let mut context = Context::from_waker(&self.0.waker);
        if work.as_mut().poll(&mut context).is_pending() {
            self.0.tasks.borrow_mut()[index] = Some((start, work));
        }
    }

    fn set_alarm(&self, at: u64, index: usize) -> u64 {
        let asked = self.0.asked.replace(self.0.asked.get() + 1);
        self.0.alarms.borrow_mut().push(Reverse((at, asked, index)));
        asked
    }
}

struct Sleep<'a> {
    timeline: &'a Timeline,
    until: u64,
    alarm: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.timeline.now() >= self.until {
            self.alarm = None;
            return Poll::Ready(());
        }
        if self.alarm.is_none() {
            let running = self.timeline.0.running.get();
            self.alarm = Some(self.timeline.set_alarm(self.until, running));
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    /// Time does not jump to the end of a time limit that was not needed.
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm {
            self.timeline.0.cancelled.borrow_mut().insert(alarm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_take_turns_in_the_order_of_their_instants() {
        let timeline = Timeline::starting_at(1_000);
        let seen = Rc::new(RefCell::new(Vec::new()));
        for (name, first, then) in [("a", 5, 20), ("b", 10, 5)] {
            let (timeline, seen) = (timeline.clone(), seen.clone());
            timeline.clone().spawn_at(1_000 + first, async move {
                seen.borrow_mut().push((name, timeline.now()));
                timeline.sleep_ms(then).await;
                seen.borrow_mut().push((name, timeline.now()));
            });
        }
        timeline.run();
        assert_eq!(
            *seen.borrow(),
            [("a", 1_005), ("b", 1_010), ("b", 1_015), ("a", 1_025)]
        );
    }

    #[test]
    fn work_goes_on_beside_a_request_that_has_given_up() {
        let timeline = Timeline::starting_at(0);
        let done_at = Rc::new(Cell::new(None));
        let slowly = {
            let (timeline, done_at) = (timeline.clone(), done_at.clone());
            async move {
                timeline.sleep_ms(20_000).await;
                done_at.set(Some(timeline.now()));
            }
        };
        timeline.answer(async {
            let (slowly, limit) = (pin!(timeline.beside(slowly)), pin!(timeline.sleep_ms(500)));
            futures_util::future::select(slowly, limit).await;
        });
        assert_eq!((timeline.now(), done_at.get()), (500, None));
        timeline.run();
        assert_eq!(done_at.get(), Some(20_000));
    }

    #[test]
    fn a_request_that_would_hang_for_ever_is_found() {
        let timeline = Timeline::starting_at(0);
        assert_eq!(timeline.answer(std::future::pending::<()>()), None);
    }
}
