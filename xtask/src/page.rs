//! The setup page: from the three files of `page/` to one module that the worker hands out.
//!
//! Its style and its script become part of the document, so that one request brings all of it, and
//! the browser is told their hashes: nothing else may run (Content Security Policy Level 3,
//! section 2.3.1).

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{process::output_of, project::Project, stamp::cannot_write, tools::Tools};

/// The document, its style and its script.
pub const SOURCES: [&str; 3] = ["page/page.html", "page/page.css", "page/page.js"];

const STYLE: &str = r#"<link rel="stylesheet" href="page.css">"#;
const SCRIPT: &str = r#"<script src="page.js" defer></script>"#;

/// Writes `page.js`, which `src/platform/page.rs` imports.
pub fn build(project: &Project, tools: &Tools, staging: &Path) -> Result<()> {
    let [html, css, js] = SOURCES;
    let document =
        fs::read_to_string(project.path(html)).with_context(|| format!("cannot read {html}"))?;
    let style = minified(project, tools, css)?;
    let script = minified(project, tools, js)?;
    let module = module(&document, &style, &script)?;
    let target = staging.join("page.js");
    fs::write(&target, module).with_context(|| cannot_write(&target))
}

fn minified(project: &Project, tools: &Tools, source: &str) -> Result<String> {
    let mut esbuild = tools.esbuild();
    esbuild
        .arg(project.path(source))
        .args(["--bundle", "--minify"]);
    esbuild.args(["--target=es2022", "--charset=utf8", "--log-level=warning"]);
    if Path::new(source)
        .extension()
        .is_some_and(|kind| kind == "js")
    {
        esbuild.arg("--format=iife");
    }
    let text = output_of(&mut esbuild, "esbuild")?;
    Ok(text.trim().to_owned())
}

fn module(document: &str, style: &str, script: &str) -> Result<String> {
    for place in [STYLE, SCRIPT] {
        let count = document.matches(place).count();
        ensure!(count == 1, "page.html has {count} times {place}, not once");
    }
    let lines: Vec<&str> = document.lines().map(str::trim).collect();
    // The script goes where the document ends: there it finds what it works on.
    let html = lines
        .join("\n")
        .replace(">\n", ">")
        .replace(STYLE, &format!("<style>{style}</style>"))
        .replace(SCRIPT, "")
        .replace("</body>", &format!("<script>{script}</script></body>"));
    Ok(format!(
        "export const html = () => {};\nexport const policy = () => {};\n",
        Value::from(html),
        Value::from(policy(style, script)),
    ))
}

/// Only the page's own style and script, and only requests to its own worker. Its icon is a `data:`
/// address.
fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(style),
        hash(script)
    )
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<head>\n  <link rel=\"stylesheet\" href=\"page.css\">\n  \
        <script src=\"page.js\" defer></script>\n</head>\n<body>\n  <p>\"</p>\n</body>\n";

    #[test]
    fn style_and_script_become_part_of_the_document() {
        let module = module(DOCUMENT, "p{}", "f()").unwrap();
        let lines: Vec<&str> = module.lines().collect();
        let text = |line: &str, name: &str| -> String {
            let json = line
                .strip_prefix(&format!("export const {name} = () => "))
                .and_then(|rest| rest.strip_suffix(';'));
            serde_json::from_str(json.unwrap()).unwrap()
        };
        assert_eq!(
            text(lines[0], "html"),
            "<head><style>p{}</style></head><body><p>\"</p><script>f()</script></body>"
        );
        assert_eq!(text(lines[1], "policy"), policy("p{}", "f()"));
    }

    #[test]
    fn the_policy_allows_only_what_the_page_needs() {
        let policy = policy("p{}", "alert('Hello, world.');");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        for part in [
            "script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=';",
            "connect-src 'self';",
            "base-uri 'none';",
            "form-action 'none';",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{part} is not in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'));
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        // Content Security Policy Level 3, section 8.4.
        let hash = hash("alert('Hello, world.');");
        assert_eq!(hash, "qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }

    #[test]
    fn a_document_without_its_script_is_refused() {
        let error = module("<p></p>", "", "").unwrap_err().to_string();
        assert!(error.contains("page.css"), "{error}");
    }
}
