//! Plays a schedule, and watches whether a guarantee is broken.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use fastrand::Rng as Dice;
use tokenkeep::http::reply::Reply;
use tokenkeep_world::client::{Tokens, showing};

use crate::{
    client::Client,
    outcome::{Broken, Outcome},
    request::{call, code, opening},
    rule::Variant,
    schedule::{Copy, Event, Habit, Schedule, What},
    world::{Owner, World},
};

/// How often a client tries again after a fault of the server's.
const TRIES: u32 = 6;

/// Plays a schedule by a rule.
#[must_use]
pub fn play(schedule: &Schedule, variant: Variant, owner: &Rc<Owner>) -> Outcome {
    let conditions = schedule.conditions.clone();
    let stage = Rc::new(Stage {
        world: World::new(schedule.start, conditions, variant, owner.clone()),
        start: schedule.start,
        habit: schedule.habit,
        app: RefCell::default(),
        thief: RefCell::default(),
        last_seen: Cell::new(schedule.start),
        log_out_began: Cell::default(),
        ended_at: Cell::default(),
        first_play: Cell::default(),
        found_after: Cell::default(),
        broken: RefCell::default(),
        lost_to_a_note: Cell::default(),
    });
    let timeline = &stage.world.cloud.timeline;
    timeline.spawn_at(schedule.start, stage.clone().log_in());
    for event in &schedule.events {
        let at = schedule.start + event.at_ms;
        timeline.spawn_at(at, stage.clone().happen(event.clone()));
    }
    timeline.run();
    Outcome {
        broken: stage.broken.take(),
        operations: stage.world.operations(),
        detected_after_ms: stage.found_after.get(),
        lost_to_a_note: stage.lost_to_a_note.get(),
    }
}

struct Stage {
    world: Rc<World>,
    start: u64,
    habit: Habit,
    app: RefCell<Option<Client>>,
    thief: RefCell<Option<Client>>,
    last_seen: Cell<u64>,
    log_out_began: Cell<Option<u64>>,
    ended_at: Cell<Option<u64>>,
    first_play: Cell<Option<u64>>,
    found_after: Cell<Option<u64>>,
    broken: RefCell<Option<Broken>>,
    lost_to_a_note: Cell<bool>,
}

impl Stage {
    async fn log_in(self: Rc<Self>) {
        let mut dice = Dice::with_seed(self.start);
        for _ in 0..TRIES {
            let reply = self.world.answer(0, dice.u64(..), opening()).await;
            if let Some(tokens) = Tokens::read(&reply) {
                *self.app.borrow_mut() = Some(Client::new(self.habit, tokens));
                return;
            }
            self.world.cloud.timeline.sleep_ms(300).await;
        }
    }

    async fn happen(self: Rc<Self>, event: Event) {
        if self.app.borrow().is_none() {
            return;
        }
        let chance = event.chance;
        match event.what {
            What::Refresh(copies) => self.refresh(copies, chance),
            What::LookAtMe { place } => self.look_at_me(place, chance).await,
            What::LogOut { place } => self.log_out(place, chance).await,
            What::Probe { place } => self.probe(place, chance).await,
            What::Steal => {
                let held = self.held();
                *self.thief.borrow_mut() = Some(Client::new(Habit::Careful, held));
            }
            What::Play { place } => self.play_copy(place, chance).await,
        }
    }

    fn held(&self) -> Tokens {
        let app = self.app.borrow();
        app.as_ref().expect("logged in").held().0.clone()
    }

    fn refresh(self: Rc<Self>, copies: Vec<Copy>, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let shown = self.held();
        for (index, copy) in (0..).zip(copies) {
            let at = timeline.now() + copy.delay_ms;
            let task = self
                .clone()
                .send(copy, shown.clone(), chance ^ index, index == 0);
            timeline.spawn_at(at, task);
        }
    }

    /// One copy of a request on its way there and back.
    async fn send(self: Rc<Self>, copy: Copy, mut shown: Tokens, chance: u64, tries_again: bool) {
        let timeline = &self.world.cloud.timeline;
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            timeline.sleep_ms(dice.u64(5..150)).await;
            let arrived = timeline.now();
            if !self.is_covered(&shown, arrived) {
                return;
            }
            let body = showing(&shown.refresh);
            let request = call("/auth/token", None, body);
            let reply = self.world.answer(copy.place, dice.u64(..), request).await;
            match reply.status {
                200 => return self.is_answered(&reply, &copy, arrived).await,
                401 => return self.is_refused(&code(&reply), arrived),
                503 => {}
                status => return self.breaks(Broken::Strange { status }),
            }
            if !tries_again {
                return;
            }
            timeline.sleep_ms(dice.u64(2_000..10_000)).await;
            shown = self.held();
        }
    }

    fn is_covered(&self, shown: &Tokens, arrived: u64) -> bool {
        let mut app = self.app.borrow_mut();
        let app = app.as_mut().expect("logged in");
        app.uses(shown.stamp(), arrived)
    }

    async fn is_answered(&self, reply: &Reply, copy: &Copy, arrived: u64) {
        self.is_accepted("/auth/token", arrived);
        self.last_seen.set(self.last_seen.get().max(arrived));
        let Some(answer_ms) = copy.answer_ms else {
            return;
        };
        self.world.cloud.timeline.sleep_ms(answer_ms).await;
        if let (Some(tokens), Some(app)) = (Tokens::read(reply), self.app.borrow_mut().as_mut()) {
            app.is_given(tokens, arrived);
        }
    }

    fn is_accepted(&self, path: &'static str, arrived: u64) {
        let conditions = &self.world.cloud.conditions;
        let spread_ms = conditions.landing_ms + conditions.lag_ms + 1_000;
        if self
            .ended_at
            .get()
            .is_some_and(|at| arrived > at + spread_ms)
        {
            let at_ms = arrived - self.start;
            self.breaks(Broken::Revived { at_ms, path });
        }
    }

    /// Whether a refusal was deserved.
    fn is_refused(&self, code: &str, arrived: u64) {
        if self.first_play.get().is_some() {
            return self.is_found();
        }
        let config = &self.world.owner.config;
        let is_idle = arrived - self.last_seen.get().min(arrived) > config.idle_ms;
        let is_at_its_end = arrived + 5_000 > self.start + config.session_ms;
        if self.log_out_began.get().is_some() || is_idle || is_at_its_end {
            return;
        }
        if code == "refresh_token_expired" && self.world.lost_notes() > 0 {
            self.lost_to_a_note.set(true);
            return self.world.cloud.timeline.stop();
        }
        self.breaks(Broken::LoggedOut {
            at_ms: arrived - self.start,
            code: code.into(),
        });
    }

    fn breaks(&self, broken: Broken) {
        self.broken.borrow_mut().get_or_insert(broken);
        self.world.cloud.timeline.stop();
    }

    async fn look_at_me(&self, place: usize, chance: u64) {
        let arrived = self.world.cloud.timeline.now();
        let request = call("/auth/me", Some(&self.held().access), String::new());
        let reply = self.world.answer(place, chance, request).await;
        match reply.status {
            200 => self.is_accepted("/auth/me", arrived),
            401 if code(&reply) == "session_revoked" => self.is_refused("session_revoked", arrived),
            _ => {}
        }
    }

    async fn log_out(&self, place: usize, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        self.log_out_began.set(Some(timeline.now()));
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let body = showing(&self.held().refresh);
            let request = call("/auth/logout", None, body);
            if self.world.answer(place, dice.u64(..), request).await.status == 200 {
                self.ended_at.set(Some(timeline.now()));
                return;
            }
            timeline.sleep_ms(2_000).await;
        }
    }

    async fn probe(&self, place: usize, chance: u64) {
        if self.ended_at.get().is_none() {
            return;
        }
        self.look_at_me(place, chance).await;
        let arrived = self.world.cloud.timeline.now();
        let request = call("/auth/token", None, showing(&self.held().refresh));
        if self.world.answer(place, chance, request).await.status == 200 {
            self.is_accepted("/auth/token", arrived);
        }
    }

    async fn play_copy(&self, place: usize, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let copy = self
            .thief
            .borrow()
            .as_ref()
            .map(|thief| thief.held().0.clone());
        let Some(copy) = copy else {
            return;
        };
        let now = timeline.now();
        self.first_play.set(self.first_play.get().or(Some(now)));
        let request = call("/auth/token", None, showing(&copy.refresh));
        let reply = self.world.answer(place, chance, request).await;
        if let (Some(tokens), Some(thief)) =
            (Tokens::read(&reply), self.thief.borrow_mut().as_mut())
        {
            thief.is_given(tokens, now);
        }
        if reply.status == 401 {
            self.is_found();
        }
    }

    /// The session of a thief and his victim is over. (The tombstone may have been written by a
    /// request that could not tell: the store failed after the write.)
    fn is_found(&self) {
        let first_play = self.first_play.get();
        self.found_after
            .set(first_play.map(|first| self.world.cloud.timeline.now() - first));
        self.world.cloud.timeline.stop();
    }
}
