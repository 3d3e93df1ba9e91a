//! Makes stories from a seed: an honest app's life, and a thief's.

use fastrand::Rng as Dice;

use tokenkeep_world::conditions::PLACES;

use crate::schedule::{
    Climate, Copy, Event, Habit, Schedule, Stores, Thief, What, conditions, dice,
};

mod account;

pub use account::of_account;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The honest story of this number.
#[must_use]
pub fn honest(seed: u64, index: u64, climate: Climate) -> Schedule {
    let mut dice = dice(seed, index);
    let habit = [Habit::Bravo, Habit::Careful, Habit::Blind][dice.usize(0..3)];
    let mut story = Story::new(&mut dice, climate, habit);
    let length = story.dice.u64(0..40);
    for _ in 0..length {
        story.chapter();
    }
    if story.dice.u64(0..3) == 0 {
        story.log_out();
    }
    story.schedule.switch_on(climate, story.now, story.dice);
    story.schedule
}

/// The story of a thief, and of an owner who refreshes about hourly.
#[must_use]
pub fn theft(seed: u64, index: u64, thief: Thief, climate: Climate, intervals: u64) -> Schedule {
    let mut dice = dice(seed ^ 0x7468_6566, index * 8 + thief as u64);
    if thief == Thief::Sharing {
        return account::shared(&mut dice, climate);
    }
    let habit = [Habit::Careful, Habit::Blind][dice.usize(0..2)];
    let mut story = Story::new(&mut dice, climate, habit);
    let stolen_after = story.dice.u64(1..20);
    let home = story.dice.usize(0..PLACES);
    let mut hours = Vec::new();
    for _ in 0..stolen_after + intervals {
        story.now += HOUR + story.dice.u64(0..10 * MINUTE) - 5 * MINUTE;
        hours.push(story.now);
        story.refresh(0);
    }
    let i = usize::try_from(stolen_after).expect("under twenty");
    let stolen_at = story.dice.u64(hours[i - 1] + 5 * SECOND..hours[i]);
    story.at(stolen_at, What::Steal);
    let place = match thief {
        Thief::Elsewhere => (home + 1 + story.dice.usize(0..PLACES - 1)) % PLACES,
        _ => home,
    };
    let mut at = stolen_at
        + match thief {
            Thief::Early => story.dice.u64(1..SECOND),
            Thief::OwnSchedule | Thief::Elsewhere => story.dice.u64(1..HOUR),
            Thief::Late => story.dice.u64(DAY..5 * DAY),
            Thief::InStep | Thief::Sharing => 1,
        };
    if thief == Thief::InStep {
        for hour in &hours[i..] {
            let after = story.dice.u64(0..MINUTE);
            story.at(hour + after, What::Play { place });
        }
        return story.schedule;
    }
    while at < story.now {
        story.at(at, What::Play { place });
        at += HOUR + story.dice.u64(0..10 * MINUTE) - 5 * MINUTE;
    }
    story.schedule
}

struct Story<'a> {
    dice: &'a mut Dice,
    now: u64,
    place: usize,
    roams: bool,
    schedule: Schedule,
}

impl<'a> Story<'a> {
    fn new(dice: &'a mut Dice, climate: Climate, habit: Habit) -> Self {
        let schedule = Schedule {
            start: 1_800_000_000_000 + dice.u64(0..HOUR),
            conditions: conditions(dice, climate),
            objects_from_ms: (climate.stores == Stores::Objects).then_some(0),
            has_account: false,
            habit,
            events: Vec::new(),
        };
        Self {
            now: 2 * SECOND,
            place: dice.usize(0..PLACES),
            roams: dice.bool(),
            dice,
            schedule,
        }
    }

    fn at(&mut self, at_ms: u64, what: What) {
        let chance = self.dice.u64(..);
        self.schedule.events.push(Event {
            at_ms,
            chance,
            what,
        });
    }

    fn place(&mut self) -> usize {
        if self.roams && self.dice.u64(0..3) == 0 {
            self.place = self.dice.usize(0..PLACES);
        }
        self.place
    }

    /// Some hours or days of an app's life.
    fn chapter(&mut self) {
        match self.dice.u64(0..100) {
            0..40 => self.refresh(8 * SECOND),
            40..55 => self.burst(),
            55..65 => self.one_after_another(),
            65..80 => self.doze(),
            80..88 => self.refresh(MINUTE),
            88..94 => {
                let place = self.place();
                self.at(self.now, What::LookAtMe { place });
            }
            _ => self.now += self.dice.u64(0..89 * DAY),
        }
        self.now += match self.dice.u64(0..10) {
            0 => self.dice.u64(SECOND..10 * SECOND),
            1 => self.dice.u64(SECOND..5 * MINUTE),
            2 => self.dice.u64(4 * HOUR..3 * DAY),
            _ => HOUR + self.dice.u64(0..10 * MINUTE),
        };
    }

    /// One request, repeated through two hops up to so late, its answers lost now and then.
    fn refresh(&mut self, latest: u64) {
        let copies = self.copies(latest);
        self.at(self.now, What::Refresh(copies));
    }

    fn copies(&mut self, latest: u64) -> Vec<Copy> {
        let place = self.place();
        let mut copies = vec![self.copy(0, place)];
        while latest > 0 && copies.len() < 4 && self.dice.u64(0..3) == 0 {
            let delay_ms = self.dice.u64(0..latest);
            let place = if self.dice.bool() {
                place
            } else {
                self.dice.usize(0..PLACES)
            };
            copies.push(self.copy(delay_ms, place));
        }
        copies
    }

    fn copy(&mut self, delay_ms: u64, place: usize) -> Copy {
        let answer_ms = match self.dice.u64(0..20) {
            0 => None,
            1 => Some(self.dice.u64(SECOND..MINUTE)),
            _ => Some(self.dice.u64(20..2_000)),
        };
        Copy {
            delay_ms,
            place,
            answer_ms,
        }
    }

    /// Several screens refresh at the same time.
    fn burst(&mut self) {
        let begin = self.now;
        for _ in 0..self.dice.u64(2..7) {
            self.now = begin + self.dice.u64(0..10 * SECOND);
            self.refresh(8 * SECOND);
        }
        self.now = begin + 10 * SECOND;
    }

    /// A screen after the other, from a second apart.
    fn one_after_another(&mut self) {
        for _ in 0..self.dice.u64(2..9) {
            self.refresh(0);
            self.now += self.dice.u64(SECOND..40 * SECOND);
        }
    }

    /// The app goes to sleep on an answer, and asks again while it wakes up.
    fn doze(&mut self) {
        let asleep_ms = self.dice.u64(5 * MINUTE..2 * DAY);
        let place = self.place();
        let dozing = Copy {
            delay_ms: 0,
            place,
            answer_ms: Some(asleep_ms),
        };
        self.at(self.now, What::Refresh(vec![dozing]));
        let awake = self.now + asleep_ms;
        for _ in 0..self.dice.u64(1..5) {
            self.now = (awake + self.dice.u64(0..20 * SECOND)).saturating_sub(10 * SECOND);
            let latest = if self.dice.bool() { 8 * SECOND } else { MINUTE };
            self.refresh(latest);
        }
        self.now = awake + 10 * SECOND;
    }

    /// A last refresh, the logout, and tries at what is over.
    fn log_out(&mut self) {
        self.refresh(8 * SECOND);
        self.now += self.dice.u64(20..5 * MINUTE);
        let place = self.place();
        self.at(self.now, What::LogOut { place });
        for _ in 0..6 {
            let late = self.dice.u64(0..10) == 0;
            let max = if late { 30 * DAY } else { 5 * MINUTE };
            let after = self.dice.u64(0..max);
            let place = self.dice.usize(0..PLACES);
            self.at(self.now + after, What::Probe { place });
            if self.dice.bool() {
                // The app itself did not notice.
                self.at(
                    self.now + after,
                    What::Refresh(vec![Copy {
                        delay_ms: 0,
                        place,
                        answer_ms: Some(50),
                    }]),
                );
            }
        }
    }
}
