//! `cargo xtask soak`: see [`tokenkeep_workerd_tests::soak`].

use std::{env, process::ExitCode};

use tokenkeep_workerd_tests::{
    soak::run,
    workerd::SessionsIn::{Kv, Objects},
};

/// For so many seconds, on the stores that are named, or on each.
fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let named: Vec<String> = arguments.collect();
    let is_wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    let mut is_good = true;
    // Named as in the setting.
    let stores = [("kv", Kv), ("durable_objects", Objects)];
    for (name, sessions) in stores.into_iter().filter(|(name, _)| is_wanted(name)) {
        let report = run(seconds.unwrap_or(60), sessions);
        println!("Sessions in {name}: {report}");
        is_good &= report.is_good();
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
