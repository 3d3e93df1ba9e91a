//! Virtual time: it stands still while anything can go on, and then jumps to the next end of a
//! wait. So hours cost nothing, and a request that would hang for ever is found out.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A clock and those who wait for it.
#[derive(Default)]
pub struct Timeline {
    pub now: Cell<u64>,
    waits: RefCell<BTreeSet<(u64, u64)>>,
    names: Cell<u64>,
    tasks: RefCell<Vec<Task>>,
}

impl Timeline {
    /// Waits so many milliseconds.
    pub fn sleep(&self, milliseconds: u64) -> Sleep<'_> {
        let name = self.names.replace(self.names.get() + 1);
        let wait = (self.now.get().saturating_add(milliseconds), name);
        self.waits.borrow_mut().insert(wait);
        Sleep {
            timeline: self,
            wait,
        }
    }

    /// Lets work go on beside everything else, whoever waits for it or not.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(Box::pin(work));
    }

    /// Does this work; none if it would take for ever.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return Some(done);
            }
            if !self.go_on(&mut context) {
                return None;
            }
        }
    }

    /// Does what others have begun, until nothing more can happen.
    pub fn settle(&self) {
        while self.go_on(&mut Context::from_waker(Waker::noop())) {}
        // What hangs for ever is given up by the runtime.
        self.tasks.borrow_mut().clear();
    }

    /// One step of what goes on beside, or of time; false if there is neither.
    fn go_on(&self, context: &mut Context<'_>) -> bool {
        let mut tasks = self.tasks.take();
        let before = tasks.len();
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        let ended = tasks.len() < before;
        let began = !self.tasks.borrow().is_empty();
        tasks.append(&mut self.tasks.borrow_mut());
        self.tasks.replace(tasks);
        ended || began || self.jump()
    }

    fn jump(&self) -> bool {
        let next = self.waits.borrow().first().copied();
        let Some((until, _)) = next else {
            return false;
        };
        if until <= self.now.get() {
            // Whoever waits for it has just been asked, and is not there any more.
            self.waits.borrow_mut().pop_first();
        }
        self.now.set(self.now.get().max(until));
        true
    }
}

/// A wait.
pub struct Sleep<'a> {
    timeline: &'a Timeline,
    wait: (u64, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.timeline.now.get() >= self.wait.0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.timeline.waits.borrow_mut().remove(&self.wait);
    }
}
