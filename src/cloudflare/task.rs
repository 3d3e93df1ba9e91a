//! Work of ours that JavaScript waits for, and futures of others that we wait for, both on the
//! executor of [`super::promise`].

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
/// The work starts in a microtask of its own: its caller continues first, and a panic at its very
/// start surfaces where `entry.js` looks for panics.
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
/// Such a future wakes its task from within its own code: from a promise's callback, where a panic
/// would only reject a promise that nobody looks at, or from a lock that is still being released. Nor
/// does the executor have to notice that wake-up. So the wake-up resolves a promise, and [`settled`]
/// waits for that one as for any other.
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

/// Resolves a promise when it wakes.
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
