//! Stories of an account: sessions that end together, and stores that lose what they have.

use fastrand::Rng as Dice;
use tokenkeep_world::conditions::PLACES;

use super::{HOUR, MINUTE, SECOND, Story};
use crate::{
    request::ADDRESSES,
    schedule::{Climate, Habit, Lost, Schedule, What, dice},
};

/// The honest story of an account with several phones.
#[must_use]
pub fn of_account(seed: u64, index: u64, climate: Climate) -> Schedule {
    let mut dice = dice(seed ^ 0x6163_636f, index);
    let habit = [Habit::Bravo, Habit::Careful, Habit::Blind][dice.usize(0..3)];
    let mut story = Story::new(&mut dice, climate, habit);
    story.schedule.has_account = true;
    for _ in 0..story.dice.u64(1..6) {
        match story.dice.u64(0..10) {
            0..4 => story.end_sessions(),
            4..6 => story.lose(),
            6 => {
                let place = story.place();
                story.at(story.now, What::LogIn { place });
            }
            _ => {}
        }
        story.chapter();
    }
    story.end_sessions();
    story.schedule.switch_on(climate, story.now, story.dice);
    story.schedule
}

/// The story of a thief who has a copy of the session that changes the password.
pub(super) fn shared(dice: &mut Dice, climate: Climate) -> Schedule {
    let mut story = Story::new(dice, climate, Habit::Bravo);
    story.schedule.has_account = true;
    story.now += story.dice.u64(SECOND..50 * MINUTE);
    story.at(story.now, What::Steal);
    let place = story.dice.usize(0..PLACES);
    story.at(story.now, What::Play { place });
    story.now += story.dice.u64(SECOND..MINUTE);
    story.change_password();
    for _ in 0..200 {
        story.now += story.dice.u64(500..1_500);
        let place = story.dice.usize(0..PLACES);
        story.at(story.now, What::Play { place });
    }
    story.schedule
}

impl Story<'_> {
    /// The app gets a new access token, logins come close to what ends sessions, and tries at all
    /// of them later.
    fn end_sessions(&mut self) {
        self.refresh(0);
        self.now += self.dice.u64(2 * SECOND..20 * SECOND);
        self.log_in_nearby();
        if self.dice.u64(0..3) == 0 {
            self.change_email();
        }
        let place = self.place();
        match self.dice.u64(0..12) {
            0 => self.at(self.now, What::LogOut { place }),
            1 => self.at(self.now, What::Delete { place }),
            2..5 => self.at(self.now, What::LogOutAll { place }),
            5..7 => self.at(self.now, What::Reset { place }),
            _ => self.change_password(),
        }
        self.log_in_nearby();
        for _ in 0..8 {
            self.now += self.dice.u64(SECOND..50 * SECOND);
            self.look_around();
        }
        // Its late copies are over, too.
        self.now += 3 * MINUTE;
    }

    fn log_in_nearby(&mut self) {
        self.now += self.dice.u64(100..3 * SECOND);
        if self.dice.bool() {
            let place = self.dice.usize(0..PLACES);
            self.at(self.now, What::LogIn { place });
            self.now += self.dice.u64(100..3 * SECOND);
        }
    }

    /// Another guard stamps from then on.
    fn change_email(&mut self) {
        let (to, place) = (self.dice.usize(0..ADDRESSES.len()), self.place());
        self.at(self.now, What::ChangeEmail { to, place });
        self.now += self.dice.u64(500..3 * SECOND);
    }

    fn change_password(&mut self) {
        let latest = [8 * SECOND, MINUTE][self.dice.usize(0..2)];
        let mut copies = self.copies(latest);
        let lost = match self.dice.u64(0..6) {
            // The client goes on with what it has, or does not bind the new tokens.
            0 => copies.len(),
            1..3 => 1,
            _ => 0,
        };
        for copy in &mut copies[..lost] {
            copy.answer_ms = None;
        }
        self.at(self.now, What::ChangePassword(copies));
    }

    /// A store is empty for an hour, and its clients go on asking.
    fn lose(&mut self) {
        let lost = [Lost::Kv, Lost::D1][self.dice.usize(0..2)];
        self.refresh(8 * SECOND);
        self.now += self.dice.u64(SECOND..10 * MINUTE);
        self.at(self.now, What::Lose(lost, HOUR));
        let lost_at = self.now;
        // Most while some places still see what was there, or was not there, before.
        for after in [0, 0, 10 * MINUTE, 40 * MINUTE, HOUR, HOUR, HOUR, HOUR] {
            let later = lost_at + after + self.dice.u64(0..2 * MINUTE);
            self.now = later.saturating_sub(MINUTE);
            self.look_around();
            if self.dice.u64(0..8) == 0 {
                let place = self.place();
                self.at(self.now, What::LogIn { place });
            }
        }
        self.now = lost_at + 2 * HOUR;
        self.look_around();
    }

    fn look_around(&mut self) {
        let place = self.dice.usize(0..PLACES);
        if self.dice.bool() {
            return self.at(self.now, What::Probe { place });
        }
        self.refresh(8 * SECOND);
    }
}
