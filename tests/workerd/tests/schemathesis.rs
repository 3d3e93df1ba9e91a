//! Requests that nobody thought of: [schemathesis](https://schemathesis.io) makes them up from
//! `/openapi.json`, good and bad ones, and looks whether each answer is documented.
//!
//! It takes half a minute. For a longer search:
//! `SCHEMATHESIS_EXAMPLES=500 cargo xtask test -- --test schemathesis`.

use std::{
    env,
    process::{Command, Stdio},
};

use tokenkeep_workerd_tests::{
    project::{folder, python, temporary_folder},
    wrangler::Project,
};

/// Requests made up for each operation, besides those for the edges of its schemas.
const EXAMPLES: &str = "5";

/// A Python module, in a folder of its own.
fn run(command: &mut Command) -> (bool, String) {
    let here = temporary_folder();
    let output = command
        .current_dir(here.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("Python");
    let printed = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&printed).into_owned(),
    )
}

#[test]
fn the_document_is_openapi_3_1_and_that_for_bravo_swagger_2_0() {
    for (name, version) in [("openapi.json", "3.1"), ("bravo.json", "2.0")] {
        let document = folder().join("public").join(name).canonicalize();
        let (valid, printed) = run(Command::new(python())
            .args(["-m", "openapi_spec_validator", "--schema", version])
            .arg(document.expect("the document")));
        assert!(valid, "{printed}");
    }
}

#[test]
fn whatever_is_sent_the_answer_is_documented_and_no_fault() {
    let project = Project::new();
    let wrangler = project.start();
    let url = &wrangler.client.origin;
    let examples = env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.into());
    let ours = folder().join("tests/schemathesis");
    let ours = ours.canonicalize().expect("hooks and settings");
    let (passed, printed) = run(Command::new(python())
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(ours.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{url}/openapi.json"))
        .args(["--checks", "all", "--seed", "1", "--workers", "2"])
        .args(["--max-examples", &examples, "--no-color"])
        .env("PYTHONPATH", &ours)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("TOKENKEEP_URL", url)
        .env("TOKENKEEP_SERVICE_KEY", project.service_key())
        .env("NO_PROXY", "127.0.0.1"));
    println!("{printed}");
    assert!(passed, "schemathesis found something: see above");

    let log = wrangler.log();
    let answers = |status: &str| log.matches(&format!(r#""status":{status}"#)).count();
    assert_eq!(answers("5"), 0, "a fault:\n{log}");
    for status in ["200", "400", "401", "403", "404", "405", "409"] {
        assert!(answers(status) > 0, "no {status}: it has not seen much");
    }
    assert!(!log.contains("correct horse"), "a password in the log");
}
