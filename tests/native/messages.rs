//! Every message of a refused request, as it stands in the source: the list in `docs/errors.md`.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
const TITLE: &str = "\n## Every message\n";

/// The source of everything that refuses a request. (The hashes that an import refuses are in
/// `docs/import.md`.)
const SOURCES: [&str; 23] = [
    "account/ask_guard.rs",
    "account/change_email.rs",
    "account/change_password.rs",
    "account/email.rs",
    "account/me.rs",
    "account/mod.rs",
    "account/password/mod.rs",
    "account/reset_password.rs",
    "account/sign_up.rs",
    "account/spelling.rs",
    "app.rs",
    "http/body.rs",
    "http/error.rs",
    "http/fields.rs",
    "http/oauth.rs",
    "http/request.rs",
    "oauth/token.rs",
    "session/cursor.rs",
    "session/end.rs",
    "session/list.rs",
    "token/claims.rs",
    "token/code.rs",
    "token/id.rs",
];

/// The code of a file without its tests and comments.
fn code(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    let text = fs::read_to_string(path).expect("a file");
    let code = text.split("#[cfg(test)]").next().expect("a beginning");
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "");
    while let Some(start) = code.find("r#\"") {
        let end = code[start..].find("\"#").expect("its end");
        code.replace_range(start..start + end + 2, "");
    }
    code
}

/// The texts in quotation marks.
fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find('"') {
        let text = &rest[start + 1..];
        let mut end = 0;
        while !text[end..].starts_with('"') {
            let escaped = usize::from(text[end..].starts_with('\\'));
            end += escaped;
            end += text[end..].chars().next().expect("an end").len_utf8();
        }
        found.push(text[..end].replace("\\\"", "\""));
        rest = &text[end + 1..];
    }
    found
}

/// The text up to the bracket that ends this call.
fn arguments(after: &str) -> &str {
    let mut depth = 1;
    let mut in_text = false;
    let end = after.char_indices().find(|(at, character)| {
        match character {
            '"' if !after[..*at].ends_with('\\') => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &after[..end.expect("a bracket").0]
}

/// A message as people read it: a value is an ellipsis.
fn read(message: &str) -> String {
    let message = message.replace("{LOG_IN}", "The user has to log in again.");
    let mut parts = message.split('{');
    let mut text = parts.next().expect("a beginning").to_owned();
    for part in parts {
        text += "…";
        text += part.split_once('}').expect("a value").1;
    }
    text
}

/// Each with its status and code.
fn in_source() -> BTreeSet<(u16, String, String)> {
    let mut found = BTreeSet::new();
    let mut add = |status, code: &str, message: &str| {
        found.insert((status, code.to_owned(), read(message)));
    };
    for path in SOURCES {
        let source = code(path);
        for answer in source.split("ErrorReply::new(").skip(1) {
            let Ok(status) = answer[..3].parse() else {
                continue;
            };
            let texts = literals(arguments(answer));
            if status < 500
                && let [code, message, ..] = texts.as_slice()
            {
                add(status, code, message);
            }
        }
        for call in ["Problem(", "BadInput::body(", "BadInput::field("] {
            for after in source.split(call).skip(1) {
                let texts = literals(arguments(after));
                if let Some(message) = texts
                    .last()
                    .filter(|text| text.contains(' ') && !text.contains("{arrived}"))
                    && !message.contains("password hash")
                {
                    let dot = if message.ends_with('.') { "" } else { "." };
                    add(400, "invalid_request", &format!("{message}{dot}"));
                }
            }
        }
        // The rest of "The body …".
        if path == "http/body.rs" {
            let arrived = literals(&source).into_iter();
            for text in
                arrived.filter(|text| text.starts_with("is ") || text.starts_with("begins "))
            {
                add(
                    400,
                    "invalid_request",
                    &format!("The body {text}. Send JSON such as …."),
                );
            }
        }
    }
    found
}

fn list() -> String {
    let mut text = String::new();
    let mut last = None;
    for (status, code, message) in in_source() {
        if last.as_ref() != Some(&(status, code.clone())) {
            let _ = write!(text, "\n**{status} `{code}`**\n\n");
            last = Some((status, code));
        }
        let _ = writeln!(text, "- {}", message.replace('<', "\\<"));
    }
    text
}

#[test]
fn every_message_of_a_refused_request_is_in_the_docs() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let (before, rest) = page.split_once(TITLE).expect("the chapter");
    let intro = rest.split("\n**").next().expect("its beginning");
    let made = format!("{before}{TITLE}{}\n{}", intro.trim_end(), list());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, made).expect("the page can be written");
    } else {
        assert!(
            page == made,
            "docs/errors.md is out of date; to write it anew: UPDATE_DOCS=1 cargo test --test native messages"
        );
    }
}

#[test]
fn the_list_has_messages_of_every_kind() {
    let all = list();
    for text in [
        "has an invisible character in it",
        "is a variable that was not filled in",
        "The body is HTML or XML.",
        "contains half of a character",
        "contains a field twice",
        "The body did not arrive within",
        "must be at most 2048 bytes of JSON",
        "This is the accessToken",
        "Too many attempts. Try again in … seconds.",
        "must be true or false",
    ] {
        assert!(all.contains(text), "{text}\n{all}");
    }
}
