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

const EMAIL: &str = "ada@example.com";

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
    let sign_up = call("/auth/signup");
    let log_in = call("/auth/login");
    check(&ask(starts[0].clients[0].port, &sign_up)?)?;
    let mut seen = Login::default();
    // The first round does not count: V8 compiles what is hot.
    for round in 0..=rounds {
        for (place, workerd) in starts.iter().enumerate() {
            let port = workerd.clients[0].port;
            check(&ask(port, &log_in)?)?;
            let process = Process::of(workerd.process_id());
            let before = process.cpu()?;
            let load = Load {
                requests,
                connections: 1,
            };
            drive(port, std::slice::from_ref(&log_in), load)?;
            let cpu = process.cpu()?.saturating_sub(before) / u32::try_from(requests)?;
            if round > 0 {
                let kept = [&mut seen.whole, &mut seen.without_hash];
                kept.into_iter().nth(place).expect("two guards").push(cpu);
            }
        }
    }
    Ok(seen)
}

fn call(path: &str) -> Call {
    let body = json!({"email": EMAIL, "password": "correct horse battery", "device": "phone"});
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
        && json["email"] == EMAIL
        && json["accessToken"].is_string()
        && json["refreshToken"].is_string();
    ensure!(is_right, "a login was answered {}: {told}", answer.status);
    Ok(())
}
