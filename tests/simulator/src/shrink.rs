//! Makes a schedule that breaks a guarantee as short as it can be: a reader has to see why.

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
    let mut minimal = schedule.clone();
    loop {
        let before = size(&minimal);
        drop_events(&mut minimal, &breaks);
        drop_copies(&mut minimal, &breaks);
        calm(&mut minimal, &breaks);
        if size(&minimal) == before {
            minimal.events.sort_by_key(|event| event.at_ms);
            return minimal;
        }
    }
}

fn size(schedule: &Schedule) -> usize {
    let copies = |what: &What| match what {
        What::Refresh(copies) | What::ChangePassword(copies) => copies.len(),
        _ => 1,
    };
    let events = schedule.events.iter();
    events.map(|event| copies(&event.what)).sum()
}

/// Leaves out longer and shorter runs of events.
fn drop_events(minimal: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    let mut run = (minimal.events.len() / 2).max(1);
    loop {
        let mut begin = 0;
        while begin < minimal.events.len() {
            let mut shorter = minimal.clone();
            let end = (begin + run).min(shorter.events.len());
            shorter.events.drain(begin..end);
            if breaks(&shorter) {
                *minimal = shorter;
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

fn drop_copies(minimal: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    for event in 0..minimal.events.len() {
        let mut copy = 1;
        loop {
            let mut shorter = minimal.clone();
            match &mut shorter.events[event].what {
                What::Refresh(copies) | What::ChangePassword(copies) if copy < copies.len() => {
                    copies.remove(copy)
                }
                _ => break,
            };
            if breaks(&shorter) {
                *minimal = shorter;
            } else {
                copy += 1;
            }
        }
    }
}

/// Makes the world kinder where the guarantee is broken all the same.
fn calm(minimal: &mut Schedule, breaks: &impl Fn(&Schedule) -> bool) {
    let kinder: [fn(&mut Schedule); 5] = [
        |schedule| schedule.conditions.writes.fail = 0,
        |schedule| schedule.conditions.reads.fail = 0,
        |schedule| schedule.conditions.landing_ms = 0,
        |schedule| schedule.conditions.clocks_ms = Default::default(),
        |schedule| schedule.conditions.own_writes_at_once = true,
    ];
    for make in kinder {
        let mut calmer = minimal.clone();
        make(&mut calmer);
        if breaks(&calmer) {
            *minimal = calmer;
        }
    }
}
