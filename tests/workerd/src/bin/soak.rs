//! `cargo xtask soak`: see [`tokenkeep_workerd_tests::soak`].

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let seconds = env::args().nth(1).and_then(|text| text.parse().ok());
    let report = tokenkeep_workerd_tests::soak::run(seconds.unwrap_or(60));
    println!("{report}");
    if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
