//! A small run of the benchmark: everyone answers, and the expected counts are met. No
//! times are looked at.

use tokenkeep_bench::{contender::Contender, stage::Stage};
use tokenkeep_workerd_tests::kv::Tally;

/// Everyone on one stage, each of whom has answered rightly.
fn stage() -> Stage {
    Stage::start(&Contender::ALL).expect("everyone answers rightly")
}

#[test]
fn everyone_answers_rightly_and_a_refresh_of_ours_is_three_keys_in_one_call_and_a_write_for_a_successor()
 {
    let stage = stage();
    let contenders: Vec<Contender> = stage.players.iter().map(|it| it.contender).collect();
    assert_eq!(contenders, Contender::ALL);
    let ours = &stage.players[0];
    assert_eq!(ours.contender, Contender::Tokenkeep);
    let three_keys = Tally {
        read_calls: 1,
        keys_read: 3,
        ..Tally::default()
    };
    let noted = Tally {
        writes: 1,
        ..three_keys
    };
    for (cost, each) in [
        (ours.costs.first_use, noted),
        (ours.costs.again, three_keys),
    ] {
        assert_eq!(cost.tally, each.times(cost.requests));
    }
    let mut others = stage.players.iter();
    let others = others
        .find(|it| it.contender == Contender::WorkersOauthProvider)
        .expect("it takes part");
    assert!(
        others.costs.again.tally.writes > 0,
        "the KV counts writes: {:?}",
        others.costs.again
    );
}

// What is measured is read from /proc.
#[cfg(target_os = "linux")]
#[test]
fn every_part_runs_to_its_end() {
    use tokenkeep_bench::{
        driver::Load,
        growth::Alone,
        login,
        refresh::{self, Effort},
        report, start,
    };

    let stage = stage();
    let effort = Effort {
        rounds: 1,
        requests: 20,
        warm_up: 1,
    };
    let refreshed = refresh::measure(&stage, effort, |_, _| {}).expect("refreshes");
    let table = report::refresh_table(&refreshed);
    for contender in Contender::ALL {
        assert!(table.contains(contender.title()), "{table}");
    }
    assert!(!table.contains("NaN"), "{table}");

    let load = Load {
        requests: 20,
        connections: 2,
    };
    let started = start::measure(&stage, 1, load, |_| {}).expect("starts");
    assert!(started.iter().all(|it| it.peak_memory > 0), "{started:?}");

    let alone = Alone::start();
    let life = alone.long_life(20, |_| {}).expect("a life");
    let served: Vec<usize> = life.iter().map(|part| part.served).collect();
    assert_eq!(served, [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);

    let logins = login::measure(1, 1).expect("logins");
    assert_eq!((logins.whole.len(), logins.without_hash.len()), (1, 1));
}
