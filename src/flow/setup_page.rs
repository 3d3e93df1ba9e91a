//! `GET /`: the page that helps the owner to set up. It shows nothing that `/health` does not tell,
//! so it needs no settings: it is there to say which are missing.

use crate::port::{BuiltPage, Platform};

/// A document, and the headers that say what it may do.
pub struct SetupPage {
    /// The document.
    pub html: String,
    /// `Content-Security-Policy`.
    pub policy: String,
}

/// The page as it was built.
pub fn setup_page(platform: &impl Platform) -> SetupPage {
    let page = platform.setup_page();
    SetupPage {
        policy: policy(&page),
        html: page.html,
    }
}

/// Only the page's own style and script, known by their hashes, and only requests to this worker.
/// The icon is a `data:` address.
fn policy(page: &BuiltPage) -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
        img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        page.style_hash, page.script_hash
    )
}
