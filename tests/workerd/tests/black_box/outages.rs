//! KV, the table of accounts and the guards out of order, in workerd: `docs/faults.md` has all
//! faults of all calls, here are those that depend on how the runtime tells them.

use std::{
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Answer, Client, Tokens, random_user},
    kv::{Calls, Failure},
    workerd::{
        SessionsIn::{BrokenObjects, Objects},
        Settings, Workerd,
    },
};

use crate::stage::leak;

const PASSWORD: &str = "correct horse";
const GET_IS_GIVEN_UP: Duration = Duration::from_secs(5);
const REQUEST_IS_GIVEN_UP: Duration = Duration::from_secs(10);

/// What a table of accounts may say that makes no sense.
const NONSENSE: [Failure; 8] = [
    Failure::Rubbish(""),
    Failure::Rubbish("rubbish"),
    Failure::Rubbish("[]"),
    Failure::Rubbish("{}"),
    Failure::Rubbish(r#"[{"success":true,"results":{"columns":["id"],"rows":[["x"]]},"meta":{}}]"#),
    Failure::Rubbish(r#"[{"success":true,"results":7,"meta":{"changes":"x"}}]"#),
    Failure::Rubbish(r#"[{"success":false,"error":"D1_ERROR: too many requests queued"}]"#),
    Failure::Rubbish("<html>Bad gateway</html>"),
];

const ERRORS: [Failure; 4] = [
    Failure::Status(429),
    Failure::Status(500),
    Failure::Silence,
    Failure::Delay(Duration::from_secs(20)),
];

fn stage() -> &'static Workerd {
    static STAGE: LazyLock<Workerd> = LazyLock::new(|| {
        let settings = Settings::fresh();
        Workerd::start(&[
            settings.clone().with_accounts(),
            settings.with_broken_guards(),
        ])
    });
    assert_eq!(leak(&STAGE.log()), None, "logged by some test");
    &STAGE
}

fn client() -> &'static Client {
    &stage().clients[0]
}

fn address() -> String {
    random_user().to_lowercase()
}

fn sign_up(client: &Client, email: &str) -> Answer {
    client.post(
        "/auth/signup",
        &json!({"email": email, "password": PASSWORD}),
    )
}

fn log_in(email: &str) -> Answer {
    client().post(
        "/auth/login",
        &json!({"email": email, "password": PASSWORD}),
    )
}

/// Every request that needs the account.
fn requests(email: &str, tokens: &Tokens) -> [Answer; 6] {
    let send = |method: &'static str, path: &'static str, body: Value| {
        let tokens = tokens.clone();
        thread::spawn(move || {
            let limit = match method {
                "GET" => GET_IS_GIVEN_UP,
                _ => REQUEST_IS_GIVEN_UP,
            };
            let started = Instant::now();
            let answer = match method {
                "GET" => client().me(&tokens.access),
                _ => client().send_as(&tokens.access, method, path, &body),
            };
            assert!(started.elapsed() < limit, "{:?}", started.elapsed());
            answer
        })
    };
    let account = json!({"email": email, "password": PASSWORD});
    let change = json!({"currentPassword": PASSWORD, "newPassword": "better horse"});
    [
        send("GET", "/auth/me", json!({})),
        send("POST", "/auth/login", account.clone()),
        send("POST", "/auth/signup", account.clone()),
        send("PATCH", "/auth/me", json!({"name": "Ada"})),
        send("POST", "/auth/password/change", change),
        send("DELETE", "/auth/me", account),
    ]
    .map(|answer| answer.join().expect("in time"))
}

#[test]
fn a_table_of_accounts_out_of_order_is_a_503_on_every_route_and_does_nothing() {
    let failing = ERRORS.into_iter().chain(NONSENSE);
    // Passwords are hashed one after the other, the outages are waited for all at once.
    let people: Vec<_> = failing
        .map(|failure| {
            let email = address();
            let tokens = sign_up(client(), &email).tokens();
            (failure, email, tokens)
        })
        .collect();
    thread::scope(|scope| {
        for (failure, email, tokens) in &people {
            scope.spawn(move || {
                for value in [email, &tokens.user] {
                    stage().d1.fail(value, *failure);
                }
                for answer in requests(email, tokens) {
                    answer.assert_error(503, "temporarily_unavailable");
                }
                // What needs no account goes on.
                let _ = client().refresh(&tokens.refresh).tokens();
                for value in [email, &tokens.user] {
                    stage().d1.mend(value);
                }
            });
        }
    });
    for (failure, email, tokens) in &people {
        assert_eq!(log_in(email).tokens().user, tokens.user, "{failure:?}");
        assert_eq!(client().me(&tokens.access).status, 200);
    }
}

#[test]
fn a_sign_up_whose_row_is_written_and_whose_answer_is_lost_can_be_repeated() {
    let email = address();
    // The row is added, but the answer comes after the phone has given up.
    let late = Failure::Delay(Duration::from_secs(7));
    stage().d1.fail(&email, late);
    sign_up(client(), &email).assert_error(503, "temporarily_unavailable");
    stage().d1.mend(&email);
    let tokens = sign_up(client(), &email).tokens();
    assert_eq!(stage().d1.users(&email), std::slice::from_ref(&tokens.user));
    assert_eq!(log_in(&email).tokens().user, tokens.user);
}

#[test]
fn a_change_of_password_that_comes_late_does_not_undo_a_later_one() {
    let workerd = Workerd::start(&[Settings::fresh().with_accounts()]);
    let client = &workerd.clients[0];
    let email = address();
    let tokens = sign_up(client, &email).tokens();
    let change = |new: &str| {
        let change = json!({"currentPassword": PASSWORD, "newPassword": new});
        client.send_as(&tokens.access, "POST", "/auth/password/change", &change)
    };
    // Only the change itself has the hash among its values.
    let hash = workerd.d1.password_hash(&email);
    workerd
        .d1
        .fail(&hash, Failure::Delay(Duration::from_secs(7)));
    change("second horse").assert_error(503, "temporarily_unavailable");
    workerd.d1.mend(&hash);
    assert_eq!(change("third horse").status, 200);
    while workerd.d1.late() == 0 {
        thread::sleep(Duration::from_millis(100));
    }
    let third = json!({"email": email, "password": "third horse"});
    assert_eq!(client.post("/auth/login", &third).status, 200);
}

#[test]
fn guards_out_of_order_are_a_503_before_the_phone_gives_up() {
    let broken = &stage().clients[1];
    let tests: Vec<_> = ["fails", "silent", "slow", "rubbish", "nothing", "other"]
        .map(|way| {
            thread::spawn(move || {
                let email = format!("{way}.{}", address());
                for path in ["/auth/login", "/auth/signup"] {
                    let started = Instant::now();
                    let body = json!({"email": email, "password": PASSWORD});
                    broken
                        .post(path, &body)
                        .assert_error(503, "temporarily_unavailable");
                    assert!(started.elapsed() < REQUEST_IS_GIVEN_UP, "{way}");
                }
                assert!(stage().d1.users(&email).is_empty());
            })
        })
        .into();
    for test in tests {
        test.join().expect("as it should be");
    }
}

#[test]
fn objects_with_sessions_out_of_order_are_a_503_before_the_phone_gives_up() {
    // Both workers have the same secrets.
    let settings = Settings::fresh();
    let [good, broken] = [Objects, BrokenObjects].map(|it| settings.clone().with_sessions_in(it));
    let workerd = Workerd::start(&[good, broken]);
    let [good, broken] = &workerd.clients[..] else {
        panic!("two workers");
    };
    thread::scope(|scope| {
        for way in ["fails", "silent", "slow", "rubbish", "nothing", "other"] {
            scope.spawn(move || {
                let user = json!({"userId": format!("{way}.{}", random_user())});
                let tokens = good.open_session(&user).tokens();
                let requests: [&dyn Fn() -> Answer; 4] = [
                    &|| broken.refresh(&tokens.refresh),
                    &|| broken.me(&tokens.access),
                    &|| broken.log_out(&tokens.refresh),
                    &|| broken.open_session(&user),
                ];
                for request in requests {
                    let started = Instant::now();
                    request().assert_error(503, "temporarily_unavailable");
                    assert!(started.elapsed() < GET_IS_GIVEN_UP, "{way}");
                }
                let _ = good.refresh(&tokens.refresh).tokens();
            });
        }
    });
}

#[test]
fn a_guard_that_fails_ends_no_session_and_logging_out_of_one_goes_on() {
    let email = format!("fails.{}", address());
    // Both workers have the same secrets, table and sessions; only the guards differ.
    let tokens = sign_up(client(), &email).tokens();
    let broken = &stage().clients[1];
    let all = broken.send_as(&tokens.access, "POST", "/auth/logout/all", &json!({}));
    all.assert_error(503, "temporarily_unavailable");
    assert_eq!(broken.refresh(&tokens.refresh).status, 200);
    assert_eq!(broken.log_out(&tokens.refresh).status, 200);
    broken
        .refresh(&tokens.refresh)
        .assert_error(401, "session_revoked");
}

#[test]
fn an_answer_of_the_store_that_makes_no_sense_is_a_503_and_not_a_logout() {
    let tokens = sign_up(client(), &address()).tokens();
    for body in [
        "",
        "rubbish",
        "{}",
        "[]",
        "null",
        "7",
        r#"{"x":"y"}"#,
        "<html>Bad gateway</html>",
    ] {
        let kv = &stage().kv;
        kv.fail_for_ever(Calls::Reads, &tokens.user, Failure::Rubbish(body));
        for answer in [
            client().refresh(&tokens.refresh),
            client().me(&tokens.access),
            client().sessions(&tokens.access, ""),
            client().log_out(&tokens.refresh),
            client().send_as(&tokens.access, "POST", "/auth/logout/all", &json!({})),
        ] {
            assert_eq!(answer.status, 503, "{body:?}: {}", answer.text);
        }
        kv.mend(&tokens.user);
        let _ = client().refresh(&tokens.refresh).tokens();
    }
}

#[test]
fn a_listing_that_makes_no_sense_deletes_no_account_by_halves() {
    let email = address();
    let tokens = sign_up(client(), &email).tokens();
    let prefix = format!("session:{}:", tokens.user);
    let password = json!({ "password": PASSWORD });
    let delete = || client().send_as(&tokens.access, "DELETE", "/auth/me", &password);
    let kv = &stage().kv;
    for body in ["", "rubbish", "{}", r#"{"keys":7}"#] {
        kv.fail_lists(&prefix, Failure::Rubbish(body));
        delete().assert_error(503, "temporarily_unavailable");
        kv.mend(&prefix);
    }
    delete().assert_error(401, "session_revoked");
    assert!(stage().d1.users(&email).is_empty());
    assert_eq!(kv.keys(&prefix), Vec::<String>::new());
    client()
        .refresh(&tokens.refresh)
        .assert_error(401, "session_revoked");
}
