//! A panic in the middle of other requests.

use std::{thread, time::Duration};

use serde_json::json;
use tokenkeep_workerd_tests::{
    kv::{Calls, Failure},
    workerd::{Settings, Workerd},
};

/// The worker as it is, on a platform that refuses random bytes to a request after as many calls as
/// it says: the worker has no use for such a platform, and panics.
const WITHOUT_CHANCE: &str = r#"
import worker, { AccountGuard } from "./index.js";
const getRandomValues = crypto.getRandomValues.bind(crypto);
export { AccountGuard };
export default {
  async fetch(request, env, context) {
    if (request.headers.has("x-without-chance-after")) {
      let left = Number(request.headers.get("x-without-chance-after"));
      crypto.getRandomValues = (bytes) => {
        if (left-- === 0) throw new Error("no chance");
        return getRandomValues(bytes);
      };
    }
    try {
      return await worker.fetch(request, env, context);
    } finally {
      crypto.getRandomValues = getRandomValues;
    }
  },
};
"#;

/// What the log says of each request that a panic ended, the one that panicked among them.
const ENDED: &str = "this request ended with the instance";

#[test]
fn a_panic_is_a_503_for_every_request_in_flight_and_the_next_ones_work() {
    let workerd = Workerd::start(&[Settings::fresh().wrapped_in(WITHOUT_CHANCE)]);
    let client = &workerd.clients[0];
    let sessions = [(); 3].map(|()| client.new_session());
    for session in &sessions {
        workerd
            .kv
            .fail(Calls::Reads, &session.user, Failure::Silence, 1);
    }
    thread::scope(|scope| {
        let in_flight = sessions
            .each_ref()
            .map(|session| scope.spawn(|| client.refresh(&session.refresh)));
        while sessions
            .iter()
            .any(|session| workerd.kv.operations(&[&session.user]).len() < 2)
        {
            thread::sleep(Duration::from_millis(5));
        }
        let request = client
            .request("POST", "/generate_jwt_secret")
            .header("x-without-chance-after", "0");
        client
            .send(request, ())
            .assert_error(503, "temporarily_unavailable");
        for call in in_flight {
            let answer = call.join().expect("an answer");
            answer.assert_error(503, "temporarily_unavailable");
        }
    });
    // The panic ended all four, and no time limit did.
    workerd.wait_for_log("panicked at", 1);
    workerd.wait_for_log(ENDED, 4);
    for session in &sessions {
        assert_eq!(client.refresh(&session.refresh).status, 200);
        assert_eq!(
            client.log_out(&session.refresh).json(),
            json!({"loggedOut": true})
        );
    }
    assert_eq!(client.get("/generate_jwt_secret").status, 200);
}

/// A guard draws its salt when the database has answered it: far from the call that it serves.
#[test]
fn a_panic_in_a_guard_is_a_503_at_once_and_the_next_try_works() {
    let workerd = Workerd::start(&[Settings::fresh().with_accounts().wrapped_in(WITHOUT_CHANCE)]);
    let client = &workerd.clients[0];
    let sign_up = || client.request("POST", "/auth/signup");
    let person = json!({"email": "ada@example.com", "password": "correct horse"});
    // The names of the request and of the account are drawn before the salt.
    let without_salt = sign_up().header("x-without-chance-after", "2");
    client
        .send(without_salt, person.to_string())
        .assert_error(503, "temporarily_unavailable");
    workerd.wait_for_log("panicked at", 1);
    // The panic itself ends the request, and no time limit.
    workerd.wait_for_log(ENDED, 1);
    let again = client.send(sign_up(), person.to_string());
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(workerd.d1.users("ada@example.com").len(), 1);
}
