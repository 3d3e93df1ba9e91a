//! Virtual time and the little executor that lives by it.
//!
//! Nothing here waits for real. A task runs until it waits for an instant; then the next instant
//! that any task waits for becomes *now*. Ties are broken by the order of asking, so that one
//! seed always gives one course of events.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BinaryHeap,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

type Task = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Default)]
struct Inner {
    now: Cell<u64>,
    asked: Cell<u64>,
    alarms: RefCell<BinaryHeap<Reverse<(u64, u64, usize)>>>,
    tasks: RefCell<Vec<Option<Task>>>,
    running: Cell<usize>,
    over: Cell<bool>,
}

/// A world's time. Clones share it.
#[derive(Clone, Default)]
pub struct Timeline(Rc<Inner>);

impl Timeline {
    /// Time that begins here, in milliseconds since 1970.
    #[must_use]
    pub fn starting_at(now: u64) -> Self {
        let timeline = Self::default();
        timeline.0.now.set(now);
        timeline
    }

    /// The true time, which no place knows exactly.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    /// Begins a task at an instant, or now when that is past.
    pub fn spawn_at(&self, at: u64, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.0.tasks.borrow_mut();
        tasks.push(Some(Box::pin(task)));
        self.alarm(at.max(self.now()), tasks.len() - 1);
    }

    /// Waits.
    pub async fn sleep_ms(&self, milliseconds: u64) {
        Sleep {
            timeline: self,
            until: self.now().saturating_add(milliseconds),
            asked: false,
        }
        .await;
    }

    /// Nothing more is to happen: [`Timeline::run`] ends.
    pub fn stop(&self) {
        self.0.over.set(true);
    }

    /// Lets everything happen that was begun, and forgets what never ends.
    pub fn run(&self) {
        let mut context = Context::from_waker(Waker::noop());
        while !self.0.over.get() {
            let Some(Reverse((at, _, index))) = self.0.alarms.borrow_mut().pop() else {
                break;
            };
            // An alarm of a task that has ended meanwhile: a time limit that was not needed.
            let Some(mut task) = self.0.tasks.borrow_mut()[index].take() else {
                continue;
            };
            self.0.now.set(at);
            self.0.running.set(index);
            if task.as_mut().poll(&mut context).is_pending() {
                self.0.tasks.borrow_mut()[index] = Some(task);
            }
        }
        // Tasks hold the world and the world holds the tasks: cut the knot. A task may hold the
        // last hand on something that looks at the timeline when it goes: not under a borrow.
        let left = self.0.tasks.take();
        drop(left);
    }

    fn alarm(&self, at: u64, index: usize) {
        let asked = self.0.asked.get();
        self.0.asked.set(asked + 1);
        self.0.alarms.borrow_mut().push(Reverse((at, asked, index)));
    }
}

struct Sleep<'a> {
    timeline: &'a Timeline,
    until: u64,
    asked: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.timeline.now() >= self.until {
            return Poll::Ready(());
        }
        if !self.asked {
            self.asked = true;
            self.timeline
                .alarm(self.until, self.timeline.0.running.get());
        }
        Poll::Pending
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
}
