//! Files of the project that a test writes.

use std::{env, fs, path::Path};

use serde_json::Value;

/// The JSON file at this path of the project is what was just made; with `UPDATE_DOCS` set, it is
/// written. `test` names the tests that do so.
#[track_caller]
pub fn is_current(path: &str, made: &Value, test: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let made = serde_json::to_string_pretty(made).expect("JSON") + "\n";
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, made).expect("the file can be written");
        return;
    }
    let committed = fs::read_to_string(&file).expect("the file");
    assert!(
        committed.replace("\r\n", "\n") == made,
        "{path} is out of date; to write it anew: UPDATE_DOCS=1 cargo test --test native {test}"
    );
}
