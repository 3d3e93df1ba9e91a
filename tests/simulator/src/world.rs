//! The world of one schedule, and the worker in it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use tokenkeep::{
    app::App,
    config::{Config, Settings, Setup, name},
    http::{
        reply::Reply,
        request::{Call, Request},
    },
    session::refresh::{Rule, refresh_by},
};

use crate::{
    kv::{Conditions, Kv},
    place::Place,
    request::SERVICE_KEY,
    rule::Variant,
    timeline::Timeline,
};

/// The worker's settings, read once for all worlds of a thread.
pub struct Owner {
    setup: Setup,
    /// The same settings, checked.
    pub config: Config,
}

impl Default for Owner {
    fn default() -> Self {
        let settings = Settings::read(|setting| match setting {
            name::REFRESH_SECRET => Some("a-refresh-secret-of-at-least-32-bytes".into()),
            name::SERVICE_KEY => Some(SERVICE_KEY.into()),
            _ => None,
        });
        Self {
            setup: Setup::read(&settings),
            config: Setup::read(&settings)
                .config
                .expect("the settings above are in order"),
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
    /// Its time.
    pub timeline: Timeline,
    /// What it is like.
    pub conditions: Conditions,
    /// Whose rule is in force.
    pub variant: Variant,
    /// The worker's settings.
    pub owner: Rc<Owner>,
    /// What was asked so far.
    pub operations: Cell<Operations>,
    /// Notes that were refused twice and are lost.
    pub lost_notes: Cell<u32>,
    pub(crate) kv: RefCell<Kv>,
    pub(crate) guard_stamp: Cell<u64>,
}

impl World {
    /// A world that begins now.
    #[must_use]
    pub fn new(start: u64, conditions: Conditions, variant: Variant, owner: Rc<Owner>) -> Rc<Self> {
        Rc::new(Self {
            timeline: Timeline::starting_at(start),
            conditions,
            variant,
            owner,
            operations: Cell::default(),
            lost_notes: Cell::default(),
            kv: RefCell::default(),
            guard_stamp: Cell::default(),
        })
    }

    /// Lets the worker in this place answer a request. `chance` decides all that is left to it.
    pub async fn answer(self: &Rc<Self>, place: usize, chance: u64, call: Call) -> Reply {
        let platform = Place::new(self.clone(), place, chance);
        self.count(|operations| operations.requests += 1);
        let reply = match self.variant.rule() {
            Some(rule) if call.path == "/auth/token" => self.by_rule(rule, &platform, &call).await,
            _ => {
                let setup = &self.owner.setup;
                App { platform, setup }.handle(&call).await
            }
        };
        if reply.status == 200 && call.path == "/auth/token" {
            self.count(|operations| operations.refreshes += 1);
        }
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
            body: call.whole_body().expect("clients send whole bodies"),
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

    /// Counts what was asked.
    pub(crate) fn count(&self, add: impl FnOnce(&mut Operations)) {
        let mut operations = self.operations.get();
        add(&mut operations);
        self.operations.set(operations);
    }
}
