//! German.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} ist Ihr Code für {{app}}",
    validity: "Er gilt {{minutes}} Minuten und nur einmal. Geben Sie ihn an niemanden weiter.",
    reset: Said {
        request: "Geben Sie diesen Code in {{app}} ein, um ein neues Passwort zu wählen:",
        unasked: "Wenn Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren: Ihr Passwort bleibt, wie es ist.",
    },
};
