//! Floods, and what they cost: calls counted in workerd.

use std::{
    fs,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tokenkeep_workerd_tests::{
    client::{Answer, Client, random_user},
    kv::writes,
    time::{HOUR, MINUTE, minute_of, now},
    tokens::random_name,
    workerd::{Settings, Workerd},
};

use crate::stage::{Chain, Stage, leak};

const PASSWORD: &str = "correct horse";

fn stage() -> &'static Workerd {
    static STAGE: LazyLock<Workerd> =
        LazyLock::new(|| Workerd::start(&[Settings::fresh().with_accounts()]));
    assert_eq!(leak(&STAGE.log()), None, "logged by some test");
    &STAGE
}

fn client() -> &'static Client {
    &stage().clients[0]
}

/// So many requests, ten at a time.
fn flood(times: usize, request: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let request = &request;
        let threads: Vec<_> = (0..10)
            .map(|first| {
                let mine = (first..times).step_by(10);
                scope.spawn(move || mine.map(request).collect::<Vec<_>>())
            })
            .collect();
        let answers = threads
            .into_iter()
            .map(|thread| thread.join().expect("answers"));
        answers.flatten().collect()
    })
}

#[test]
fn a_thousand_forged_tokens_cost_no_call_at_all() {
    let stage = Stage::start();
    let chain = Chain::unstored(now() - HOUR, now() + HOUR);
    let before = stage.kv().all_operations();
    let answers = flood(1_000, |number| {
        let forged = chain
            .claims(0, minute_of(now()))
            .sign(&format!("{} {number}", random_name()));
        match number % 4 {
            0 => stage.client().me(&forged),
            1 => stage.client().log_out(&forged),
            _ => stage.client().refresh(&forged),
        }
    });
    let refused = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(refused, 750, "and a logout is never refused");
    assert_eq!(stage.kv().all_operations(), before);
}

#[test]
fn a_flood_of_logouts_with_one_token_is_one_write() {
    let chain = Chain::begun_before(10 * MINUTE);
    let log_out = |_| Stage::shared().client().log_out(&chain.first_token());
    assert_eq!(log_out(0).status, 200);
    let answers = flood(200, log_out);
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(writes(&chain.operations()).len(), 1);
}

#[test]
fn a_flood_of_old_copies_is_one_write() {
    let chain = Chain::begun_before(HOUR).taken_up(1, now() - 10 * MINUTE);
    let old = |_| Stage::shared().client().refresh(&chain.first_token());
    old(0).assert_error(401, "refresh_token_reused");
    for answer in flood(200, old) {
        answer.assert_error(401, "session_revoked");
    }
    assert_eq!(writes(&chain.operations()).len(), 1);
}

#[test]
fn a_flood_of_ends_of_one_session_is_one_write() {
    let client = Stage::shared().client();
    let user = random_user();
    let open = || client.open_session(&json!({ "userId": user })).tokens();
    let [here, there] = [open(), open()];
    let path = format!("/auth/sessions/{}", there.session);
    let end = |number: usize| match number % 2 {
        0 => client.send_as(&here.access, "DELETE", &path, &json!({})),
        _ => client.revoke(&json!({"userId": user, "sessionId": there.session})),
    };
    assert_eq!(end(0).status, 200);
    assert!(flood(100, end).iter().all(|answer| answer.status == 200));
    let operations = Stage::shared().kv().settled_operations(&[&there.session]);
    assert_eq!(writes(&operations).len(), 2, "its begin and its end");
}

#[test]
fn a_flood_of_invented_addresses_leaves_nothing_stored() {
    // A stage of its own, whose folder nobody else writes to.
    let stage = Workerd::start(&[Settings::fresh().with_accounts()]);
    let log_in = |email: &str| {
        let body = json!({"email": email, "password": PASSWORD});
        stage.clients[0].post("/auth/login", &body)
    };
    for number in 0..15 {
        let answer = log_in(&format!("nobody{}@users.test", number % 5));
        answer.assert_error(401, "invalid_credentials");
    }
    assert_eq!(stage.kv.all_operations(), []);
    assert_eq!(with_attempts(&stage.objects()), 0);

    let email = random_user().to_lowercase();
    let account = json!({"email": email, "password": PASSWORD});
    let _ = stage.clients[0].post("/auth/signup", &account).tokens();
    assert_eq!(with_attempts(&stage.objects()), 1, "a network to trust");
    let wrong = json!({"email": email, "password": "wrong horse"});
    stage.clients[0]
        .post("/auth/login", &wrong)
        .assert_error(401, "invalid_credentials");
    assert_eq!(
        with_attempts(&stage.objects()),
        1,
        "so the search finds what there is"
    );
}

#[test]
fn fifty_attempts_at_once_by_every_way_are_one_count() {
    let email = random_user().to_lowercase();
    let account = json!({"email": email, "password": PASSWORD});
    let tokens = client().post("/auth/signup", &account).tokens();
    stage().d1.use_quick_hash(&email);
    let answers = flood(50, |number| {
        let guess = format!("horse number {number}");
        let shown = json!({"email": email, "password": guess});
        let change = json!({"currentPassword": guess, "newPassword": format!("{guess} more")});
        match number % 4 {
            0 => client().post("/auth/login", &shown),
            1 => client().post("/auth/signup", &shown),
            2 => client().send_as(&tokens.access, "POST", "/auth/password/change", &change),
            _ => client().send_as(&tokens.access, "DELETE", "/auth/me", &shown),
        }
    });
    let checked = answers.iter().filter(|answer| answer.status != 429).count();
    assert_eq!(checked, 10);
    assert!(
        answers
            .iter()
            .all(|answer| [401, 403, 409, 429].contains(&answer.status))
    );
    // One user's limit is not another's, although all come from one address.
    let other = json!({"email": random_user().to_lowercase(), "password": PASSWORD});
    let _ = client().post("/auth/signup", &other).tokens();
    let _ = client().post("/auth/login", &other).tokens();
}

#[test]
fn of_too_many_sessions_of_an_account_those_unused_for_longest_end() {
    let mut email = random_user().to_lowercase();
    let account = json!({"email": email, "password": PASSWORD});
    let first = client().post("/auth/signup", &account).tokens();
    // Each shard is full of sessions from long ago.
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let begun = now() - HOUR;
    let record = json!({"v": 1, "created_at": begun, "expires_at": now() + 100 * HOUR, "claims": {}, "account": true});
    let key = |letter: char, number: usize| {
        let id = format!("{letter}{number:02}{}A", &random_name()[..18]);
        format!("session:{}:{id}", first.user)
    };
    for letter in letters.chars() {
        for number in 0..16 {
            stage().kv.put(&key(letter, number), &record);
        }
    }
    let ended = || {
        let all = stage().kv.settled_operations(&[&first.user]);
        let writes = writes(&all).into_iter();
        writes
            .filter(|write| write.value.contains("revoked_at"))
            .count()
    };
    let mut logins = 0;
    while ended() == 0 {
        logins += 1;
        assert!(logins < 200, "one login in eight looks");
        if logins % 25 == 0 {
            // An address has thirty logins an hour.
            let next = random_user().to_lowercase();
            stage().d1.rename(&email, &next);
            email = next;
        }
        let account = json!({"email": email, "password": PASSWORD});
        let _ = client().post("/auth/login", &account).tokens();
    }
    let _ = client().refresh(&first.refresh).tokens();
    assert!(ended() <= 2, "no more than has to be");
}

#[test]
fn a_flood_of_invented_addresses_is_slowed_and_nobody_is_refused() {
    let workerd = Workerd::start(&[Settings::fresh()
        .with_accounts()
        .with_rate_limit("ATTEMPTS", 2)]);
    let client = &workerd.clients[0];
    let email = random_user().to_lowercase();
    let account = json!({"email": email, "password": PASSWORD});
    let took = |path: &str, body: &serde_json::Value| {
        let started = Instant::now();
        let status = client.post(path, body).status;
        (status, started.elapsed())
    };
    assert_eq!(took("/auth/signup", &account).0, 200);
    let pause = Duration::from_secs(2);
    let slowed = [0, 1, 2].map(|number| {
        let invented = json!({"email": format!("nobody{number}@users.test"), "password": PASSWORD});
        let (status, took) = took("/auth/login", &invented);
        assert_eq!(status, 401);
        took >= pause
    });
    assert_eq!(slowed, [false, true, true]);
    assert_eq!(took("/auth/login", &account).0, 200);
    assert_eq!(leak(&workerd.log()), None);
}

#[test]
fn a_user_who_asks_too_often_is_refused_and_nobody_else_is() {
    let settings = Settings::fresh();
    let settings = settings
        .with_rate_limit("REQUESTS", 3)
        .with_rate_limit("LISTS", 1);
    let workerd = Workerd::start(&[settings]);
    let client = &workerd.clients[0];
    let [ada, bob] = [client.new_session(), client.new_session()];
    assert_eq!(client.sessions(&ada.access, "").status, 200);
    let refused = client.sessions(&ada.access, "");
    refused.assert_error(429, "too_many_requests");
    assert_eq!(client.me(&ada.access).status, 200);
    assert_eq!(client.me(&ada.access).status, 200);
    client
        .me(&ada.access)
        .assert_error(429, "too_many_requests");
    assert_eq!(client.me(&bob.access).status, 200);
    let _ = client.refresh(&ada.refresh).tokens();
}

/// How many objects have attempts in their storage.
fn with_attempts(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| {
            if path.is_dir() {
                with_attempts(&path)
            } else {
                let bytes = fs::read(&path).expect("a file");
                usize::from(bytes.windows(13).any(|part| part == b"\"sources\":[{\""))
            }
        })
        .sum()
}
