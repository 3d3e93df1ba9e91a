//! Where the guards of accounts are created: a hint that Cloudflare follows as far as it can.

/// The hints (developers.cloudflare.com/durable-objects/reference/data-location).
const LOCATIONS: [&str; 9] = [
    "wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me",
];

/// The hint that this text is, if it is one.
#[must_use]
pub fn location(text: &str) -> Option<&'static str> {
    let text = text.trim();
    LOCATIONS.into_iter().find(|known| *known == text)
}
