//! The guards of all addresses: the real ones, each with its memory and its storage, one question
//! after the other; or stand-ins for which any password will do.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use futures_util::lock::Mutex;
use tokenkeep::{
    account::{
        email::Email,
        guard::{self, Memory, answer},
        message::{AccountJson, Answer, Ask},
    },
    port::{Clock, Fault, Guard, Platform},
    token::time::UnixMillis,
};

use crate::{
    Cloud, Place,
    conditions::Guarding,
    trouble::{Store, suffer, unreadable},
};

/// How long the way to a stand-in takes, and the way back: at least and at most.
const WAY_MS: (u64, u64) = (20, 200);

/// The guards of all addresses.
#[derive(Default)]
pub(crate) struct Guards {
    /// Those that are awake: none before it has read its storage.
    awake: RefCell<BTreeMap<String, Rc<Mutex<Option<Memory>>>>>,
    storage: RefCell<BTreeMap<String, String>>,
    /// The latest stamp of the stand-ins.
    last_stamp: Cell<u64>,
}

impl Guards {
    /// The same guards in another cloud, where they have just been started.
    pub(crate) fn asleep(&self) -> Self {
        Self {
            storage: self.storage.clone(),
            last_stamp: self.last_stamp.clone(),
            ..Self::default()
        }
    }

    fn store(&self, email: &str, json: Option<String>) {
        let mut storage = self.storage.borrow_mut();
        match json {
            Some(json) => storage.insert(email.to_owned(), json),
            None => storage.remove(email),
        };
    }
}

impl Cloud {
    /// Guards that are not asked for a while are put to sleep: what they have in mind is gone.
    pub fn guards_fall_asleep(&self) {
        self.guards.awake.take();
    }

    /// What guards store, by address.
    #[must_use]
    pub fn guard_storage(&self) -> BTreeMap<String, String> {
        self.guards.storage.borrow().clone()
    }

    /// What `GuardInside` does when its alarm goes off.
    ///
    /// # Panics
    /// The guard of this address is asleep, or has a question open.
    pub fn clear_guard(&self, email: &str) {
        let awake = self.guards.awake.borrow();
        let mut memory = awake[email].try_lock().expect("no question is open");
        let memory = memory.as_mut().expect("it is awake");
        let stays = memory.clear(UnixMillis(self.now()));
        let stays = stays.filter(|stays| !stays.is_empty());
        let json = stays.map(|stays| serde_json::to_string(stays).expect("JSON"));
        self.guards.store(email, json);
    }
}

impl Guard for Place {
    async fn ask(&self, email: &Email, ask: &Ask) -> Result<Answer, Fault> {
        let what = match ask {
            Ask::Stamp => "stamp",
            Ask::Check(_) => "check password",
        };
        let trouble = self.cloud().meet(Store::Guard, what, Rc::default());
        if self.cloud().conditions.guarding != Guarding::Real {
            return Ok(self.stand_in_answers(email, ask).await);
        }
        // Over the wire and back, as between a Worker and an object.
        let ask = serde_json::from_str(&serde_json::to_string(ask).expect("JSON")).expect("JSON");
        let (place, email) = (self.clone(), email.as_str().to_owned());
        let timeline = &self.cloud().timeline;
        // An object goes on when the Worker has given up.
        let work = async move {
            let timeline = place.cloud().timeline.clone();
            timeline.beside(place.guard_answers(email, ask)).await
        };
        match trouble {
            None => Box::pin(work).await,
            Some(trouble) => Box::pin(suffer(trouble, timeline, work, unreadable)).await,
        }
    }
}

impl Place {
    /// What `GuardInside` does in its object.
    async fn guard_answers(self, email: String, ask: Ask) -> Result<Answer, Fault> {
        let came_at = self.now();
        let guards = &self.cloud().guards;
        let guard = Rc::clone(guards.awake.borrow_mut().entry(email.clone()).or_default());
        let mut memory = guard.lock().await;
        if memory.is_none() {
            let (key, rubbish) = (email.clone(), |_| Ok(Some("rubbish".to_owned())));
            let get =
                move |place: &Self| Ok(place.cloud().guards.storage.borrow().get(&key).cloned());
            let json = self.call(Store::Storage, "get", get, rubbish).await?;
            let attempts = json.and_then(|json| serde_json::from_str(&json).ok());
            *memory = Some(Memory::of(attempts.unwrap_or_default()));
        }
        let memory = memory.as_mut().expect("just put there");
        let before = memory.attempts.clone();
        let answer = answer(&self, memory, ask, came_at).await;
        if memory.is_worth_storing(&before) {
            let json = serde_json::to_string(&memory.attempts).expect("JSON");
            let json = (!memory.attempts.is_empty()).then_some(json);
            let put = move |place: &Self| {
                place.cloud().guards.store(&email, json);
                Ok(())
            };
            self.call(Store::Storage, "put", put, Ok).await?;
        }
        let answer = answer.unwrap_or(Answer::Fault);
        Ok(serde_json::from_str(&serde_json::to_string(&answer).expect("JSON")).expect("JSON"))
    }

    /// Any password will do for an address that has an account: what matters are the stamps.
    async fn stand_in_answers(&self, email: &Email, ask: &Ask) -> Answer {
        let cloud = self.cloud();
        cloud.timeline.sleep_ms(self.roll(WAY_MS)).await;
        let at = if cloud.conditions.guarding == Guarding::StampsOfThePlace {
            self.now()
        } else {
            let last = &cloud.guards.last_stamp;
            last.set(cloud.timeline.now().max(last.get() + 1));
            UnixMillis(last.get())
        };
        cloud.timeline.sleep_ms(self.roll(WAY_MS)).await;
        let accounts = cloud.accounts.borrow();
        match (ask, accounts.row(email.as_str())) {
            (Ask::Stamp, _) => Answer::Stamped { at },
            (Ask::Check(_), None) => Answer::Wrong,
            (Ask::Check(_), Some((account, _))) => Answer::Done {
                account: AccountJson::from(account),
                at,
            },
        }
    }
}

impl guard::World for Place {
    type Accounts = Self;

    fn accounts(&self) -> Result<Self, Fault> {
        Platform::accounts(self)
    }
}
