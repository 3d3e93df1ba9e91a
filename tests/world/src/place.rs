//! A place, as the worker in it sees the cloud: the worker's ports.

use std::{cell::RefCell, future::Future, rc::Rc};

use tokenkeep::{
    account::port::HasAccounts,
    mail::{
        Mailer,
        provider::{Answer, Post},
    },
    port::Runtime,
    port::{Clock, Fault, Normalizer, RateLimit, Rng},
    session::{port::HasSessions, rule::Rule},
    token::time::UnixMillis,
};

use crate::{
    Cloud, Unicode,
    conditions::Odds,
    trouble::{Store, Trouble, suffer, unreadable},
};

struct Inner {
    cloud: Rc<Cloud>,
    number: usize,
    chance: RefCell<fastrand::Rng>,
}

/// A place of the cloud, and what happens by chance in it. Clones share it.
#[derive(Clone)]
pub struct Place(Rc<Inner>);

impl Place {
    /// The place of this number. `seed` decides all that is left to chance.
    #[must_use]
    pub fn new(cloud: Rc<Cloud>, number: usize, seed: u64) -> Self {
        Self(Rc::new(Inner {
            cloud,
            number,
            chance: RefCell::new(fastrand::Rng::with_seed(seed)),
        }))
    }

    /// The cloud around it.
    #[must_use]
    pub fn cloud(&self) -> &Rc<Cloud> {
        &self.0.cloud
    }

    /// This place of a copy of the cloud, with the same things to happen by chance.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Rc::new(Inner {
            cloud: self.0.cloud.copy(),
            number: self.0.number,
            chance: self.0.chance.clone(),
        }))
    }

    /// From here on other things happen by chance.
    pub fn set_seed(&self, seed: u64) {
        self.0.chance.replace(fastrand::Rng::with_seed(seed));
    }

    pub(crate) fn number(&self) -> usize {
        self.0.number
    }

    pub(crate) fn roll(&self, (min, max): (u64, u64)) -> u64 {
        self.0.chance.borrow_mut().u64(min..=max)
    }

    pub(crate) fn in_a_thousand(&self, times: u64) -> bool {
        self.roll((0, 999)) < times
    }

    /// Waits for as long as a call takes.
    pub(crate) async fn takes(&self, odds: &Odds) {
        let by_chance = if odds.takes_ms == (0, 0) {
            0
        } else {
            self.roll(odds.takes_ms)
        };
        let cloud = &self.0.cloud;
        let milliseconds = by_chance + cloud.troubles.pace_ms.get();
        cloud.timeline.sleep_ms(milliseconds).await;
    }

    /// Does what was called for, with the trouble that it meets, if any, or trouble by chance.
    pub(crate) async fn ends<T: 'static>(
        &self,
        trouble: Option<Trouble>,
        odds: &Odds,
        work: impl FnOnce(&Self) -> Result<T, Fault> + 'static,
        rubbish: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let by_chance = trouble.is_none() && odds.fail > 0 && self.in_a_thousand(odds.fail);
        let trouble = if !by_chance {
            trouble
        } else if odds.done_all_the_same > 0 && self.in_a_thousand(odds.done_all_the_same) {
            Some(Trouble::Lost)
        } else {
            Some(Trouble::Fails)
        };
        let Some(trouble) = trouble else {
            return work(self);
        };
        let place = self.clone();
        let timeline = &self.0.cloud.timeline;
        // Rare, so on the heap: the simulator has hundreds of requests' futures at once.
        let end = suffer(trouble, timeline, async move { work(&place) }, rubbish);
        let end = Box::pin(end).await;
        if by_chance {
            let is_late = self.in_a_thousand(odds.late);
            let late_ms = if is_late { odds.late_ms } else { (0, 500) };
            timeline.sleep_ms(self.roll(late_ms)).await;
        }
        end
    }

    /// A call on a store where nothing goes wrong by chance.
    pub(crate) async fn call<T: 'static>(
        &self,
        store: Store,
        operation: &'static str,
        work: impl FnOnce(&Self) -> Result<T, Fault> + 'static,
        rubbish: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let trouble = self.cloud().meet(store, operation, Rc::default());
        self.takes(&Odds::CALM).await;
        self.ends(trouble, &Odds::CALM, work, rubbish).await
    }
}

impl Clock for Place {
    fn now(&self) -> UnixMillis {
        let cloud = &self.0.cloud;
        let offset = cloud.conditions.clocks_ms[self.0.number];
        UnixMillis(cloud.timeline.now().saturating_add_signed(offset))
    }

    async fn sleep_ms(&self, milliseconds: u64) {
        self.0.cloud.timeline.sleep_ms(milliseconds).await;
    }
}

impl Rng for Place {
    /// The same bytes in every run, and never the same twice in one.
    fn fill(&self, bytes: &mut [u8]) {
        self.0.chance.borrow_mut().fill(bytes);
    }
}

impl Normalizer for Place {
    fn nfc(&self, text: &str) -> String {
        Unicode.nfc(text)
    }

    fn nfkc(&self, text: &str) -> String {
        Unicode.nfkc(text)
    }

    fn domain(&self, name: &str) -> Option<String> {
        Unicode.domain(name)
    }
}

impl Runtime for Place {
    fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.0.cloud.defer(work);
    }

    fn log(&self, line: &str) {
        self.0.cloud.write_line(line);
    }

    fn has_limit(&self, limit: RateLimit) -> bool {
        self.0.cloud.is_bound(limit.binding())
    }

    async fn is_over(&self, limit: RateLimit, key: &str) -> Result<bool, Fault> {
        if !self.has_limit(limit) {
            return Err(Fault::NotBound(limit.binding()));
        }
        let counted = (limit, key.to_owned());
        let is_over = move |place: &Self| Ok(place.0.cloud.exceeded.borrow().contains(&counted));
        let verb = match limit {
            RateLimit::Attempts => "count",
            RateLimit::Requests => "count requests",
            RateLimit::Lists => "count lists",
        };
        self.call(Store::Flood, verb, is_over, unreadable).await
    }
}

impl Mailer for Place {
    async fn post(&self, post: &Post) -> Result<Answer, Fault> {
        let post = post.clone();
        let send = move |place: &Self| {
            place.0.cloud.post(post);
            Ok(Answer {
                status: 200,
                is_json: true,
            })
        };
        let is_json = false;
        let page = |answer| Ok(Answer { is_json, ..answer });
        match self.call(Store::Mail, "send", send, page).await {
            // A provider says so with a status.
            Err(Fault::Throttled) => Ok(Answer {
                status: 429,
                is_json: true,
            }),
            other => other,
        }
    }
}

impl HasSessions for Place {
    type Store = Self;
    type Objects = Self;

    fn user_sessions(&self) -> Result<Self, Fault> {
        self.0.cloud.bound("USER_SESSIONS", self.clone())
    }

    fn sessions(&self) -> Result<Self, Fault> {
        self.0.cloud.bound("SESSIONS", self.clone())
    }

    fn has_birth_mark(&self) -> bool {
        self.0.cloud.has_birth_mark.get()
    }

    fn note_birth_mark(&self) {
        self.0.cloud.has_birth_mark.set(true);
    }

    fn rule(&self) -> Rule {
        self.0.cloud.conditions.rule
    }
}

impl HasAccounts for Place {
    type Accounts = Self;
    type Guard = Self;

    fn accounts(&self) -> Result<Self, Fault> {
        self.0.cloud.bound("DB", self.clone())
    }

    fn guard(&self) -> Result<Self, Fault> {
        self.0.cloud.bound("ACCOUNT_GUARD", self.clone())
    }
}
