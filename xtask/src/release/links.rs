//! Links in the package's documents to what stays behind in the repository.

/// The text of the document at `path`, in which links to files that are not packed lead to the
/// repository at this URL.
pub fn absolute(
    text: &str,
    path: &str,
    repository: &str,
    is_packed: impl Fn(&str) -> bool,
) -> String {
    let mut parts = text.split("](");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("](");
        let target = part.split([')', '#']).next().unwrap_or_default();
        if let Some(file) = in_repository(target, path).filter(|file| !is_packed(file)) {
            result.extend([repository, "/blob/main/", &file]);
            result.push_str(&part[target.len()..]);
        } else {
            result.push_str(part);
        }
    }
    result
}

/// The file that a relative link in the document at `path` leads to.
fn in_repository(target: &str, path: &str) -> Option<String> {
    if target.is_empty() || target.contains(':') || target.contains(char::is_whitespace) {
        return None;
    }
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    Some(match (target.strip_prefix("../"), folder) {
        (None, Some(folder)) => format!("{folder}/{target}"),
        (above, _) => above.unwrap_or(target).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_linked_as_it_is_and_the_rest_in_the_repository() {
        let is_packed = |file: &str| ["README.md", "docs/a.md"].contains(&file);
        let absolute = |text, path| absolute(text, path, "https://x.example", is_packed);
        for (path, text, expected) in [
            ("README.md", "[a](docs/a.md#b) [c](#d)", None),
            ("docs/a.md", "[a](a.md) [r](../README.md#b)", None),
            ("docs/a.md", "[e](https://e.example/f) `x[0](y z)`", None),
            (
                "docs/a.md",
                "[s](../src/a.rs) [t](b.md#c)",
                Some(
                    "[s](https://x.example/blob/main/src/a.rs) [t](https://x.example/blob/main/docs/b.md#c)",
                ),
            ),
            (
                "README.md",
                "[`s`](src/a.rs).",
                Some("[`s`](https://x.example/blob/main/src/a.rs)."),
            ),
        ] {
            assert_eq!(absolute(text, path), expected.unwrap_or(text));
        }
    }
}
