//! What the operator can read: events, and never a token, a secret or a user.

use serde_json::json;
use tokenkeep_workerd_tests::{
    kv::{Calls, Failure},
    time::{HOUR, MINUTE, now},
    workerd::{SECRET_MARK, Settings, Workerd},
};

use crate::stage::{Chain, Stage, leak};

#[test]
fn the_log_names_events_and_never_a_token_a_secret_or_a_user() {
    let stage = Stage::shared();
    let client = stage.client();
    let session = client.new_session();
    let calls = [
        client.refresh(&session.refresh),
        client.refresh(&session.access),
        client.refresh(&format!("{}x", session.refresh)),
        client.me(&session.access),
        client.me(&session.refresh),
        client.log_out(&session.refresh),
        client.refresh(&session.refresh),
        client.me(&session.access),
        client.open_session(&json!({"userId": session.user, "claims": []})),
        client.get(&format!(
            "/auth/{}?token={}",
            session.refresh, session.access
        )),
        client.post_bytes("/auth/token", session.refresh.as_bytes()),
    ];
    assert!(calls.iter().all(|answer| answer.status < 500));

    let stolen = Chain::begun_before(HOUR).taken_up(1, now() - 10 * MINUTE);
    client
        .refresh(&stolen.first_token())
        .assert_error(401, "refresh_token_reused");

    let failing = Chain::begun_before(10 * MINUTE);
    for calls in [Calls::Reads, Calls::Writes] {
        for part in [&failing.user, &failing.session] {
            stage.kv().fail_for_ever(calls, part, Failure::Status(500));
        }
    }
    client
        .refresh(&failing.first_token())
        .assert_error(503, "temporarily_unavailable");
    let rubbish = Chain::begun_before(10 * MINUTE);
    stage
        .kv()
        .put_text(&rubbish.session_key(), &format!("{} rubbish", rubbish.user));
    client
        .refresh(&rubbish.first_token())
        .assert_error(503, "temporarily_unavailable");

    let log = stage.log();
    assert_eq!(leak(&log), None);
    for event in [
        r#""event":"refresh_token_reused""#,
        r#""event":"fault""#,
        &stolen.session[..8],
    ] {
        assert!(log.contains(event), "{event} is not in the log:\n{log}");
    }
}

#[test]
fn a_worker_that_is_not_set_up_logs_no_secret_either() {
    let good = Settings::fresh();
    let workerd = Workerd::start(&[
        good.clone().with("refresh_token_secret", &SECRET_MARK[..9]),
        good.clone().with("service_key", &SECRET_MARK[..9]),
        good.clone().with_unreachable_store(),
        good.without_store(),
    ]);
    let session = Stage::shared().client().new_session();
    for client in &workerd.clients {
        for answer in [
            client.refresh(&session.refresh),
            client.open_session(&json!({"userId": session.user})),
            client.get("/health"),
        ] {
            assert!(answer.status >= 400, "{}", answer.text);
        }
    }
    let log = workerd.log();
    assert_eq!(leak(&log), None);
    assert!(!log.contains(&SECRET_MARK[..9]), "{log}");
    assert!(log.contains(r#""event":"fault""#), "{log}");
}
