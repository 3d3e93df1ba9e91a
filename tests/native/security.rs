//! `docs/security.md` names a test for what it says.

use std::{collections::BTreeSet, fs, path::Path};

use tokenkeep::config::NAMES;

/// Every function that is a test in the Rust files below a folder.
fn tests_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(tests_of(&fs::read_to_string(&path).expect("text")));
        }
    }
}

/// The names of what follows `#[test]` or `#[rstest]`, and of properties.
fn tests_of(text: &str) -> Vec<String> {
    let after_mark = text.split("test]").skip(1);
    after_mark
        .filter_map(|after| after.split_once("fn ")?.1.split('(').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    for folder in ["src", "tests"] {
        tests_in(&root.join(folder), &mut tests);
    }
    let page = fs::read_to_string(root.join("docs/security.md")).expect("the page");
    // Names of tests are sentences; of code, the page names nothing with three underscores or more
    // but settings.
    let is_plain = |name: &str| !name.contains(|c: char| c == '.' || c.is_uppercase());
    let is_sentence =
        |name: &&str| name.matches('_').count() >= 3 && is_plain(name) && !NAMES.contains(name);
    let named: Vec<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_sentence)
        .collect();
    assert!(named.len() >= 50, "{}", named.len());
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| !tests.contains(**name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
