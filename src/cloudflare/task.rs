//! Work of ours that JavaScript waits for, on the executor of [`super::promise`], and futures of the
//! `worker` crate that we wait for.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use crate::cloudflare::promise::{settled, spawn};

/// A promise of what this work comes to.
///
/// The work starts in a microtask of its own. So its caller goes on first, and a panic at its very
/// start comes out where `entry.js` looks for panics.
pub fn promised(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let work = work.take().expect("a promise is made once");
        spawn(async move {
            let _ = settled(Ok(Promise::resolve(&JsValue::UNDEFINED))).await;
            let (settle, value) = match work.await {
                Ok(value) => (resolve, value),
                Err(error) => (reject, error),
            };
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        });
    })
}

/// Waits for a future that is not of [`super::promise`]: the `worker` crate's, or a lock's.
///
/// Such a future wakes its task from within a call of its own: a promise's callback, where a panic
/// would be a rejected promise that nobody looks at, or the release of a lock, which is still busy
/// with it. And our executor need not notice that wake-up. So it goes through a promise that
/// [`settled`] waits for, like every other.
pub async fn via_promise<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        let (bell, rung) = Bell::new();
        let waker = Waker::from(Arc::new(bell));
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        let _ = settled(Ok(rung)).await;
    }
}

/// Fulfils a promise when it wakes.
struct Bell(Function);

impl Bell {
    fn new() -> (Self, Promise) {
        let mut bell = None;
        let rung = Promise::new(&mut |resolve, _| bell = Some(Self(resolve)));
        (bell.expect("a promise calls back at once"), rung)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}
