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
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};

type Callback = Closure<dyn Fn(u32, bool, JsValue)>;

#[wasm_bindgen(module = "/src/cloudflare/promise.js")]
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
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static REPORTS: RefCell<Numbered<Report>> = const { RefCell::new(Numbered::new()) };
    /// None while the task is running.
    static TASKS: RefCell<Numbered<Option<Task>>> = const { RefCell::new(Numbered::new()) };
    static CALLBACK: Callback = Closure::new(report);
}

/// Things under numbers. A number is not given twice (but after four billion): what
/// comes late finds nothing, where the places of a `Slab` would be another's.
struct Numbered<T> {
    next: u32,
    all: Vec<(u32, T)>,
}

impl<T> Numbered<T> {
    const fn new() -> Self {
        Self {
            next: 0,
            all: Vec::new(),
        }
    }

    fn add(&mut self, thing: T) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.all.push((number, thing));
        number
    }

    fn index(&self, number: u32) -> Option<usize> {
        self.all.iter().position(|(known, _)| *known == number)
    }

    fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let index = self.index(number)?;
        Some(&mut self.all[index].1)
    }

    fn remove(&mut self, number: u32) -> Option<T> {
        let index = self.index(number)?;
        Some(self.all.swap_remove(index).1)
    }
}

/// Called by JavaScript, once for each number or never.
fn report(number: u32, is_fulfilled: bool, value: JsValue) {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    let before = REPORTS.with_borrow_mut(|reports| {
        let known = reports.get_mut(number)?;
        Some(std::mem::replace(known, Report::Here(outcome)))
    });
    if let Some(Report::Awaited(waker)) = before {
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

/// The outcome of a promise, or of a timer.
struct Outcome {
    number: u32,
}

impl Outcome {
    fn of(promise: &Promise) -> Self {
        let outcome = Self::new();
        CALLBACK.with(|callback| watch(promise, outcome.number, callback));
        outcome
    }

    fn new() -> Self {
        let nobody = Report::Awaited(Waker::noop().clone());
        Self {
            number: REPORTS.with_borrow_mut(|reports| reports.add(nobody)),
        }
    }
}

impl Future for Outcome {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        REPORTS.with_borrow_mut(|reports| {
            if let Some(Report::Awaited(waker)) = reports.get_mut(self.number) {
                waker.clone_from(context.waker());
                return Poll::Pending;
            }
            match reports.remove(self.number) {
                Some(Report::Here(outcome)) => Poll::Ready(outcome),
                _ => unreachable!("a future is not polled after its end"),
            }
        })
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        // What wakes a task may drop others: not while the map is lent.
        let report = REPORTS.with_borrow_mut(|reports| reports.remove(self.number));
        drop(report);
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
    let outcome = Outcome::new();
    let timer = CALLBACK.with(|callback| start_timer(milliseconds, outcome.number, callback));
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
        stop_timer(&self.timer);
    }
}

/// Runs a task until its end, the first part of it at once.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Task = Box::pin(task);
    let handle = Handle {
        number: TASKS.with_borrow_mut(|tasks| tasks.add(Some(task))),
        woken_meanwhile: AtomicBool::new(false),
    };
    Arc::new(handle).wake();
}

/// What wakes a task.
struct Handle {
    number: u32,
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
        TASKS.with_borrow_mut(|tasks| {
            *tasks.get_mut(number).expect("it has not ended") = Some(task);
        });
    }
}
