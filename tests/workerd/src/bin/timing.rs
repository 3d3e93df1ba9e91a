//! Whether the time of an answer reveals who has an account: known and unknown addresses, shuffled,
//! against the built worker in workerd, with wrong passwords and requests for codes. Prints both
//! medians and the area under the ROC curve; 0.5 is no difference at all.
//!
//! `cargo run --release -p tokenkeep-workerd-tests --bin timing`, with a path for that route only.

use std::{env, sync::Mutex, thread, time::Instant};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, random_user},
    provider::Provider,
    workerd::{Settings, Workerd},
};

/// Accounts, and as many invented addresses. Each is asked about once: within the next minute, a
/// request for a code sends nothing.
const ADDRESSES: u32 = 300;

/// Requests side by side.
const CONNECTIONS: usize = 4;

/// A request whose answer must not depend on whether the address has an account.
struct Question {
    name: &'static str,
    path: &'static str,
    body: fn(&str) -> Value,
    status: u16,
}

/// Codes to log in are last: they make a guard remember an address without an account.
const QUESTIONS: [Question; 4] = [
    Question {
        name: "wrong password",
        path: "/auth/login",
        body: |email| json!({"email": email, "password": "wrong horse"}),
        status: 401,
    },
    Question {
        name: "forgotten password",
        path: "/auth/password/forgot",
        ..CODE
    },
    Question {
        name: "code to verify",
        path: "/auth/email/verify/send",
        ..CODE
    },
    Question {
        name: "code to log in",
        path: "/auth/code/send",
        ..CODE
    },
];

/// A request for a code.
const CODE: Question = Question {
    name: "",
    path: "",
    body: |email| json!({ "email": email }),
    status: 200,
};

fn main() {
    let provider = Provider::start();
    let settings = Settings::fresh()
        .with_accounts()
        .with_internet(provider.port)
        .with("MAIL", "resend")
        .with("MAIL_FROM", "hello@example.com")
        .with("resend_api_key", "re_123456");
    let workerd = Workerd::start(&[settings]);
    let client = &workerd.clients[0];
    let address = |_| {
        let name = random_user().to_lowercase().replace('@', ".");
        format!("{name}@example.com")
    };
    let (known, unknown): (Vec<_>, Vec<_>) = (0..ADDRESSES)
        .map(|number| (address(number), address(number)))
        .unzip();
    for email in &known {
        let account = json!({"email": email, "password": "correct horse"});
        assert_eq!(client.post("/auth/signup", &account).status, 200);
    }
    let only = env::args().nth(1);
    let asked = |question: &&Question| only.as_ref().is_none_or(|path| path == question.path);
    let aucs: Vec<_> = QUESTIONS
        .iter()
        .filter(asked)
        .map(|question| ask(client, question, &known, &unknown))
        .collect();
    for auc in aucs {
        assert!(
            (auc - 0.5).abs() < 3.0 * chance(),
            "the time tells them apart"
        );
    }
}

/// The standard deviation of the area if there is no difference (Mann and Whitney).
fn chance() -> f64 {
    let count = f64::from(ADDRESSES);
    ((2.0 * count + 1.0) / 12.0).sqrt() / count
}

/// Asks about each address: how often a known one takes longer.
fn ask(client: &Client, question: &Question, known: &[String], unknown: &[String]) -> f64 {
    let shuffled = |emails: &[String], is_known| -> Vec<(String, (String, bool))> {
        let attempt = |email: &String| (random_user(), (email.clone(), is_known));
        emails.iter().map(attempt).collect()
    };
    let mut attempts = [shuffled(known, true), shuffled(unknown, false)].concat();
    attempts.sort();
    let (queue, times) = (Mutex::new(attempts), Mutex::new([Vec::new(), Vec::new()]));
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                loop {
                    let Some((_, (email, is_known))) = queue.lock().expect("alive").pop() else {
                        return;
                    };
                    let body = (question.body)(&email);
                    let started = Instant::now();
                    let status = client.post(question.path, &body).status;
                    assert_eq!(status, question.status);
                    let took = started.elapsed().as_secs_f64() * 1000.0;
                    times.lock().expect("alive")[usize::from(is_known)].push(took);
                }
            });
        }
    });
    let [unknown, known] = times.into_inner().expect("alive");
    let auc = area_under_curve(&known, &unknown);
    println!(
        "{}: {:.1} ms, unknown address: {:.1} ms (medians of {ADDRESSES}), AUC {auc:.3}, by chance ± {:.3}",
        question.name,
        median(&known),
        median(&unknown),
        chance(),
    );
    auc
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// How often a time of the first kind is the longer one.
fn area_under_curve(longer: &[f64], shorter: &[f64]) -> f64 {
    let pairs = longer
        .iter()
        .flat_map(|long| shorter.iter().map(move |short| (long, short)));
    let (mut wins, mut count) = (0.0, 0.0);
    for (long, short) in pairs {
        count += 1.0;
        wins += match long.total_cmp(short) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
    }
    wins / count
}
