//! What a login costs: with the guard as it is, and with one that hashes nothing. The difference is
//! the guard's, which on Cloudflare is another invocation with limits of its own; what is left is
//! the Worker's own share. Accounts are in memory: no simulator of D1 is measured.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    kv::Kv,
    project::folder,
    workerd::{Settings, Workerd},
};

use crate::{
    driver::{Answer, Call, Load, ask, drive},
    process::Process,
};

/// CPU time of workerd a login, for each round.
#[derive(Debug, Default)]
pub struct Login {
    /// Worker, object and argon2id.
    pub whole: Vec<Duration>,
    /// With a stub of the object.
    pub without_hash: Vec<Duration>,
}

const DOMAIN: &str = "example.com";

/// Logs in so many times in each round, with one guard and with the other.
///
/// # Errors
/// An answer is not right.
pub fn measure(rounds: usize, requests: usize) -> Result<Login> {
    let classes = ["RealGuard", "StubGuard"];
    let guards = folder().join("tests/bench/workers/src/guards.js");
    let kv = Kv::counting();
    let starts = classes.map(|class| {
        let settings = [Settings::fresh().with_guard(&guards, class)];
        Workerd::start_on(kv.clone(), &settings, &[])
    });
    // An address has thirty logins an hour.
    let addresses = ((rounds + 1) * (requests + 1)).div_ceil(25);
    let calls = |path| -> Vec<Call> { (0..addresses).map(|number| call(path, number)).collect() };
    let log_ins = calls("/auth/login");
    for sign_up in calls("/auth/signup") {
        check(&ask(starts[0].clients[0].port, &sign_up)?)?;
    }
    let mut seen = Login::default();
    // The first round does not count: V8 compiles what is hot.
    for round in 0..=rounds {
        for (place, workerd) in starts.iter().enumerate() {
            let port = workerd.clients[0].port;
            check(&ask(port, &log_ins[0])?)?;
            let process = Process::of(workerd.process_id());
            let before = process.cpu()?;
            let load = Load {
                requests,
                connections: 1,
            };
            drive(port, &log_ins, load)?;
            let cpu = process.cpu()?.saturating_sub(before) / u32::try_from(requests)?;
            if round > 0 {
                let kept = [&mut seen.whole, &mut seen.without_hash];
                kept.into_iter().nth(place).expect("two guards").push(cpu);
            }
        }
    }
    Ok(seen)
}

fn call(path: &str, number: usize) -> Call {
    let email = format!("ada{number}@{DOMAIN}");
    let body = json!({"email": email, "password": "correct horse battery", "device": "phone"});
    Call {
        path: path.into(),
        content_type: "application/json",
        body: body.to_string().into(),
    }
}

fn check(answer: &Answer) -> Result<()> {
    let told = String::from_utf8_lossy(&answer.body);
    let json: Value = serde_json::from_str(&told).unwrap_or_default();
    let is_right = answer.status == 200
        && json["email"]
            .as_str()
            .is_some_and(|email| email.ends_with(DOMAIN))
        && json["accessToken"].is_string()
        && json["refreshToken"].is_string();
    ensure!(is_right, "a login was answered {}: {told}", answer.status);
    Ok(())
}
