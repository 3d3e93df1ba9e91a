//! A short soak; `cargo xtask soak` is a long one.

use rstest::rstest;
use serde_json::json;
use tokenkeep_workerd_tests::{
    soak::{run, run_with},
    workerd::SessionsIn::{self, Kv, Objects},
};

#[rstest]
fn nothing_that_was_acknowledged_is_lost_when_workerd_is_killed(
    #[values(Kv, Objects)] sessions: SessionsIn,
) {
    let report = run(16, sessions);
    println!("{report}");
    assert!(report.is_good(), "{report}");
    assert_eq!(report.kills, 4);
    assert!(report.acknowledged > 50, "{report}");
    assert!(report.repeated > 0, "no kill was noticed: {report}");
}

#[test]
fn a_store_that_ends_sessions_of_its_own_accord_is_found_out() {
    let report = run_with(6, Kv, |workerd| {
        for key in workerd.kv.keys("session:") {
            workerd.kv.put(&key, &json!({"v": 1, "revoked_at": 1}));
        }
    });
    let lost = |what: &str| report.losses.iter().any(|loss| loss.contains(what));
    assert!(lost("a refresh"), "{report}");
}
