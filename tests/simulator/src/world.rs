//! The world of one schedule, and the worker in it.

use std::{cell::Cell, rc::Rc};

use tokenkeep::{
    app::App,
    config::{CheckedSettings, Config},
    http::{reply::Reply, request::Call},
};
use tokenkeep_world::{
    Cloud, Conditions, Place,
    client::settings,
    conditions::{Guarding, PLACES},
    trouble::Store,
};

use crate::{rule::Variant, schedule::Schedule};

/// The worker's settings, read once for all worlds of a thread.
pub struct Owner {
    checked: CheckedSettings,
    in_objects: CheckedSettings,
    /// The same with e-mail.
    with_mail: [CheckedSettings; 2],
    /// The same settings, checked.
    pub config: Config,
}

impl Default for Owner {
    fn default() -> Self {
        let read = |values: &[(&str, &str)]| CheckedSettings::read(&settings(values));
        Self {
            checked: read(&[]),
            in_objects: read(&[IN_OBJECTS]),
            with_mail: [read(&MAIL), read(&[&MAIL[..], &[IN_OBJECTS]].concat())],
            config: read(&[]).config.expect("these settings are valid"),
        }
    }
}

const IN_OBJECTS: (&str, &str) = ("SESSION_STORE", "durable_objects");

const MAIL: [(&str, &str); 3] = [
    ("MAIL", "resend"),
    ("MAIL_FROM", "hello@example.com"),
    ("resend_api_key", "re_123456"),
];

/// How much later than another one a place may get a new version of the worker.
const ROLLOUT_MS: u64 = 10_000;

/// How long a request of a version that is gone may go on.
const UNDER_WAY_MS: u64 = 30_000;

/// What was asked of the store, and of the worker.
#[derive(Debug, Clone, Copy, Default)]
pub struct Operations {
    /// Keys read.
    pub reads: u64,
    /// Keys written.
    pub writes: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Requests to objects.
    pub objects: u64,
    /// Rows that objects have read: by key, or a page of a list.
    pub rows_read: u64,
    /// Rows that they have written.
    pub rows_written: u64,
    /// Requests to the worker.
    pub requests: u64,
    /// Refreshes among them that were answered with tokens.
    pub refreshes: u64,
}

/// The world of one schedule.
pub struct World {
    /// What is outside the worker.
    pub cloud: Rc<Cloud>,
    /// The worker's settings.
    pub owner: Rc<Owner>,
    /// From when on sessions are in objects, if ever.
    objects_from: Option<u64>,
    start: u64,
    operations: Cell<Operations>,
    lost_notes: Cell<u64>,
}

impl World {
    /// A world that starts now.
    #[must_use]
    pub fn new(schedule: &Schedule, variant: Variant, owner: Rc<Owner>) -> Rc<Self> {
        let conditions = schedule.conditions.clone();
        let cloud = Cloud::new(
            schedule.start,
            Conditions {
                guarding: match variant {
                    Variant::StampsOfThePlace => Guarding::StampsOfThePlace,
                    _ => Guarding::AnyPassword,
                },
                flaw: variant.flaw(),
                rule: variant.rule(),
                ..conditions
            },
        );
        cloud.unbind("ATTEMPTS");
        Rc::new(Self {
            cloud,
            owner,
            objects_from: schedule.objects_from_ms.map(|ms| schedule.start + ms),
            start: schedule.start,
            operations: Cell::default(),
            lost_notes: Cell::default(),
        })
    }

    /// Lets the worker in this place answer a request. `chance` decides all that is left to it.
    pub async fn answer(&self, place: usize, chance: u64, call: Call) -> Reply {
        let platform = Place::new(self.cloud.clone(), place, chance);
        let in_objects = self.is_in_objects(place);
        // Only a reset wants e-mail: with it, a change of address takes a code.
        let settings = match (&*call.path, in_objects) {
            ("/auth/password/reset", _) => &self.owner.with_mail[usize::from(in_objects)],
            (_, true) => &self.owner.in_objects,
            (_, false) => &self.owner.checked,
        };
        let app = App { platform, settings };
        // On the heap: a story has hundreds of tasks, and few requests at a time.
        let reply = Box::pin(app.handle(&call)).await;
        self.cloud.start_deferred();
        // Taken again and again, so that a long story keeps no long records.
        self.lost_notes();
        let mut operations = self.operations();
        operations.requests += 1;
        operations.refreshes += u64::from(reply.status == 200 && call.path == "/auth/token");
        self.operations.set(operations);
        reply
    }

    /// Whether the worker in this place keeps sessions in objects by now.
    fn is_in_objects(&self, place: usize) -> bool {
        let later_ms = place as u64 * ROLLOUT_MS;
        let now = self.cloud.now();
        self.objects_from
            .is_some_and(|from| from <= self.start || now >= from + later_ms)
    }

    /// Whether some places keep sessions in objects and others in KV, or requests of both are under
    /// way. What was opened in an object and is ended in KV within that time goes on: objects that had
    /// to ask KV about their own sessions would be worth nothing.
    #[must_use]
    pub fn is_mixed(&self, at: u64) -> bool {
        let lasts_ms = PLACES as u64 * ROLLOUT_MS + UNDER_WAY_MS;
        let from = self.objects_from.filter(|_| !self.is_exact());
        from.is_some_and(|from| (from..from + lasts_ms).contains(&at))
    }

    /// Whether sessions were in objects from the start.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.objects_from.is_some_and(|from| from <= self.start)
    }

    /// Notes that were refused twice and are lost.
    pub fn lost_notes(&self) -> u64 {
        let lines = self.cloud.take_log().into_iter();
        let lost = lines.filter(|line| line.contains("activity_write_lost"));
        self.lost_notes.update(|notes| notes + lost.count() as u64);
        self.lost_notes.get()
    }

    /// What was asked so far.
    pub fn operations(&self) -> Operations {
        let mut operations = self.operations.get();
        for call in self.cloud.take_calls() {
            match call.operation {
                "read" => operations.reads += call.keys.len() as u64,
                "write" => operations.writes += 1,
                "delete" if call.store == Store::Kv => operations.deletes += 1,
                "get rows" => operations.rows_read += 3,
                "list rows" | "get alarm" => operations.rows_read += 1,
                "put" | "delete" | "set alarm" if call.store == Store::Rows => {
                    operations.rows_written += 1;
                }
                _ if call.store == Store::Object => operations.objects += 1,
                _ => {}
            }
        }
        self.operations.set(operations);
        operations
    }
}
