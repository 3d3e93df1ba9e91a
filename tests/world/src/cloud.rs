//! What all places share.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    rc::Rc,
};

use tokenkeep::{
    mail::provider::Post,
    port::{Fault, RateLimit},
};

use crate::{
    accounts::Table, conditions::Conditions, guards::Guards, kv::Kv, objects::Objects,
    timeline::Timeline, trouble::Troubles,
};

/// Everything outside the worker.
pub struct Cloud {
    /// The time.
    pub timeline: Timeline,
    /// What it is like here.
    pub conditions: Conditions,
    pub(crate) troubles: Troubles,
    pub(crate) kv: RefCell<Kv>,
    /// The table of accounts.
    pub accounts: RefCell<Table>,
    pub(crate) guards: Guards,
    pub(crate) objects: Objects,
    /// The rate limits that are exceeded, each with its key.
    pub exceeded: RefCell<BTreeSet<(RateLimit, String)>>,
    /// Whether the worker knows that the store has its birth mark.
    pub has_birth_mark: Cell<bool>,
    unbound: RefCell<BTreeSet<&'static str>>,
    outbox: RefCell<Vec<Post>>,
    deferred: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
    log: RefCell<Vec<String>>,
}

impl Cloud {
    /// A cloud whose time starts here, in milliseconds since 1970.
    #[must_use]
    pub fn new(now: u64, conditions: Conditions) -> Rc<Self> {
        Rc::new(Self {
            timeline: Timeline::starting_at(now),
            troubles: Troubles::default(),
            kv: RefCell::new(Kv::new(conditions.order)),
            accounts: RefCell::default(),
            guards: Guards::default(),
            objects: Objects::default(),
            exceeded: RefCell::default(),
            has_birth_mark: Cell::default(),
            unbound: RefCell::default(),
            outbox: RefCell::default(),
            deferred: RefCell::default(),
            log: RefCell::default(),
            conditions,
        })
    }

    /// Another cloud with the same things stored: what is done to one is not done to the other. Its
    /// guards are asleep, and it knows of no troubles.
    #[must_use]
    pub fn copy(&self) -> Rc<Self> {
        Rc::new(Self {
            timeline: Timeline::starting_at(self.timeline.now()),
            conditions: self.conditions.clone(),
            troubles: Troubles::default(),
            kv: self.kv.clone(),
            accounts: self.accounts.clone(),
            guards: self.guards.asleep(),
            objects: self.objects.asleep(),
            exceeded: self.exceeded.clone(),
            has_birth_mark: self.has_birth_mark.clone(),
            unbound: self.unbound.clone(),
            outbox: self.outbox.clone(),
            deferred: RefCell::default(),
            log: RefCell::default(),
        })
    }

    /// The true time, which no place knows exactly, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.timeline.now()
    }

    /// Time passes, and nothing happens meanwhile.
    pub fn pass(&self, milliseconds: u64) {
        self.timeline.pass(milliseconds);
    }

    /// From here on there are too many for this key.
    pub fn exceed(&self, limit: RateLimit, key: &str) {
        self.exceeded.borrow_mut().insert((limit, key.to_owned()));
    }

    /// Takes a binding away.
    pub fn unbind(&self, binding: &'static str) {
        self.unbound.borrow_mut().insert(binding);
    }

    pub(crate) fn is_bound(&self, binding: &'static str) -> bool {
        !self.unbound.borrow().contains(binding)
    }

    pub(crate) fn bound<T>(&self, binding: &'static str, what: T) -> Result<T, Fault> {
        let is_bound = self.is_bound(binding);
        is_bound.then_some(what).ok_or(Fault::NotBound(binding))
    }

    pub(crate) fn post(&self, post: Post) {
        self.outbox.borrow_mut().push(post);
    }

    /// The e-mails that were handed to a provider since the last time.
    pub fn take_posts(&self) -> Vec<Post> {
        self.outbox.take()
    }

    pub(crate) fn defer(&self, work: impl Future<Output = ()> + 'static) {
        self.deferred.borrow_mut().push(Box::pin(work));
    }

    /// Starts the work that comes after the responses so far.
    pub fn start_deferred(&self) {
        for work in self.deferred.take() {
            self.timeline.spawn_at(self.now(), work);
        }
    }

    /// Does the work that comes after the responses so far, and lets time pass until nothing is
    /// under way any more.
    pub fn settle(&self) {
        self.troubles.is_after.set(true);
        self.start_deferred();
        self.timeline.run();
        self.troubles.is_after.set(false);
    }

    /// The worker is gone before it did that work.
    pub fn crash(&self) {
        self.deferred.take();
    }

    pub(crate) fn write_line(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }

    /// The lines for the operator.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// The lines for the operator since the last time.
    pub fn take_log(&self) -> Vec<String> {
        self.log.take()
    }
}
