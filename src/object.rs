//! The mechanics of a Durable Object that keeps all it remembers under one key. What it remembers and
//! does is its [`Actor`]: [`crate::account::guard`]. (The objects with a user's sessions have many rows,
//! and mechanics of their own: [`crate::session::object`].)
//!
//! * **One request at a time.** A request is handled to its end, with all its waits, before the next
//!   one starts. (Durable Objects hold events back only while the storage is busy, not while an
//!   object waits for something else.)
//! * **Read once.** The storage is read by the first request; from then on memory is ahead of it.
//! * **Nothing acknowledged is lost.** What a request changed is stored before its reply goes out.
//! * **Nothing stays forever.** Whatever is stored has an alarm that cleans it up.
//!
//! `cloudflare::guards` runs this on Workers and the tests run it in memory, so the alarm that is
//! tested is the alarm that runs.

use futures_util::lock::Mutex;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    port::{Clock, Fault},
    token::time::UnixMillis,
};

/// The storage of one object, with its one alarm. Consistent, and only this object uses it.
pub trait Storage {
    /// The value under a key, if there is one.
    ///
    /// # Errors
    /// The storage failed.
    async fn get(&self, key: &str) -> Result<Option<String>, Fault>;

    /// Stores a value under a key.
    ///
    /// # Errors
    /// The storage failed.
    async fn put(&self, key: &str, value: &str) -> Result<(), Fault>;

    /// Deletes everything. An object that stores nothing costs nothing.
    ///
    /// # Errors
    /// The storage failed.
    async fn delete_all(&self) -> Result<(), Fault>;

    /// Sets the alarm, in place of the one before.
    ///
    /// # Errors
    /// The storage failed.
    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault>;

    /// Removes the alarm, if one is set.
    ///
    /// # Errors
    /// The storage failed.
    async fn delete_alarm(&self) -> Result<(), Fault>;
}

/// What one kind of object remembers and does, on a platform `P`.
pub trait Actor<P> {
    /// What it is asked.
    type Request: DeserializeOwned;
    /// What it replies.
    type Reply: Serialize;

    /// The key that its memory is stored under.
    const KEY: &'static str;

    /// Wakes up, with what was stored if anything was.
    fn restore(stored: Option<&str>, platform: &P) -> Self;

    /// Handles a request that arrived at this time. It may have waited for others since then.
    async fn handle(
        &mut self,
        platform: &P,
        request: Self::Request,
        arrived_at: UnixMillis,
    ) -> Self::Reply;

    /// Does what is due when the alarm rings.
    async fn on_alarm(&mut self, _: &P) {}

    /// Forgets what is too old to matter.
    fn forget_old(&mut self, now: UnixMillis);

    /// What has to be stored; `None` where nothing has to.
    fn snapshot(&self, now: UnixMillis) -> Option<Snapshot>;
}

/// What an object needs to know when it wakes up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its memory, as JSON.
    pub json: String,
    /// When some of it can be forgotten: the alarm is set to this time.
    pub alarm_at: UnixMillis,
}

/// One object.
pub struct Object<A, P, S> {
    platform: P,
    storage: S,
    /// Locked while a request is handled. `None` until the storage was read.
    memory: Mutex<Option<Memory<A>>>,
}

struct Memory<A> {
    actor: A,
    /// The JSON that the storage has.
    stored: Option<String>,
}

impl<A: Actor<P>, P: Clock, S: Storage> Object<A, P, S> {
    /// An object that has just been started, on this storage.
    pub fn new(platform: P, storage: S) -> Self {
        Self {
            platform,
            storage,
            memory: Mutex::new(None),
        }
    }

    /// Handles a request; it and its reply are JSON.
    ///
    /// # Errors
    /// The request cannot be read, or the storage failed. What the request did elsewhere is done all
    /// the same.
    pub async fn ask(&self, request: &str) -> Result<String, Fault> {
        let arrived_at = self.platform.now();
        let request = serde_json::from_str(request).map_err(|_| Fault::Unreadable)?;
        let mut memory = self.memory.lock().await;
        let memory = self.wake(&mut memory).await?;
        let actor = &mut memory.actor;
        let reply = actor.handle(&self.platform, request, arrived_at).await;
        let snapshot = memory.actor.snapshot(self.platform.now());
        if memory.stored.as_ref() != snapshot.as_ref().map(|snapshot| &snapshot.json) {
            self.store(memory, snapshot).await?;
        }
        Ok(serde_json::to_string(&reply).expect("a reply is text and numbers"))
    }

    /// Does what is due, and cleans up. The alarm that rang is spent: if anything stays, the next one is set.
    ///
    /// # Errors
    /// The storage failed: the alarm has to ring again.
    pub async fn alarm(&self) -> Result<(), Fault> {
        let mut memory = self.memory.lock().await;
        let memory = self.wake(&mut memory).await?;
        memory.actor.on_alarm(&self.platform).await;
        let now = self.platform.now();
        memory.actor.forget_old(now);
        let snapshot = memory.actor.snapshot(now);
        self.store(memory, snapshot).await
    }

    async fn wake<'m>(
        &self,
        memory: &'m mut Option<Memory<A>>,
    ) -> Result<&'m mut Memory<A>, Fault> {
        if memory.is_none() {
            let stored = self.storage.get(A::KEY).await?;
            let actor = A::restore(stored.as_deref(), &self.platform);
            // What cannot be read (a newer release's, perhaps) stays until there is something to
            // store in its place.
            let stored = actor.snapshot(self.platform.now()).and(stored);
            *memory = Some(Memory { actor, stored });
        }
        Ok(memory.as_mut().expect("it was just put there"))
    }

    /// The alarm comes first: nothing is ever stored without one.
    async fn store(&self, memory: &mut Memory<A>, snapshot: Option<Snapshot>) -> Result<(), Fault> {
        if let Some(Snapshot { json, alarm_at }) = snapshot {
            self.storage.set_alarm(alarm_at).await?;
            self.storage.put(A::KEY, &json).await?;
            memory.stored = Some(json);
        } else {
            self.storage.delete_all().await?;
            self.storage.delete_alarm().await?;
            memory.stored = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        future::poll_fn,
        pin::pin,
        rc::Rc,
        task::{Context, Poll, Waker},
    };

    use futures_util::future::join;
    use pollster::block_on;

    use super::*;

    const DAY_MS: u64 = 24 * 60 * 60_000;

    /// Lets others go on.
    async fn pause() {
        let mut paused = false;
        poll_fn(|context| {
            if std::mem::replace(&mut paused, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// What outlives an object, and the time.
    #[derive(Clone, Default)]
    struct Outside(Rc<State>);

    #[derive(Default)]
    struct State {
        now: Cell<u64>,
        value: RefCell<Option<String>>,
        alarm: Cell<Option<u64>>,
        reads: Cell<u32>,
        writes: Cell<u32>,
        fails: Cell<bool>,
    }

    impl Outside {
        async fn answers(&self) -> Result<&State, Fault> {
            pause().await;
            if self.0.fails.get() {
                return Err(Fault::Failed);
            }
            Ok(&self.0)
        }

        /// The object is gone from memory and starts again.
        fn restarted(&self) -> Object<Counter, Self, Self> {
            Object::new(self.clone(), self.clone())
        }

        fn stored(&self) -> Option<String> {
            self.0.value.borrow().clone()
        }
    }

    impl Clock for Outside {
        fn now(&self) -> UnixMillis {
            UnixMillis(self.0.now.get())
        }

        async fn sleep_ms(&self, _: u64) {}
    }

    impl Storage for Outside {
        async fn get(&self, _: &str) -> Result<Option<String>, Fault> {
            let state = self.answers().await?;
            state.reads.set(state.reads.get() + 1);
            Ok(state.value.borrow().clone())
        }

        async fn put(&self, _: &str, value: &str) -> Result<(), Fault> {
            let state = self.answers().await?;
            state.writes.set(state.writes.get() + 1);
            state.value.replace(Some(value.to_owned()));
            Ok(())
        }

        async fn delete_all(&self) -> Result<(), Fault> {
            self.answers().await?.value.take();
            Ok(())
        }

        async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
            self.answers().await?.alarm.set(Some(at.0));
            Ok(())
        }

        async fn delete_alarm(&self) -> Result<(), Fault> {
            self.answers().await?.alarm.take();
            Ok(())
        }
    }

    /// Adds numbers, and forgets the sum a day after the last one.
    struct Counter {
        sum: u64,
        last: u64,
    }

    impl<P: Clock> Actor<P> for Counter {
        type Request = u64;
        type Reply = u64;

        const KEY: &'static str = "counter";

        fn restore(stored: Option<&str>, _: &P) -> Self {
            let read = stored.and_then(|json| serde_json::from_str(json).ok());
            let (sum, last) = read.unwrap_or_default();
            Self { sum, last }
        }

        async fn handle(&mut self, platform: &P, number: u64, _: UnixMillis) -> u64 {
            let sum = self.sum + number;
            pause().await;
            if number > 0 {
                (self.sum, self.last) = (sum, platform.now().0);
            }
            sum
        }

        fn forget_old(&mut self, now: UnixMillis) {
            if now.0 - self.last >= DAY_MS {
                self.sum = 0;
            }
        }

        fn snapshot(&self, _: UnixMillis) -> Option<Snapshot> {
            (self.sum > 0).then(|| Snapshot {
                json: serde_json::to_string(&(self.sum, self.last)).expect("JSON"),
                alarm_at: UnixMillis(self.last + DAY_MS),
            })
        }
    }

    fn ask(object: &Object<Counter, Outside, Outside>, number: u64) -> Result<String, Fault> {
        block_on(object.ask(&number.to_string()))
    }

    #[test]
    fn two_requests_at_once_are_handled_one_after_the_other() {
        let object = Outside::default().restarted();
        let replies = block_on(join(object.ask("1"), object.ask("1")));
        assert_eq!(replies, (Ok("1".into()), Ok("2".into())));
    }

    #[test]
    fn the_storage_is_read_once_and_written_only_after_a_change() {
        let outside = Outside::default();
        let object = outside.restarted();
        for number in [0, 1, 0, 1, 0] {
            assert!(ask(&object, number).is_ok());
        }
        assert_eq!((outside.0.reads.get(), outside.0.writes.get()), (1, 2));
    }

    #[test]
    fn a_restart_at_any_moment_loses_nothing_acknowledged() {
        let mut steps = 0;
        let mut is_acknowledged = false;
        while !is_acknowledged {
            let outside = Outside::default();
            assert_eq!(ask(&outside.restarted(), 2), Ok("2".into()));
            {
                let object = outside.restarted();
                let mut request = pin!(object.ask("3"));
                let mut context = Context::from_waker(Waker::noop());
                let mut go_on = || request.as_mut().poll(&mut context).is_ready();
                is_acknowledged = (0..steps).any(|_| go_on());
            }
            let is_stored = outside.stored() == Some("[5,0]".into());
            assert!(is_stored || outside.stored() == Some("[2,0]".into()));
            assert!(is_stored || !is_acknowledged, "after {steps} steps");
            let sum = if is_stored { "5" } else { "2" };
            assert_eq!(ask(&outside.restarted(), 0), Ok(sum.into()));
            steps += 1;
        }
        // Read, handled, alarm set, stored.
        assert!(steps > 4, "{steps}");
    }

    #[test]
    fn the_alarm_clears_the_storage_of_an_object_that_was_asleep() {
        let outside = Outside::default();
        assert!(ask(&outside.restarted(), 7).is_ok());
        let rings_at = outside.0.alarm.take().expect("an alarm");
        assert_eq!(rings_at, DAY_MS);
        outside.0.now.set(rings_at);
        assert_eq!(block_on(outside.restarted().alarm()), Ok(()));
        assert_eq!((outside.stored(), outside.0.alarm.get()), (None, None));
    }

    #[test]
    fn an_alarm_that_rings_early_clears_nothing_and_is_set_again() {
        let outside = Outside::default();
        let object = outside.restarted();
        assert!(ask(&object, 7).is_ok());
        outside.0.alarm.take();
        assert_eq!(block_on(object.alarm()), Ok(()));
        assert_eq!(outside.0.alarm.get(), Some(DAY_MS));
        assert_eq!(ask(&outside.restarted(), 0), Ok("7".into()));
    }

    #[test]
    fn nothing_is_stored_without_an_alarm() {
        for steps in 0..8 {
            let outside = Outside::default();
            let object = outside.restarted();
            let mut request = pin!(object.ask("1"));
            for _ in 0..steps {
                let mut context = Context::from_waker(Waker::noop());
                if request.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
            let has_alarm = outside.0.alarm.get().is_some();
            assert!(has_alarm || outside.stored().is_none(), "{steps}");
        }
    }

    #[test]
    fn a_change_that_could_not_be_stored_is_stored_by_the_next_request() {
        let outside = Outside::default();
        let object = outside.restarted();
        assert_eq!(ask(&object, 0), Ok("0".into()));
        outside.0.fails.set(true);
        assert_eq!(ask(&object, 1), Err(Fault::Failed));
        outside.0.fails.set(false);
        assert_eq!(ask(&object, 0), Ok("1".into()));
        assert_eq!(ask(&outside.restarted(), 0), Ok("1".into()));
    }

    #[test]
    fn what_cannot_be_read_stays_until_there_is_something_to_store() {
        let outside = Outside::default();
        let newer = r#"{"v":2}"#.to_owned();
        outside.0.value.replace(Some(newer.clone()));
        assert_eq!(ask(&outside.restarted(), 0), Ok("0".into()));
        assert_eq!(outside.stored(), Some(newer));
        assert_eq!(ask(&outside.restarted(), 1), Ok("1".into()));
        assert_eq!(outside.stored(), Some("[1,0]".into()));
    }

    #[test]
    fn a_request_that_cannot_be_read_is_a_fault() {
        let outside = Outside::default();
        let reply = block_on(outside.restarted().ask("rubbish"));
        assert_eq!((reply, outside.0.reads.get()), (Err(Fault::Unreadable), 0));
    }
}
