//! Makes a schedule that breaks a promise as short as it can be: a reader has to see why.

use std::rc::Rc;

use crate::{
    play::play,
    rule::Variant,
    schedule::{Schedule, What},
    world::Owner,
};

/// A schedule from which nothing can be left out without mending it.
#[must_use]
pub fn shrink(schedule: &Schedule, variant: Variant, owner: &Rc<Owner>) -> Schedule {
    let breaks = |schedule: &Schedule| play(schedule, variant, owner).broken.is_some();
    let mut least = schedule.clone();
    loop {
        let before = size(&least);
        drop_events(&mut least, &breaks);
        drop_copies(&mut least, &breaks);
        calm(&mut least, &breaks);
        if size(&least) == before {
            least.events.sort_by_key(|event| event.at_ms);
            return least;
        }
    }
}

fn size(schedule: &Schedule) -> usize {
    let copies = |what: &What| match what {
        What::Refresh(copies) => copies.len(),
        _ => 1,
    };
    let events = schedule.events.iter();
    events.map(|event| copies(&event.what)).sum()
}

/// Leaves out longer and shorter runs of events.
fn drop_events(least: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    let mut run = (least.events.len() / 2).max(1);
    loop {
        let mut begin = 0;
        while begin < least.events.len() {
            let mut shorter = least.clone();
            let end = (begin + run).min(shorter.events.len());
            shorter.events.drain(begin..end);
            if breaks(&shorter) {
                *least = shorter;
            } else {
                begin += run;
            }
        }
        if run == 1 {
            return;
        }
        run /= 2;
    }
}

fn drop_copies(least: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    for event in 0..least.events.len() {
        let mut copy = 1;
        loop {
            let mut shorter = least.clone();
            match &mut shorter.events[event].what {
                What::Refresh(copies) if copy < copies.len() => copies.remove(copy),
                _ => break,
            };
            if breaks(&shorter) {
                *least = shorter;
            } else {
                copy += 1;
            }
        }
    }
}

/// Makes the world kinder where the promise is broken all the same.
fn calm(least: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    let kinder: [fn(&mut Schedule); 5] = [
        |schedule| schedule.conditions.writes.fail = 0,
        |schedule| schedule.conditions.reads.fail = 0,
        |schedule| schedule.conditions.landing_ms = 0,
        |schedule| schedule.conditions.clocks_ms = Default::default(),
        |schedule| schedule.conditions.own_writes_at_once = true,
    ];
    for make in kinder {
        let mut calmer = least.clone();
        make(&mut calmer);
        if breaks(&calmer) {
            *least = calmer;
        }
    }
}
