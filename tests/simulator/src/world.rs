//! The world of one schedule, and the worker in it.

use std::{cell::Cell, rc::Rc};

use tokenkeep::{
    app::App,
    config::{CheckedSettings, Config},
    http::{
        reply::Reply,
        request::{Call, Request},
    },
    session::refresh::{Rule, refresh_by},
};
use tokenkeep_world::{Cloud, Conditions, Place, client::settings, conditions::Guarding};

use crate::rule::Variant;

/// The worker's settings, read once for all worlds of a thread.
pub struct Owner {
    checked: CheckedSettings,
    /// The same settings, checked.
    pub config: Config,
}

impl Default for Owner {
    fn default() -> Self {
        let settings = settings(&[]);
        Self {
            checked: CheckedSettings::read(&settings),
            config: CheckedSettings::read(&settings)
                .config
                .expect("these settings are valid"),
        }
    }
}

/// What was asked of the store, and of the worker.
#[derive(Debug, Clone, Copy, Default)]
pub struct Operations {
    /// Keys read.
    pub reads: u64,
    /// Keys written.
    pub writes: u64,
    /// Keys deleted.
    pub deletes: u64,
    /// Requests to the worker.
    pub requests: u64,
    /// Refreshes among them that were answered with tokens.
    pub refreshes: u64,
}

/// The world of one schedule.
pub struct World {
    /// What is outside the worker.
    pub cloud: Rc<Cloud>,
    /// Whose rule is in force.
    pub variant: Variant,
    /// The worker's settings.
    pub owner: Rc<Owner>,
    operations: Cell<Operations>,
    lost_notes: Cell<u64>,
}

impl World {
    /// A world that starts now.
    #[must_use]
    pub fn new(start: u64, conditions: Conditions, variant: Variant, owner: Rc<Owner>) -> Rc<Self> {
        let cloud = Cloud::new(
            start,
            Conditions {
                guarding: match variant {
                    Variant::StampsOfThePlace => Guarding::StampsOfThePlace,
                    _ => Guarding::AnyPassword,
                },
                flaw: variant.flaw(),
                ..conditions
            },
        );
        cloud.unbind("ATTEMPTS");
        Rc::new(Self {
            cloud,
            variant,
            owner,
            operations: Cell::default(),
            lost_notes: Cell::default(),
        })
    }

    /// Lets the worker in this place answer a request. `chance` decides all that is left to it.
    pub async fn answer(&self, place: usize, chance: u64, call: Call) -> Reply {
        let platform = Place::new(self.cloud.clone(), place, chance);
        let reply = match self.variant.rule() {
            Some(rule) if call.path == "/auth/token" => {
                Box::pin(self.by_rule(rule, &platform, &call)).await
            }
            _ => {
                let settings = &self.owner.checked;
                let app = App { platform, settings };
                // On the heap: a story has hundreds of tasks, and few requests at a time.
                Box::pin(app.handle(&call)).await
            }
        };
        self.cloud.start_deferred();
        // Taken again and again, so that a long story keeps no long records.
        self.lost_notes();
        let mut operations = self.operations();
        operations.requests += 1;
        operations.refreshes += u64::from(reply.status == 200 && call.path == "/auth/token");
        self.operations.set(operations);
        reply
    }

    /// The flow of a refresh with another rule in it.
    async fn by_rule(&self, rule: Rule, platform: &Place, call: &Call) -> Reply {
        let request = Request {
            platform,
            config: &self.owner.config,
            deadline: call.deadline(platform),
            id: "",
            call,
        };
        let (status, body) = match refresh_by(rule, &request).await {
            Ok(tokens) => (
                200,
                serde_json::to_string(&tokens).expect("tokens are text"),
            ),
            Err(error) => {
                let answer = error.reply();
                (answer.status, format!(r#"{{"code":"{}"}}"#, answer.code))
            }
        };
        Reply {
            status,
            headers: Vec::new(),
            body,
        }
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
                "delete" => operations.deletes += 1,
                _ => {}
            }
        }
        self.operations.set(operations);
        operations
    }
}
