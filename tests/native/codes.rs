//! The error codes as they stand in the source: what documents are held against.

use std::collections::BTreeSet;

const SOURCE: &str = include_str!("../../src/http/error.rs");

/// Status and code of each answer that `src/http/error.rs` makes.
pub fn in_source() -> BTreeSet<(u16, String)> {
    let answers = SOURCE.split("ErrorReply::new(").skip(1);
    let codes: BTreeSet<(u16, String)> = answers
        .map(|answer| {
            let mut parts = answer.splitn(3, ',').map(str::trim);
            let status = parts.next().and_then(|status| status.parse().ok());
            let code = parts.next().expect("a code").trim_matches('"');
            (status.expect("a status"), code.to_owned())
        })
        .collect();
    assert!(codes.len() > 10, "{codes:?}");
    codes
}
