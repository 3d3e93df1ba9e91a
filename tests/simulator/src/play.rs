//! Plays a schedule, and watches whether a guarantee is broken.

mod account;
mod thief;

use std::{
    cell::{Cell, RefCell, RefMut},
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
    session::{Ending, Session},
    world::{Owner, World},
};

/// How often a client tries again after a fault of the server's.
const TRIES: u32 = 6;

/// After so many faults in a row, chance is no excuse.
const FAULTS_IN_A_ROW: u32 = 12;

/// Plays a schedule by a rule.
#[must_use]
pub fn play(schedule: &Schedule, variant: Variant, owner: &Rc<Owner>) -> Outcome {
    let stage = Rc::new(Stage {
        world: World::new(schedule, variant, owner.clone()),
        start: schedule.start,
        has_account: schedule.has_account,
        habit: schedule.habit,
        address: Cell::default(),
        sessions: RefCell::default(),
        app: Cell::default(),
        ending: Cell::default(),
        outage: Cell::default(),
        refused: Cell::default(),
        thief: RefCell::default(),
        first_play: Cell::default(),
        found_after: Cell::default(),
        broken: RefCell::default(),
        lost_to_a_note: Cell::default(),
    });
    if schedule.has_account {
        account::import(&stage.world.cloud);
    }
    let timeline = &stage.world.cloud.timeline;
    timeline.spawn_at(schedule.start, stage.clone().log_in(0, schedule.start));
    for event in &schedule.events {
        let at = schedule.start + event.at_ms;
        timeline.spawn_at(at, stage.clone().happen(event.clone()));
    }
    timeline.run();
    // They hold the cloud, and the cloud holds them.
    stage.world.cloud.restart_objects();
    Outcome {
        broken: stage.broken.take(),
        operations: stage.world.operations(),
        detected_after_ms: stage.found_after.get(),
        lost_to_a_note: stage.lost_to_a_note.get(),
    }
}

/// A story as it goes. Sessions are named by their numbers.
struct Stage {
    world: Rc<World>,
    start: u64,
    has_account: bool,
    habit: Habit,
    /// Which address the account has, as far as its user knows.
    address: Cell<usize>,
    sessions: RefCell<Vec<Session>>,
    /// The session that the app is in. The others are on other phones.
    app: Cell<usize>,
    /// The latest request that ended several of them.
    ending: Cell<Ending>,
    /// When the store was empty.
    outage: Cell<(u64, u64)>,
    /// How many answers to refreshes were faults, one after the other.
    refused: Cell<u32>,
    /// What the thief has, and of which session.
    thief: RefCell<Option<(usize, Client)>>,
    first_play: Cell<Option<u64>>,
    found_after: Cell<Option<u64>>,
    broken: RefCell<Option<Broken>>,
    lost_to_a_note: Cell<bool>,
}

impl Stage {
    async fn log_in(self: Rc<Self>, place: usize, chance: u64) {
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let asked = self.world.cloud.now();
            let request = if self.has_account {
                self.login()
            } else {
                opening()
            };
            let reply = self.world.answer(place, dice.u64(..), request).await;
            if let Some(tokens) = Tokens::read(&reply) {
                return self.begin(tokens, asked, self.may_be_ending_since(asked));
            }
            match reply.status {
                503 => {}
                401 if self.has_account => self.try_another_address(),
                _ => return,
            }
            self.world.cloud.timeline.sleep_ms(300).await;
        }
    }

    /// The app is in a new session.
    fn begin(&self, tokens: Tokens, asked: u64, may_be_over: bool) {
        let mut session = Session::new(self.habit, tokens, asked);
        if may_be_over {
            session.may_end(0);
        }
        let mut sessions = self.sessions.borrow_mut();
        self.app.set(sessions.len());
        sessions.push(session);
    }

    async fn happen(self: Rc<Self>, event: Event) {
        if self.sessions.borrow().is_empty() {
            return;
        }
        let (app, chance) = (self.app.get(), event.chance);
        match event.what {
            What::Refresh(copies) => self.refresh(copies, chance),
            What::LookAtMe { place } => self.look_at_me(app, place, chance).await,
            What::LogOut { place } => self.log_out(place, chance).await,
            What::LogIn { place } => self.log_in(place, chance).await,
            What::ChangePassword(copies) => self.change_password(&copies, chance),
            What::Reset { place } => self.reset(place, chance).await,
            What::ChangeEmail { to, place } => self.change_email(to, place, chance).await,
            What::LogOutAll { place } => {
                self.end_all("/auth/logout/all", "", place, chance).await;
            }
            What::Delete { place } => self.delete(place, chance).await,
            What::Lose(lost, for_ms) => self.lose(lost, for_ms).await,
            What::Probe { place } => self.probe(place, chance).await,
            What::Steal => self.steal(),
            What::Play { place } => self.play_copy(place, chance).await,
        }
    }

    fn session(&self, number: usize) -> RefMut<'_, Session> {
        RefMut::map(self.sessions.borrow_mut(), |all| &mut all[number])
    }

    fn held(&self, session: usize) -> Tokens {
        self.session(session).client.held().0.clone()
    }

    fn refresh(self: Rc<Self>, copies: Vec<Copy>, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let app = self.app.get();
        for (index, copy) in (0..).zip(copies) {
            let at = timeline.now() + copy.delay_ms;
            let shown = (app, self.held(app));
            let task = self.clone().send(copy, shown, chance ^ index, index == 0);
            timeline.spawn_at(at, task);
        }
    }

    /// One copy of a request on its way there and back.
    async fn send(
        self: Rc<Self>,
        copy: Copy,
        (mut session, mut shown): (usize, Tokens),
        chance: u64,
        tries_again: bool,
    ) {
        let timeline = &self.world.cloud.timeline;
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            timeline.sleep_ms(dice.u64(5..150)).await;
            let arrived = timeline.now();
            if !self.is_covered(session, &shown, arrived) {
                return;
            }
            let body = showing(&shown.refresh);
            let request = call("/auth/token", None, body);
            let reply = self.world.answer(copy.place, dice.u64(..), request).await;
            match reply.status {
                200 => return self.is_answered(session, &reply, &copy, arrived).await,
                401 => return self.is_refused(session, &code(&reply), arrived),
                503 => self.is_put_off(session, arrived),
                status => return self.breaks(Broken::Strange { status }),
            }
            if !tries_again {
                return;
            }
            timeline.sleep_ms(dice.u64(2_000..10_000)).await;
            session = self.app.get();
            shown = self.held(session);
        }
    }

    /// Whether a guarantee covers the request. Of a session that may be over, all that is asked is
    /// that it stays so.
    fn is_covered(&self, session: usize, shown: &Tokens, arrived: u64) -> bool {
        let mut session = self.session(session);
        session.client.uses(shown.stamp(), arrived) || session.may_be_over(arrived)
    }

    /// A fault may pass. In objects there is nothing to wait for: what has been stored is there.
    fn is_put_off(&self, session: usize, arrived: u64) {
        let is_deserved = !self.world.is_exact()
            || self.was_empty_since(arrived)
            || self.session(session).may_be_over(arrived);
        self.refused.set(if is_deserved {
            0
        } else {
            self.refused.get() + 1
        });
        if self.refused.get() >= FAULTS_IN_A_ROW {
            let at_ms = arrived - self.start;
            self.breaks(Broken::Unserved { at_ms });
        }
    }

    async fn is_answered(&self, session: usize, reply: &Reply, copy: &Copy, arrived: u64) {
        self.refused.set(0);
        self.is_accepted(session, "/auth/token", arrived);
        self.session(session).is_seen(arrived);
        let Some(answer_ms) = copy.answer_ms else {
            return;
        };
        self.world.cloud.timeline.sleep_ms(answer_ms).await;
        if let Some(tokens) = Tokens::read(reply) {
            self.session(session).client.is_given(tokens, arrived);
        }
    }

    fn is_accepted(&self, session: usize, path: &'static str, arrived: u64) {
        let conditions = &self.world.cloud.conditions;
        let spread_ms = if self.world.is_exact() {
            0
        } else {
            conditions.landing_ms + conditions.lag_ms + 1_000
        };
        // An empty store does not know what has ended: access tokens outlive it for a while.
        let is_forgotten = path == "/auth/me" && self.was_empty_since(arrived);
        let is_over = self.session(session).must_be_over(arrived, spread_ms);
        if is_over && !is_forgotten && !self.is_of_two_versions(session) {
            let at_ms = arrived - self.start;
            self.breaks(Broken::Revived { at_ms, path });
        }
    }

    /// Whether the store was empty at any moment of a request that arrived then and is answered now.
    fn was_empty_since(&self, arrived: u64) -> bool {
        let (lost_at, back_at) = self.outage.get();
        arrived <= back_at && lost_at <= self.world.cloud.now()
    }

    /// Whether one version of the worker may have opened a session and another one ended it.
    fn is_of_two_versions(&self, session: usize) -> bool {
        let session = self.session(session);
        let is_mixed = |at| self.world.is_mixed(at);
        is_mixed(session.began_at) && is_mixed(session.must_end_at)
    }

    /// Whether a refusal was deserved. A request that is under way while its session is being ended may
    /// be decided after that.
    fn is_refused(&self, session: usize, code: &str, arrived: u64) {
        self.refused.set(0);
        if self.first_play.get().is_some() && !self.has_account {
            return self.is_found();
        }
        let config = &self.world.owner.config;
        let session = self.session(session);
        let is_idle = arrived.saturating_sub(session.last_seen) > config.idle_ms;
        let is_at_its_end = arrived + 5_000 > session.began_at + config.session_ms;
        let is_ending = session.may_be_over(self.world.cloud.timeline.now());
        if is_ending || is_idle || is_at_its_end {
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

    async fn look_at_me(&self, session: usize, place: usize, chance: u64) {
        let arrived = self.world.cloud.timeline.now();
        let request = call("/auth/me", Some(&self.held(session).access), String::new());
        let reply = self.world.answer(place, chance, request).await;
        match reply.status {
            200 => self.is_accepted(session, "/auth/me", arrived),
            401 if code(&reply) == "session_revoked" => {
                self.is_refused(session, "session_revoked", arrived);
            }
            _ => {}
        }
    }

    async fn log_out(&self, place: usize, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let app = self.app.get();
        self.session(app).may_end(timeline.now());
        let mut dice = Dice::with_seed(chance);
        for _ in 0..TRIES {
            let body = showing(&self.held(app).refresh);
            let request = call("/auth/logout", None, body);
            if self.world.answer(place, dice.u64(..), request).await.status == 200 {
                return self.session(app).must_end(timeline.now());
            }
            timeline.sleep_ms(2_000).await;
        }
    }

    /// One of the phones shows both of its tokens.
    async fn probe(self: Rc<Self>, place: usize, chance: u64) {
        let count = self.sessions.borrow().len();
        let session = Dice::with_seed(chance).usize(0..count);
        self.look_at_me(session, place, chance).await;
        let copy = Copy {
            delay_ms: 0,
            place,
            answer_ms: Some(50),
        };
        let shown = (session, self.held(session));
        self.send(copy, shown, chance, false).await;
    }
}
