//! What a thief does with a copy of the app's tokens.

use tokenkeep_world::client::{Tokens, showing};

use crate::{client::Client, play::Stage, request::call, schedule::Habit};

impl Stage {
    pub(super) fn steal(&self) {
        let app = self.app.get();
        let habit = match self.habit {
            // Or the owner, who never adopts a token, would be refused.
            Habit::Bravo => Habit::Bravo,
            _ => Habit::Careful,
        };
        *self.thief.borrow_mut() = Some((app, Client::new(habit, self.held(app))));
    }

    pub(super) async fn play_copy(&self, place: usize, chance: u64) {
        let timeline = &self.world.cloud.timeline;
        let copy = self
            .thief
            .borrow()
            .as_ref()
            .map(|(session, thief)| (*session, thief.held().0.clone()));
        let Some((session, copy)) = copy else {
            return;
        };
        let now = timeline.now();
        self.first_play.set(self.first_play.get().or(Some(now)));
        let request = call("/auth/token", None, showing(&copy.refresh));
        let reply = self.world.answer(place, chance, request).await;
        if let (Some(tokens), Some((_, thief))) =
            (Tokens::read(&reply), self.thief.borrow_mut().as_mut())
        {
            thief.is_given(tokens, now);
            self.is_still_in(session, now);
        }
        if reply.status == 401 && !self.has_account {
            self.is_found();
        }
    }

    /// A thief's token was accepted. How long after a change of the password, if there was one?
    fn is_still_in(&self, session: usize, now: u64) {
        self.is_accepted(session, "/auth/token", now);
        let ending = self.ending.get();
        if ending.is_done {
            let after = now.saturating_sub(ending.done_at);
            self.found_after.set(Some(after));
        }
    }

    /// The session of a thief and his victim is over. (The tombstone may have been written by a
    /// request that could not tell: the store failed after the write.)
    pub(super) fn is_found(&self) {
        let first_play = self.first_play.get();
        self.found_after
            .set(first_play.map(|first| self.world.cloud.timeline.now() - first));
        self.world.cloud.timeline.stop();
    }
}
