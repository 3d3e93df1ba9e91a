//! The guards of all addresses: the real ones, each in an object of its own; or stand-ins for which
//! any password will do.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use tokenkeep::{
    account::{
        email::Email,
        guard::{AccountGuard, PasswordChange, Stamps},
        message::{Attempt, GuardReply, GuardRequest, Purpose},
        port::Guard,
    },
    object::{Object, Storage},
    port::{Clock, Fault},
    token::time::UnixMillis,
};

use crate::{
    Cloud, Place,
    accounts::Row,
    conditions::{Flaw, Guarding, PLACES},
    trouble::{Store, suffer, unreadable},
};

/// How long the way to a stand-in takes, and the way back: at least and at most.
const WAY_MS: (u64, u64) = (20, 200);

/// A guard as it runs on Workers, on a storage in memory.
type GuardObject = Object<AccountGuard, Place, GuardStorage>;

/// The guards of all addresses.
#[derive(Default)]
pub(crate) struct Guards {
    /// Those that are awake.
    awake: RefCell<BTreeMap<String, Rc<GuardObject>>>,
    storage: RefCell<BTreeMap<String, String>>,
    alarms: RefCell<BTreeMap<String, u64>>,
    /// The stamps of the stand-ins, by address.
    stamps: RefCell<BTreeMap<String, Stamps>>,
    /// The latest password change that the stand-ins know of: they know one account.
    change: RefCell<Option<PasswordChange>>,
}

impl Guards {
    /// The same guards in another cloud, where they have just been started.
    pub(crate) fn asleep(&self) -> Self {
        Self {
            storage: self.storage.clone(),
            alarms: self.alarms.clone(),
            change: self.change.clone(),
            ..Self::default()
        }
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

    /// When the guards' alarms ring, by address, in milliseconds since 1970.
    #[must_use]
    pub fn guard_alarms(&self) -> BTreeMap<String, u64> {
        self.guards.alarms.borrow().clone()
    }
}

impl Place {
    /// The alarm of the guard of this address rings, now.
    ///
    /// # Panics
    /// The guard is busy, or its storage fails.
    pub fn ring_alarm(&self, email: &str) {
        self.cloud().guards.alarms.borrow_mut().remove(email);
        let rung = self.cloud().timeline.answer(self.guard_of(email).alarm());
        rung.expect("no request is open").expect("no trouble");
    }

    fn guard_of(&self, email: &str) -> Rc<GuardObject> {
        let new = || {
            let (place, email) = (self.clone(), email.to_owned());
            Rc::new(Object::new(self.clone(), GuardStorage { place, email }))
        };
        let mut awake = self.cloud().guards.awake.borrow_mut();
        Rc::clone(awake.entry(email.to_owned()).or_insert_with(new))
    }

    /// Any password and any code will do for an address that has an account: what matters are the
    /// stamps.
    async fn stand_in_replies(&self, email: &Email, request: &GuardRequest) -> GuardReply {
        let cloud = self.cloud();
        cloud.timeline.sleep_ms(self.roll(WAY_MS)).await;
        let reply = self.stand_in_decides(email, request);
        cloud.timeline.sleep_ms(self.roll(WAY_MS)).await;
        reply
    }

    fn stand_in_decides(&self, email: &Email, request: &GuardRequest) -> GuardReply {
        let cloud = self.cloud();
        let row = cloud.accounts.borrow().row(email.as_str()).cloned();
        let change = &cloud.guards.change;
        match (request, row) {
            (GuardRequest::Issue(_), None) => GuardReply::NotIssued,
            (GuardRequest::Issue(_), Some(_)) => GuardReply::Issued,
            (GuardRequest::Stamp, row) => {
                change.take();
                let at = self.stand_in_stamp(email, row.as_ref());
                GuardReply::Stamped { at }
            }
            (GuardRequest::StampFor(resident), Some(row)) if row.0.id == resident.user => {
                change.take();
                let at = self.stand_in_stamp(email, Some(&row));
                GuardReply::Stamped { at }
            }
            (GuardRequest::Redeem(_), Some(row)) => {
                change.take();
                GuardReply::Done {
                    at: self.stand_in_stamp(email, Some(&row)),
                    account: row.0,
                    repeated: None,
                    ends_others: true,
                }
            }
            (GuardRequest::Check(attempt), Some(row)) => self.stand_in_checks(email, attempt, row),
            (GuardRequest::Redeem(_), None) => GuardReply::Wrong,
            (GuardRequest::Check(attempt), None)
                if matches!(attempt.purpose, Purpose::LogIn | Purpose::SignUp { .. }) =>
            {
                GuardReply::Wrong
            }
            _ => GuardReply::Fault,
        }
    }

    fn stand_in_checks(&self, email: &Email, attempt: &Attempt, row: Row) -> GuardReply {
        let cloud = self.cloud();
        let mut change = cloud.guards.change.borrow_mut();
        let now = UnixMillis(cloud.now());
        match &attempt.purpose {
            Purpose::ChangeEmail(to) => {
                change.take_if(|change| change.is_old(now));
                if change.is_some() {
                    return GuardReply::Fault;
                }
                let at = self.stand_in_stamp(email, Some(&row));
                let mut accounts = cloud.accounts.borrow_mut();
                accounts.relocate(&row.0, &to.to.email, false, at);
                let row = accounts.row(to.to.email.as_str()).cloned();
                row.map_or(GuardReply::Fault, |row| done(row, at))
            }
            Purpose::Delete { id } => {
                let at = self.stand_in_stamp(email, Some(&row));
                cloud.accounts.borrow_mut().delete(id, at);
                done(row, at)
            }
            Purpose::ChangePassword {
                sessions: Some(sessions),
                ..
            } => {
                let earlier = change.as_ref();
                if let Some((session, at)) =
                    earlier.and_then(|it| it.started_for(&sessions.from, now))
                {
                    return GuardReply::Done {
                        account: row.0,
                        at,
                        repeated: Some(session),
                        ends_others: false,
                    };
                }
                let at = self.stand_in_stamp(email, Some(&row));
                *change = Some(PasswordChange::new(sessions.clone(), at));
                done(row, at)
            }
            _ => {
                let at = self.stand_in_stamp(email, Some(&row));
                done(row, at)
            }
        }
    }

    /// A stamp as the guard of this address makes it. It has the clock of some place.
    fn stand_in_stamp(&self, email: &Email, row: Option<&Row>) -> UnixMillis {
        let cloud = self.cloud();
        if cloud.conditions.guarding == Guarding::StampsOfThePlace {
            return self.now();
        }
        let place = Place::new(Rc::clone(cloud), email.as_str().len() % PLACES, 0);
        let mut stamps = cloud.guards.stamps.borrow_mut();
        let stamps = stamps.entry(email.as_str().to_owned()).or_default();
        if let Some((account, _)) = row
            && cloud.conditions.flaw != Some(Flaw::MoveForgotten)
        {
            stamps.come_after(account.moved_at);
        }
        stamps.next(&place)
    }
}

fn done((account, _): Row, at: UnixMillis) -> GuardReply {
    GuardReply::Done {
        account,
        at,
        repeated: None,
        ends_others: false,
    }
}

impl Guard for Place {
    async fn ask(&self, email: &Email, request: &GuardRequest) -> Result<GuardReply, Fault> {
        let what = match request {
            GuardRequest::Stamp | GuardRequest::StampFor(_) => "stamp",
            GuardRequest::Check(_) => "check password",
            GuardRequest::Issue(_) => "issue code",
            GuardRequest::Redeem(_) => "check code",
            GuardRequest::Destination(_) => "find destination",
            GuardRequest::Move { .. } => "change address",
        };
        let trouble = self.cloud().meet(Store::Guard, what, Rc::default());
        if self.cloud().conditions.guarding != Guarding::Real {
            return Ok(self.stand_in_replies(email, request).await);
        }
        let request = serde_json::to_string(request).expect("JSON");
        let guard = self.guard_of(email.as_str());
        let timeline = &self.cloud().timeline;
        // An object goes on when the Worker has given up.
        let beside = timeline.clone();
        let work = async move {
            let asked = async move { guard.ask(&request).await };
            let reply = beside.beside(asked).await?;
            serde_json::from_str(&reply).map_err(|_| Fault::Unreadable)
        };
        match trouble {
            None => Box::pin(work).await,
            Some(trouble) => Box::pin(suffer(trouble, timeline, work, unreadable)).await,
        }
    }
}

/// What one guard stores.
struct GuardStorage {
    place: Place,
    email: String,
}

impl GuardStorage {
    async fn change(
        &self,
        what: &'static str,
        change: impl FnOnce(&Guards, String) + 'static,
    ) -> Result<(), Fault> {
        let email = self.email.clone();
        let change = move |place: &Place| {
            change(&place.cloud().guards, email);
            Ok(())
        };
        self.place.call(Store::Storage, what, change, Ok).await
    }
}

impl Storage for GuardStorage {
    async fn get(&self, key: &str) -> Result<Option<String>, Fault> {
        assert_eq!(key, "attempts");
        let email = self.email.clone();
        let get =
            move |place: &Place| Ok(place.cloud().guards.storage.borrow().get(&email).cloned());
        let rubbish = |_| Ok(Some("rubbish".to_owned()));
        self.place.call(Store::Storage, "get", get, rubbish).await
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), Fault> {
        assert_eq!(key, "attempts");
        let value = value.to_owned();
        self.change("put", |guards, email| {
            guards.storage.borrow_mut().insert(email, value);
        })
        .await
    }

    async fn delete_all(&self) -> Result<(), Fault> {
        self.change("delete all", |guards, email| {
            guards.storage.borrow_mut().remove(&email);
        })
        .await
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
        self.change("set alarm", move |guards, email| {
            guards.alarms.borrow_mut().insert(email, at.0);
        })
        .await
    }

    async fn delete_alarm(&self) -> Result<(), Fault> {
        self.change("delete alarm", |guards, email| {
            guards.alarms.borrow_mut().remove(&email);
        })
        .await
    }
}
