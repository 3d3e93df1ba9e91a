//! A change of password in a world whose clocks differ: sessions that began before it end, the one
//! that asked for it somewhat later. The session that it starts and those that begin after it live,
//! and a copy of the request starts no other.
//!
//! The real flows run here with a guard that takes every password. What is looked at are its
//! stamps: with the clocks of places in their stead, a login of a second ago may seem to lie in
//! the past of a change of password, or in its future.

use std::{cell::RefCell, rc::Rc};

use fastrand::Rng as Dice;
use tokenkeep::http::{reply::Reply, request::Call};
use tokenkeep_world::{
    client::{Tokens, showing},
    conditions::PLACES,
};

use crate::{
    outcome::{Broken, Outcome},
    request::{call, code},
    rule::Variant,
    schedule::{Climate, conditions, dice},
    world::{Owner, World},
};

const LOGIN: &str = r#"{"email":"ada@example.com","password":"correct horse"}"#;
const CHANGE: &str = r#"{"currentPassword":"correct horse","newPassword":"battery staple"}"#;

/// For how long the session that changed the password goes on, and how far clocks are apart.
const GRACE_MS: u64 = 65_000 + 5_000;

/// Any hash will do: no password is checked.
const HASH: &str = "$2b$04$7qdbtixLAyqiD75ofza3duyl7dfMOLGrZCWVFyWdrCFY5o2EN65jG";

/// Plays the story of this number.
#[must_use]
pub fn play(
    seed: u64,
    index: u64,
    climate: Climate,
    variant: Variant,
    owner: &Rc<Owner>,
) -> Outcome {
    let mut dice = dice(seed ^ 0x6163_636f, index);
    let conditions = conditions(&mut dice, climate);
    let start = 1_800_000_000_000 + dice.u64(0..3_600_000);
    let world = World::new(start, conditions, variant, owner.clone());
    let mut accounts = world.cloud.accounts.borrow_mut();
    accounts.import("ada", "ada@example.com", HASH, start);
    drop(accounts);
    let broken = Rc::new(RefCell::new(None));
    let story = Story {
        world: world.clone(),
        dice,
        start,
    };
    let kept = broken.clone();
    world.cloud.timeline.spawn_at(start, async move {
        *kept.borrow_mut() = story.tell().await.err().flatten();
    });
    world.cloud.timeline.run();
    Outcome {
        broken: broken.take(),
        operations: world.operations(),
        ..Outcome::default()
    }
}

struct Story {
    world: Rc<World>,
    dice: Dice,
    start: u64,
}

impl Story {
    /// `Err(None)` where the store failed too often for the story to go on.
    async fn tell(mut self) -> Result<(), Option<Broken>> {
        let keeper = Tokens::read(&self.ask(call("/auth/login", None, LOGIN.into())).await?);
        self.pause(100..5_000).await;
        let other = Tokens::read(&self.ask(call("/auth/login", None, LOGIN.into())).await?);
        let (Some(keeper), Some(other)) = (keeper, other) else {
            return Err(None);
        };
        self.pause(100..5_000).await;
        let change = call("/auth/password/change", Some(&keeper.access), CHANGE.into());
        let Some(successor) = Tokens::read(&self.ask(change.clone()).await?) else {
            return Err(None);
        };
        let changed_at = self.world.cloud.timeline.now();
        self.pause(1..2_000).await;
        let again = Tokens::read(&self.ask(change).await?);
        let successor = again.unwrap_or(successor);
        self.pause(1..3_000).await;
        let newcomer = Tokens::read(&self.ask(call("/auth/login", None, LOGIN.into())).await?);

        let conditions = &self.world.cloud.conditions;
        let spread_at = changed_at + conditions.landing_ms + conditions.lag_ms + 1_000;
        for _ in 0..4 {
            for living in newcomer.iter().chain([&successor]) {
                self.must_live(living).await?;
            }
            for (ended, grace_ms) in [(&other, 0), (&keeper, GRACE_MS)] {
                let arrives = self.world.cloud.timeline.now();
                let refused = self.refresh(ended).await?.status != 200;
                if arrives > spread_at + grace_ms && !refused {
                    return Err(Some(Broken::Revived {
                        at_ms: arrives - self.start,
                        path: "/auth/token",
                    }));
                }
            }
            self.pause(20_000..90_000).await;
        }
        Ok(())
    }

    async fn must_live(&mut self, living: &Tokens) -> Result<(), Option<Broken>> {
        let me = call("/auth/me", Some(&living.access), String::new());
        let mut reply = self.ask(me).await?;
        if reply.status == 200 {
            reply = self.refresh(living).await?;
        }
        if reply.status == 200 {
            return Ok(());
        }
        Err(Some(Broken::LoggedOut {
            at_ms: self.world.cloud.timeline.now() - self.start,
            code: code(&reply),
        }))
    }

    async fn refresh(&mut self, shown: &Tokens) -> Result<Reply, Option<Broken>> {
        self.ask(call("/auth/token", None, showing(&shown.refresh)))
            .await
    }

    /// Asks in some place, again and again while the server has a fault.
    async fn ask(&mut self, request: Call) -> Result<Reply, Option<Broken>> {
        for _ in 0..100 {
            let (place, chance) = (self.dice.usize(0..PLACES), self.dice.u64(..));
            let reply = self.world.answer(place, chance, request.clone()).await;
            if reply.status != 503 {
                return Ok(reply);
            }
            self.pause(2_000..6_000).await;
        }
        Err(None)
    }

    async fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        let milliseconds = self.dice.u64(milliseconds);
        self.world.cloud.timeline.sleep_ms(milliseconds).await;
    }
}
