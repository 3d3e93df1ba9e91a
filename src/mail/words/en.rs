//! English.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} is your code for {{app}}",
    validity: "It is valid for {{minutes}} minutes and works once. Do not give it to anyone.",
    reset: Said {
        request: "Enter this code in {{app}} to choose a new password:",
        unasked: "If you did not ask for it, you can ignore this e-mail: your password stays as it is.",
    },
};
