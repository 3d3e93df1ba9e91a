//! What is in the built files, and what is not.

use std::{env, fs};

use tokenkeep_workerd_tests::project::folder;

#[test]
fn the_worker_tells_nothing_of_the_computer_that_built_it() {
    let project = folder().canonicalize().expect("the project's folder");
    let mut secrets = vec![project.to_string_lossy().into_owned()];
    for name in ["HOME", "USERPROFILE", "CARGO_HOME", "RUSTUP_HOME"] {
        // A home of "/" tells nothing.
        secrets.extend(env::var(name).ok().filter(|folder| folder.len() > 1));
    }
    secrets.extend(["/.cargo/", "\\.cargo\\", "/.rustup/", "/registry/src/"].map(str::to_owned));
    for name in ["index_bg.wasm", "index.js"] {
        let bytes = fs::read(folder().join("build").join(name)).expect("cargo xtask build");
        let has = |text: &str| {
            let mut windows = bytes.windows(text.len());
            windows.any(|window| window == text.as_bytes())
        };
        for secret in &secrets {
            assert!(!has(secret), "{secret} is in build/{name}");
        }
        // It does name files, or there would be nothing to see.
        assert_eq!(has("/crates/"), name == "index_bg.wasm");
    }
}
