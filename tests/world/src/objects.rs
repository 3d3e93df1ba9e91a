//! The objects with users' sessions, as they run on Workers, on storages in memory.
//!
//! An object runs in one place, has its clock, and may be restarted at any moment, elsewhere: what it
//! was doing is gone then, and nobody gets an answer. Its storage is consistent.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::pending,
    rc::Rc,
};

use tokenkeep::{
    object::Storage,
    port::Fault,
    session::{
        object::{UserSessions, port::Rows},
        port::UserObjects,
    },
    token::time::UnixMillis,
};

use crate::{
    Cloud, Place,
    conditions::{Flaw, PLACES},
    trouble::{Store, Trouble, suffer, unreadable},
};

/// How late a worker writes that does not wait for its storage.
const LATE_WRITE_MS: (u64, u64) = (1, 5_000);

/// How soon the alarm rings that rings too early.
const EARLY_ALARM_MS: u64 = 60_000;

/// What is done to a storage.
type Stored = BTreeMap<String, String>;

/// An object that is awake.
#[derive(Clone)]
struct Awake {
    object: Rc<UserSessions<Place, ObjectStorage>>,
    /// Whether it still is.
    is_awake: Rc<Cell<bool>>,
}

/// What was in the objects of a namespace.
pub struct LostObjects {
    storage: BTreeMap<String, Stored>,
    alarms: BTreeMap<String, u64>,
}

/// The objects of all users.
#[derive(Default)]
pub(crate) struct Objects {
    awake: RefCell<BTreeMap<String, Awake>>,
    storage: RefCell<BTreeMap<String, Stored>>,
    alarms: RefCell<BTreeMap<String, u64>>,
}

impl Objects {
    /// The same objects in another cloud, where they have just been started.
    pub(crate) fn asleep(&self) -> Self {
        Self {
            storage: self.storage.clone(),
            alarms: self.alarms.clone(),
            ..Self::default()
        }
    }
}

impl Cloud {
    /// All objects are restarted: what they were doing is gone.
    pub fn restart_objects(&self) {
        for awake in self.objects.awake.take().into_values() {
            awake.is_awake.set(false);
        }
    }

    fn restart_object(&self, name: &str) {
        let awake = self.objects.awake.borrow_mut().remove(name);
        if let Some(awake) = awake {
            awake.is_awake.set(false);
        }
    }

    /// What the objects store, by their names and keys. An object that stores nothing is not there.
    #[must_use]
    pub fn object_storage(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let storage = self.objects.storage.borrow();
        let full = storage.iter().filter(|(_, stored)| !stored.is_empty());
        full.map(|(name, stored)| (name.clone(), stored.clone()))
            .collect()
    }

    /// The namespace of the objects is another one, without any data: what was in it.
    #[allow(clippy::must_use_candidate, reason = "it may be lost for good")]
    pub fn lose_objects(&self) -> LostObjects {
        self.restart_objects();
        let storage = self.objects.storage.take();
        let alarms = self.objects.alarms.take();
        LostObjects { storage, alarms }
    }

    /// What was lost is back. What was written meanwhile stays.
    pub fn restore_objects(&self, lost: LostObjects) {
        self.restart_objects();
        let mut storage = self.objects.storage.borrow_mut();
        for (name, rows) in lost.storage {
            let stored = storage.entry(name).or_default();
            for (key, value) in rows {
                stored.entry(key).or_insert(value);
            }
        }
        let mut alarms = self.objects.alarms.borrow_mut();
        for (name, at) in lost.alarms {
            alarms.entry(name).or_insert(at);
        }
    }

    /// Puts a value under a key of an object.
    pub fn put_row(&self, name: &str, key: &str, value: &str) {
        self.restart_object(name);
        let mut storage = self.objects.storage.borrow_mut();
        let stored = storage.entry(name.to_owned()).or_default();
        stored.insert(key.to_owned(), value.to_owned());
    }

    /// When the objects' alarms ring, in milliseconds since 1970.
    #[must_use]
    pub fn object_alarms(&self) -> BTreeMap<String, u64> {
        self.objects.alarms.borrow().clone()
    }
}

impl Place {
    /// The alarms that are due ring, now.
    ///
    /// # Panics
    /// A storage fails.
    pub fn ring_object_alarms(&self) {
        let now = self.cloud().now();
        let due: Vec<String> = {
            let alarms = self.cloud().objects.alarms.borrow();
            let due = alarms.iter().filter(|(_, at)| **at <= now);
            due.map(|(name, _)| name.clone()).collect()
        };
        for name in due {
            let rung = self.cloud().timeline.answer(self.ring(name));
            rung.expect("no request is open").expect("no trouble");
        }
    }

    async fn ring(&self, name: String) -> Result<(), Fault> {
        self.cloud().objects.alarms.borrow_mut().remove(&name);
        let awake = self.object_of(&name);
        if self.cloud().conditions.flaw == Some(Flaw::ObjectAlarmEarly) {
            let mut storage = self.cloud().objects.storage.borrow_mut();
            storage.remove(&name);
            return Ok(());
        }
        awake.object.alarm().await
    }

    fn object_of(&self, name: &str) -> Awake {
        let cloud = self.cloud();
        if let Some(awake) = cloud.objects.awake.borrow().get(name) {
            return awake.clone();
        }
        let number = usize::try_from(self.roll((0, PLACES as u64 - 1))).expect("few");
        let place = Self::new(Rc::clone(cloud), number, self.roll((0, u64::MAX - 1)));
        let is_awake = Rc::new(Cell::new(true));
        let storage = ObjectStorage {
            place: place.clone(),
            name: name.to_owned(),
            is_awake: is_awake.clone(),
        };
        let object = Rc::new(UserSessions::new(place, storage));
        let awake = Awake { object, is_awake };
        let mut all = cloud.objects.awake.borrow_mut();
        all.insert(name.to_owned(), awake.clone());
        awake
    }

    /// A restart that strikes while an object is at work, now and then.
    fn may_restart(&self, name: &str) {
        let cloud = self.cloud();
        if cloud.conditions.restarts == 0 || !self.in_a_thousand(cloud.conditions.restarts) {
            return;
        }
        let (cloud, name) = (Rc::clone(cloud), name.to_owned());
        let at = cloud.now() + self.roll((0, 30));
        let timeline = cloud.timeline.clone();
        timeline.spawn_at(at, async move { cloud.restart_object(&name) });
    }

    fn trouble_by_chance(&self) -> Option<Trouble> {
        let odds = &self.cloud().conditions.objects;
        if odds.fail == 0 || !self.in_a_thousand(odds.fail) {
            return None;
        }
        Some(if self.in_a_thousand(odds.late) {
            Trouble::Slow
        } else if self.in_a_thousand(odds.done_all_the_same) {
            Trouble::Lost
        } else {
            Trouble::Fails
        })
    }
}

/// What an object is asked, as calls are named.
fn operation(request: &str) -> &'static str {
    const OPERATIONS: [&str; 12] = [
        "create_again",
        "create",
        "refresh",
        "look_up",
        "end_if_known",
        "end_all",
        "end",
        "erase_all",
        "cut_off",
        "list",
        "unknown",
        "check",
    ];
    let name = request.trim_start_matches(['{', '"']);
    let known = OPERATIONS.into_iter().find(|known| name.starts_with(known));
    known.expect("one of these")
}

impl UserObjects for Place {
    async fn ask(&self, name: &str, request: &str) -> Result<String, Fault> {
        let cloud = self.cloud();
        let trouble = cloud.meet(Store::Object, operation(request), Rc::default());
        self.takes(&cloud.conditions.objects).await;
        let trouble = trouble.or_else(|| self.trouble_by_chance());
        self.may_restart(name);
        let (place, timeline) = (self.clone(), cloud.timeline.clone());
        let (name, request) = (name.to_owned(), request.to_owned());
        // An object goes on when the Worker has given up.
        let work = async move {
            let awake = place.object_of(&name);
            let asked = async move { awake.object.ask(&request).await };
            // What the object throws comes out here without its kind.
            timeline.beside(asked).await.map_err(|_| Fault::Failed)
        };
        match trouble {
            None => Box::pin(work).await,
            Some(trouble) => Box::pin(suffer(trouble, &cloud.timeline, work, unreadable)).await,
        }
    }
}

/// What one object stores.
struct ObjectStorage {
    place: Place,
    name: String,
    is_awake: Rc<Cell<bool>>,
}

impl ObjectStorage {
    async fn call<T: 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Stored) -> T + 'static,
        rubbish: impl FnOnce(T) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let cloud = self.place.cloud();
        let trouble = cloud.meet(Store::Rows, what, Rc::default());
        self.place.takes(&cloud.conditions.rows).await;
        if !self.is_awake.get() {
            pending::<()>().await;
        }
        let (name, is_awake) = (self.name.clone(), self.is_awake.clone());
        let work = move |place: &Place| {
            if !is_awake.get() {
                return Err(Fault::Failed);
            }
            let mut storage = place.cloud().objects.storage.borrow_mut();
            Ok(work(storage.entry(name).or_default()))
        };
        let odds = &cloud.conditions.rows;
        self.place.ends(trouble, odds, work, rubbish).await
    }

    fn flaw(&self) -> Option<Flaw> {
        self.place.cloud().conditions.flaw
    }

    fn set_alarm_at(&self, at: u64) {
        let cloud = self.place.cloud();
        cloud
            .objects
            .alarms
            .borrow_mut()
            .insert(self.name.clone(), at);
        if !cloud.conditions.alarms_ring {
            return;
        }
        let (place, name) = (self.place.clone(), self.name.clone());
        let task = async move {
            let set = place.cloud().objects.alarms.borrow().get(&name).copied();
            // Another one may have taken its place.
            if set == Some(at) {
                // What fails is tried again by the next request that stores something.
                let _ = place.ring(name).await;
            }
        };
        cloud.timeline.spawn_at(at, task);
    }
}

impl Storage for ObjectStorage {
    async fn get(&self, key: &str) -> Result<Option<String>, Fault> {
        let found = self.get_all(&[key]).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn put(&self, key: &str, value: &str) -> Result<(), Fault> {
        if self.flaw() == Some(Flaw::ObjectForgetsEnded) && key.starts_with("ended:") {
            return Ok(());
        }
        let (key, value) = (key.to_owned(), value.to_owned());
        let put = move |stored: &mut Stored| {
            stored.insert(key, value);
        };
        if self.flaw() == Some(Flaw::ObjectWritesLate) {
            let (place, name) = (self.place.clone(), self.name.clone());
            let is_awake = self.is_awake.clone();
            let cloud = place.cloud().clone();
            let at = cloud.now() + place.roll(LATE_WRITE_MS);
            let timeline = cloud.timeline.clone();
            timeline.spawn_at(at, async move {
                if is_awake.get() {
                    put(cloud.objects.storage.borrow_mut().entry(name).or_default());
                }
            });
            return Ok(());
        }
        self.call("put", put, Ok).await
    }

    async fn delete_all(&self) -> Result<(), Fault> {
        self.call("delete all", Stored::clear, Ok).await
    }

    async fn set_alarm(&self, at: UnixMillis) -> Result<(), Fault> {
        self.call("set alarm", |_| (), Ok).await?;
        let at = match self.flaw() {
            Some(Flaw::ObjectAlarmEarly) => self.place.cloud().now() + EARLY_ALARM_MS,
            _ => at.0,
        };
        self.set_alarm_at(at);
        Ok(())
    }

    async fn delete_alarm(&self) -> Result<(), Fault> {
        self.call("delete alarm", |_| (), Ok).await?;
        let alarms = &self.place.cloud().objects.alarms;
        alarms.borrow_mut().remove(&self.name);
        Ok(())
    }
}

impl Rows for ObjectStorage {
    async fn get_all(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Fault> {
        assert!(keys.len() <= 128, "more keys than a storage reads at once");
        let keys: Vec<String> = keys.iter().copied().map(str::to_owned).collect();
        let get = move |stored: &mut Stored| -> Vec<Option<String>> {
            keys.iter().map(|key| stored.get(key).cloned()).collect()
        };
        let rubbish = |found: Vec<_>| Ok(found.iter().map(|_| Some("rubbish".into())).collect());
        self.call("get rows", get, rubbish).await
    }

    async fn page(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Fault> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let page = move |stored: &mut Stored| -> Vec<(String, String)> {
            let rows = stored.range(prefix.clone()..);
            let rows = rows.take_while(|(key, _)| key.starts_with(&prefix));
            let rows = rows.filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
            rows.take(limit)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        self.call("list rows", page, unreadable).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), Fault> {
        assert!(
            keys.len() <= 128,
            "more keys than a storage deletes at once"
        );
        let keys = keys.to_vec();
        let delete = move |stored: &mut Stored| {
            for key in &keys {
                stored.remove(key);
            }
        };
        self.call("delete", delete, Ok).await
    }

    async fn alarm(&self) -> Result<Option<UnixMillis>, Fault> {
        self.call("get alarm", |_| (), Ok).await?;
        let alarms = self.place.cloud().objects.alarms.borrow();
        Ok(alarms.get(&self.name).map(|at| UnixMillis(*at)))
    }
}
