//! Promises as futures, timers, and the tasks that wait for them.
//!
//! `wasm-bindgen-futures` does the same in general, with two closures for each promise and a
//! `queueMicrotask` for each wake-up. A promise's callback is a microtask already: here it goes
//! straight on with its task, and one closure serves all promises of the isolate.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
};

use js_sys::Promise;
use slab::Slab;
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};

type Callback = Closure<dyn Fn(u32, bool, JsValue)>;

#[wasm_bindgen(module = "/src/platform/promise.js")]
extern "C" {
    fn watch(promise: &Promise, number: u32, callback: &Callback);
    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(milliseconds: u32, number: u32, callback: &Callback) -> JsValue;
    #[wasm_bindgen(js_name = stopTimer)]
    fn stop_timer(timer: &JsValue);
}

/// What is known of something that JavaScript will report.
enum Report {
    /// Nothing yet; this one is to be woken.
    Awaited(Waker),
    /// It came.
    Here(Result<JsValue, JsValue>),
    /// Nothing yet, and nobody waits any more.
    Unwanted,
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static REPORTS: RefCell<Slab<Report>> = const { RefCell::new(Slab::new()) };
    /// None while the task is running.
    static TASKS: RefCell<Slab<Option<Task>>> = const { RefCell::new(Slab::new()) };
    static CALLBACK: Callback = Closure::new(report);
}

/// Called by JavaScript, once for each number.
fn report(number: u32, is_fulfilled: bool, value: JsValue) {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    let waker = REPORTS.with_borrow_mut(|reports| {
        let known = &mut reports[number as usize];
        match std::mem::replace(known, Report::Here(outcome)) {
            Report::Awaited(waker) => Some(waker),
            Report::Here(_) | Report::Unwanted => {
                reports.remove(number as usize);
                None
            }
        }
    });
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Makes a call that answers with a promise, and waits for it.
///
/// # Errors
/// What the call threw, or what the promise was rejected with.
pub async fn settled(call: Result<Promise, JsValue>) -> Result<JsValue, JsValue> {
    Outcome::of(&call?).await
}

/// The outcome of a promise.
struct Outcome {
    /// None once the outcome was given out.
    number: Option<u32>,
}

impl Outcome {
    fn of(promise: &Promise) -> Self {
        let (outcome, number) = Self::new();
        CALLBACK.with(|callback| watch(promise, number, callback));
        outcome
    }

    fn new() -> (Self, u32) {
        let waiting = Report::Awaited(Waker::noop().clone());
        let number = REPORTS.with_borrow_mut(|reports| reports.insert(waiting));
        let number = u32::try_from(number).expect("the address space ends there");
        let outcome = Self {
            number: Some(number),
        };
        (outcome, number)
    }
}

impl Future for Outcome {
    type Output = Result<JsValue, JsValue>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let number = self.number.expect("not polled after its end");
        REPORTS.with_borrow_mut(|reports| {
            if let Report::Awaited(waker) = &mut reports[number as usize] {
                waker.clone_from(context.waker());
                return Poll::Pending;
            }
            self.number = None;
            match reports.remove(number as usize) {
                Report::Here(outcome) => Poll::Ready(outcome),
                _ => unreachable!("what is polled is wanted"),
            }
        })
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        REPORTS.with_borrow_mut(|reports| {
            let known = &mut reports[number as usize];
            match known {
                Report::Here(_) => drop(reports.remove(number as usize)),
                _ => *known = Report::Unwanted,
            }
        });
    }
}

/// Waits for a time; [`sleep_ms`] makes it.
pub struct Sleep {
    outcome: Outcome,
    timer: JsValue,
}

/// Waits for so many milliseconds.
#[must_use]
pub fn sleep_ms(milliseconds: u32) -> Sleep {
    let (outcome, number) = Outcome::new();
    let timer = CALLBACK.with(|callback| start_timer(milliseconds, number, callback));
    Sleep { outcome, timer }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.outcome).poll(context).map(drop)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // A timer that was stopped reports nothing.
        if let Some(number) = self.outcome.number.take() {
            stop_timer(&self.timer);
            REPORTS.with_borrow_mut(|reports| drop(reports.remove(number as usize)));
        }
    }
}

/// Runs a task until its end, the first part of it at once.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Task = Box::pin(task);
    let number = TASKS.with_borrow_mut(|tasks| tasks.insert(Some(task)));
    let woken_meanwhile = AtomicBool::new(false);
    Arc::new(Handle {
        number,
        woken_meanwhile,
    })
    .wake();
}

/// What wakes a task.
struct Handle {
    number: usize,
    woken_meanwhile: AtomicBool,
}

impl Wake for Handle {
    fn wake(self: Arc<Self>) {
        let number = self.number;
        let task = TASKS.with_borrow_mut(|tasks| tasks.get_mut(number).and_then(Option::take));
        let Some(mut task) = task else {
            self.woken_meanwhile.store(true, Relaxed);
            return;
        };
        let waker = Waker::from(Arc::clone(&self));
        let mut context = Context::from_waker(&waker);
        loop {
            self.woken_meanwhile.store(false, Relaxed);
            if task.as_mut().poll(&mut context).is_ready() {
                TASKS.with_borrow_mut(|tasks| tasks.remove(number));
                return;
            }
            if !self.woken_meanwhile.load(Relaxed) {
                break;
            }
        }
        TASKS.with_borrow_mut(|tasks| tasks[number] = Some(task));
    }
}
