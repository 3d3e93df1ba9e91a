//! What the operator can read: events, and never a token, a secret or a user.

use std::{thread, time::Duration};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, random_user},
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

/// The worker's own lines, once there are as many of requests as were sent: a line may come later
/// than its answer.
fn lines(workerd: &Workerd, requests: usize) -> Vec<Value> {
    for _ in 0..100 {
        let log = workerd.log();
        let ours = log.lines().filter(|line| line.starts_with("{\"event\""));
        let lines: Vec<Value> = ours
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        if of(&lines, "request").len() >= requests {
            return lines;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("less than {requests} lines:\n{}", workerd.log());
}

fn of<'l>(lines: &'l [Value], event: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

/// The worker in a data centre of Cloudflare's.
const IN_MADRID: &str = r#"
import worker, { AccountGuard } from "./index.js";
export { AccountGuard };
export default {
  fetch: (request, env, context) =>
    worker.fetch(new Request(request, { cf: { colo: "MAD" } }), env, context),
};
"#;

#[test]
fn the_life_of_an_account_leaves_a_line_a_request_and_nothing_of_anyone() {
    const PASSWORD: &str = "correct horse";
    const DEVICE: &str = "Ada's secret phone";
    let settings = Settings::fresh().with_accounts().wrapped_in(IN_MADRID);
    let workerd = Workerd::start(&[settings]);
    let client = &workerd.clients[0];
    let email = random_user().to_lowercase();
    let mut answers: Vec<Answer> = Vec::new();
    let log_in = |password: &str| {
        let body = json!({"email": email, "password": password, "device": DEVICE});
        client.post("/auth/login", &body)
    };

    let person = json!({"email": email, "password": PASSWORD, "name": "Augusta", "device": DEVICE});
    answers.push(client.post("/auth/signup", &person));
    let first = answers[0].tokens();
    answers.push(log_in(PASSWORD));
    let second = answers[1].tokens();
    let bearer =
        |method: &str, path: &str, body: Value| client.send_as(&first.access, method, path, &body);
    answers.extend([
        client.refresh(&first.refresh),
        client.me(&first.access),
        client.sessions(&first.access, &format!("?cursor=&x={}", first.refresh)),
        bearer("PATCH", "/auth/me", json!({"name": "Augusta Ada"})),
        bearer(
            "DELETE",
            &format!("/auth/sessions/{}", second.session),
            json!({}),
        ),
        bearer(
            "POST",
            "/auth/password/change",
            json!({"currentPassword": PASSWORD, "newPassword": "better horse"}),
        ),
        bearer("POST", &format!("/{email}"), json!({})),
        client.open_session(&json!({"userId": email})),
        client.revoke(&json!({"userId": email})),
        client.send_as("wrong", "POST", "/auth/revoke", &json!({"userId": email})),
    ]);
    answers.extend((0..11).map(|_| log_in("wrong horse")));
    answers.push(bearer("POST", "/auth/logout/all", json!({})));
    answers.push(bearer(
        "DELETE",
        "/auth/me",
        json!({"password": "better horse"}),
    ));

    let lines = lines(&workerd, answers.len());
    let requests = of(&lines, "request");
    let told: Vec<_> = requests
        .iter()
        .map(|line| line["status"].as_u64())
        .collect();
    let seen: Vec<_> = answers
        .iter()
        .map(|answer| Some(answer.status.into()))
        .collect();
    assert_eq!(told, seen);
    assert_eq!(requests[6]["route"], "/auth/sessions/{id}");
    for (line, answer) in requests.iter().zip(&answers) {
        assert!(line["ms"].is_u64() && line["place"] == "MAD", "{line}");
        if answer.status >= 400 {
            assert_eq!(line["code"], answer.json()["code"]);
            assert_eq!(line["requestId"], answer.json()["requestId"]);
        }
    }
    let reasons: Vec<_> = of(&lines, "sessions_revoked")
        .iter()
        .map(|line| line["reason"].as_str().unwrap_or_default())
        .collect();
    let expected = [
        "ended_by_user",
        "password_changed",
        "ended_by_owner",
        "logged_out_everywhere",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(of(&lines, "service_key_invalid").len(), 1);
    assert_eq!(of(&lines, "too_many_attempts").len(), 1);

    assert_eq!(leak(&workerd.log()), None);
    for line in lines {
        let line = line.to_string();
        for personal in [
            &email,
            &first.user,
            &first.session,
            &second.session,
            PASSWORD,
            "horse",
            "Augusta",
            DEVICE,
            "127.0.0.1",
            client.origin.as_str(),
        ] {
            assert!(!line.contains(personal), "{personal}: {line}");
        }
    }
}
