//! The one executor: tasks of ours, the promises and timers that they wait for, and promises of
//! what they come to.
//!
//! Tasks are `async-task`'s and wait in one queue. What wakes them decides when it is run:
//!
//! * A promise of [`settled`], a timer, or a new request runs it before it returns ([`at_once`]):
//!   its call is a microtask or an event already.
//! * Everything else, such as the `worker` crate's futures and locks, has it run in a microtask.
//!   There a panic surfaces as an error event, where `entry.js` looks for it.
//!
//! Measured on a refresh on a busy machine, as ratios to the executor of our own that this one
//! replaced (with a body read in Rust, and no time limit for it); one figure for each run:
//!
//! | Variant | CPU |
//! |---|---|
//! | this one | 1.02, 1.00, 0.99 |
//! | `wasm-bindgen-futures` for the tasks, promises and timers as here | 1.05, 1.05, 1.22, 1.11, 1.11 |
//! | `wasm-bindgen-futures` and `worker::Delay` for everything | 1.17 |
//! | the old build against itself | 1.03 |
//!
//! The last row is the error: the order is certain, a difference of 2 % is not.
//! `wasm-bindgen-futures` takes a `queueMicrotask` for each wake-up, and two closures for each
//! promise; here one closure serves all. `futures-executor`'s `LocalPool` was not measured: it cannot
//! be told to run when the code of others wakes a task.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
};

use async_task::Runnable;
use futures_channel::oneshot::{Receiver, Sender, channel};
use js_sys::Promise;
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};

type Outcome = Result<JsValue, JsValue>;
type Callback = Closure<dyn Fn(u32, bool, JsValue)>;

#[wasm_bindgen(module = "/src/cloudflare/promise.js")]
extern "C" {
    #[wasm_bindgen(js_name = inMicrotask)]
    fn in_microtask(run: &Closure<dyn Fn()>);
    fn watch(promise: &Promise, number: u32, callback: &Callback);
    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(milliseconds: u32, number: u32, callback: &Callback) -> JsValue;
    #[wasm_bindgen(js_name = stopTimer)]
    fn stop_timer(timer: &JsValue);
}

thread_local! {
    static READY: RefCell<VecDeque<Runnable>> = const { RefCell::new(VecDeque::new()) };
    /// Whether the queue is being run, or will be without a further call.
    static IS_DUE: Cell<bool> = const { Cell::new(false) };
    static RUN: Closure<dyn Fn()> = Closure::new(run_ready);

    /// Who waits, by numbers that are not given twice: a report that comes late finds nobody.
    static AWAITED: RefCell<BTreeMap<u32, Sender<Outcome>>> =
        const { RefCell::new(BTreeMap::new()) };
    static NEXT_NUMBER: Cell<u32> = const { Cell::new(0) };
    static REPORT: Callback = Closure::new(report);
}

/// Runs a task until its end.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    let (runnable, task) = async_task::spawn_local(work, schedule);
    task.detach();
    runnable.schedule();
}

/// Runs what this makes ready before it returns, unless that is due anyway.
pub fn at_once(wake: impl FnOnce()) {
    let was_due = IS_DUE.replace(true);
    wake();
    if !was_due {
        run_ready();
    }
}

/// A promise of what this work comes to. The work starts when its caller has gone on.
pub fn promised(work: impl Future<Output = Outcome> + 'static) -> Promise {
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let work = work.take().expect("a promise is made once");
        spawn(async move {
            let (settle, value) = match work.await {
                Ok(value) => (resolve, value),
                Err(error) => (reject, error),
            };
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        });
    })
}

fn schedule(runnable: Runnable) {
    READY.with_borrow_mut(|ready| ready.push_back(runnable));
    if !IS_DUE.replace(true) {
        RUN.with(in_microtask);
    }
}

fn run_ready() {
    while let Some(runnable) = READY.with_borrow_mut(VecDeque::pop_front) {
        runnable.run();
    }
    IS_DUE.set(false);
}

/// Makes a call that answers with a promise, and waits for it.
///
/// # Errors
/// What the call threw, or what the promise was rejected with.
pub async fn settled(call: Result<Promise, JsValue>) -> Outcome {
    let promise = call?;
    let mut awaited = Awaited::new();
    REPORT.with(|report| watch(&promise, awaited.number, report));
    awaited.outcome().await
}

/// Waits for so many milliseconds.
pub async fn sleep_ms(milliseconds: u32) {
    let mut awaited = Awaited::new();
    let _timer = REPORT.with(|report| Timer(start_timer(milliseconds, awaited.number, report)));
    let _ = awaited.outcome().await;
}

/// A timer, stopped when nobody waits for it any more.
struct Timer(JsValue);

impl Drop for Timer {
    fn drop(&mut self) {
        stop_timer(&self.0);
    }
}

/// Something that JavaScript will report.
struct Awaited {
    number: u32,
    outcome: Receiver<Outcome>,
}

impl Awaited {
    fn new() -> Self {
        let (sender, outcome) = channel();
        let number = NEXT_NUMBER.get();
        NEXT_NUMBER.set(number.wrapping_add(1));
        AWAITED.with_borrow_mut(|awaited| awaited.insert(number, sender));
        Self { number, outcome }
    }

    async fn outcome(&mut self) -> Outcome {
        let outcome = (&mut self.outcome).await;
        outcome.expect("its sender is kept until it reports")
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // Dropping a sender wakes its receiver: not while the map is lent.
        let sender = AWAITED.with_borrow_mut(|awaited| awaited.remove(&self.number));
        drop(sender);
    }
}

/// Called by JavaScript, once for each number or never.
fn report(number: u32, is_fulfilled: bool, value: JsValue) {
    let sender = AWAITED.with_borrow_mut(|awaited| awaited.remove(&number));
    if let Some(sender) = sender {
        at_once(|| {
            let _ = sender.send(if is_fulfilled { Ok(value) } else { Err(value) });
        });
    }
}
