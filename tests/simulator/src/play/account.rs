//! What an account can do: end many sessions at once, and start one with another password. And what
//! can happen to all of them: a store is empty for a while.
//!
//! The guard takes every password. What is looked at are its stamps: with the clocks of places in
//! their stead, a login of a second ago may seem to lie in the past of a change of password, or in
//! its future.

use std::rc::Rc;

use fastrand::Rng as Dice;
use tokenkeep::http::{method::Method, reply::Reply, request::Call};
use tokenkeep_world::{
    Cloud,
    client::{self, Tokens, bearer},
};

use crate::{
    play::{Stage, TRIES},
    request::{ADDRESSES, call, code},
    schedule::{Copy, Lost},
    session::{Ending, GRACE_MS, LONGEST_GRACE_MS, Session},
};

const CHANGE: &str = r#"{"currentPassword":"correct horse","newPassword":"battery staple"}"#;

/// Any hash will do: no password is checked.
const HASH: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

/// For how long a request and its repeats may be under way, at most.
const LONGEST_ENDING_MS: u64 = 180_000;

/// The account of all stories.
pub(super) fn import(cloud: &Cloud) {
    let mut accounts = cloud.accounts.borrow_mut();
    accounts.import("ada", ADDRESSES[0], HASH, cloud.now());
}

impl Stage {
    /// The account's login.
    pub(super) fn login(&self) -> Call {
        let email = ADDRESSES[self.address.get()];
        let body = format!(r#"{{"email":"{email}","password":"correct horse"}}"#);
        call("/auth/login", None, body)
    }

    /// A change of the address may have been made although its answer was a fault.
    pub(super) fn try_another_address(&self) {
        let next = (self.address.get() + 1) % ADDRESSES.len();
        self.address.set(next);
    }

    /// Changes the address. Nobody is logged out by that.
    pub(super) async fn change_email(&self, to: usize, place: usize, chance: u64) {
        let app = self.app.get();
        let email = ADDRESSES[to];
        let body = format!(r#"{{"password":"correct horse","newEmail":"{email}"}}"#);
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let arrived = self.world.cloud.now();
            let token = self.held(app).access;
            let request = call("/auth/email/change", Some(&token), body.clone());
            let reply = self.world.answer(place, dice.u64(..), request).await;
            match reply.status {
                200 => return self.address.set(to),
                401 if code(&reply) == "session_revoked" => {
                    return self.is_refused(app, "session_revoked", arrived);
                }
                429 | 503 => self.world.cloud.timeline.sleep_ms(2_000).await,
                _ => return,
            }
        }
    }

    /// Resets the password, which ends all sessions but the one that it begins.
    pub(super) async fn reset(&self, place: usize, chance: u64) {
        self.ending_begins(None);
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let asked = self.world.cloud.now();
            let email = ADDRESSES[self.address.get()];
            let body =
                format!(r#"{{"email":"{email}","code":"123456","newPassword":"battery staple"}}"#);
            let request = call("/auth/password/reset", None, body);
            let reply = self.world.answer(place, dice.u64(..), request).await;
            if let Some(tokens) = Tokens::read(&reply) {
                self.ending_is_done(None);
                return self.begin(tokens, asked, false);
            }
            if reply.status == 400 {
                self.try_another_address();
            }
            self.world.cloud.timeline.sleep_ms(2_000).await;
        }
    }

    /// Something that ends sessions has begun. Those that exist may end from now on, except one,
    /// which may end after its grace.
    fn ending_begins(&self, spared: Option<usize>) {
        let now = self.world.cloud.now();
        let mut sessions = self.sessions.borrow_mut();
        self.ending.set(Ending {
            began_at: now,
            done_at: now + LONGEST_ENDING_MS,
            is_done: false,
            sessions: sessions.len(),
        });
        for (number, session) in sessions.iter_mut().enumerate() {
            let grace_ms = if spared == Some(number) { GRACE_MS } else { 0 };
            session.may_end(now + grace_ms);
        }
    }

    /// It is done: those that existed when it began are over.
    fn ending_is_done(&self, spared: Option<usize>) {
        let mut ending = self.ending.get();
        (ending.is_done, ending.done_at) = (true, self.world.cloud.now());
        self.ending.set(ending);
        if self.thief.borrow().is_some() {
            // Unless the thief is let in once more.
            self.found_after.set(Some(0));
        }
        let mut sessions = self.sessions.borrow_mut();
        for (number, session) in sessions[..ending.sessions].iter_mut().enumerate() {
            let is_spared = spared == Some(number);
            let grace_ms = if is_spared { LONGEST_GRACE_MS } else { 0 };
            session.must_end(ending.done_at + grace_ms);
        }
    }

    /// Whether what ended sessions may have ended one that began after this time, too.
    pub(super) fn may_be_ending_since(&self, asked: u64) -> bool {
        asked <= self.ending.get().done_at
    }

    /// Ends all sessions of the account. Whether it was done.
    pub(super) async fn end_all(&self, path: &str, body: &str, place: usize, chance: u64) -> bool {
        let app = self.app.get();
        if self.session(app).may_be_over(self.world.cloud.now()) {
            return false;
        }
        self.ending_begins(None);
        let method = match path {
            "/auth/me" => Method::Delete,
            _ => Method::Post,
        };
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let authorization = bearer(&self.held(app).access);
            let request = client::call(method, path, Some(&authorization), body);
            let reply = self.world.answer(place, dice.u64(..), request).await;
            if reply.status == 200 {
                self.ending_is_done(None);
                return true;
            }
            self.world.cloud.timeline.sleep_ms(2_000).await;
        }
        false
    }

    /// Deletes the account.
    pub(super) async fn delete(&self, place: usize, chance: u64) {
        let body = r#"{"password":"correct horse"}"#;
        self.end_all("/auth/me", body, place, chance).await;
    }

    /// Changes the password: the same request in several copies, some of them repeats.
    pub(super) fn change_password(self: Rc<Self>, copies: &[Copy], chance: u64) {
        let (app, timeline) = (self.app.get(), &self.world.cloud.timeline);
        if self.session(app).may_be_over(timeline.now()) {
            return;
        }
        let request = call(
            "/auth/password/change",
            Some(&self.held(app).access),
            CHANGE.into(),
        );
        self.ending_begins(Some(app));
        for (index, copy) in (0..).zip(copies) {
            let at = timeline.now() + copy.delay_ms;
            let task =
                self.clone()
                    .ask_for_change(app, copy.clone(), request.clone(), chance ^ index);
            timeline.spawn_at(at, task);
        }
    }

    /// One copy of the request on its way there and back, and again after a fault.
    async fn ask_for_change(self: Rc<Self>, from: usize, copy: Copy, request: Call, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            timeline.sleep_ms(dice.u64(5..150)).await;
            let arrived = timeline.now();
            let chance = dice.u64(..);
            let reply = self.world.answer(copy.place, chance, request.clone()).await;
            match reply.status {
                200 => return self.has_changed(from, &reply, &copy).await,
                401 if code(&reply) == "session_revoked" => {
                    return self.is_refused(from, "session_revoked", arrived);
                }
                503 => timeline.sleep_ms(dice.u64(2_000..10_000)).await,
                _ => return,
            }
        }
    }

    /// The client is in a new session, as after a login, unless the answer is lost. Repeats get the
    /// same one.
    async fn has_changed(&self, from: usize, reply: &Reply, copy: &Copy) {
        let ending = self.ending.get();
        if !ending.is_done {
            self.ending_is_done(Some(from));
        }
        let (Some(tokens), Some(answer_ms)) = (Tokens::read(reply), copy.answer_ms) else {
            return;
        };
        self.world.cloud.timeline.sleep_ms(answer_ms).await;
        let has_it = |it: &Session| it.client.held().0.session == tokens.session;
        if !self.sessions.borrow().iter().any(has_it) {
            self.begin(tokens, ending.began_at, false);
        }
    }

    /// A store is empty, and has its data back after a while.
    pub(super) async fn lose(&self, lost: Lost, for_ms: u64) {
        let cloud = &self.world.cloud;
        match lost {
            Lost::Kv => {
                let now = cloud.now();
                self.outage.set((now, now + for_ms));
                if self.world.is_exact() {
                    let objects = cloud.lose_objects();
                    cloud.timeline.sleep_ms(for_ms).await;
                    return cloud.restore_objects(objects);
                }
                let sessions = cloud.empty_store();
                cloud.timeline.sleep_ms(for_ms).await;
                cloud.restore_store(&sessions);
            }
            Lost::D1 => {
                let accounts = cloud.accounts.take();
                cloud.timeline.sleep_ms(for_ms).await;
                cloud.accounts.replace(accounts);
            }
        }
    }
}
