//! English.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} is your code for {{app}}",
    validity: "It is valid for {{minutes}} minutes and works once. Do not give it to anyone.",
    reset: Said {
        request: "Enter this code in {{app}} to choose a new password:",
        unasked: "If you did not ask for it, you can ignore this e-mail: your password stays as it is.",
    },
    change: Said {
        request: "Enter this code in {{app}} to use this e-mail address for your account:",
        unasked: "If you did not ask for it, you can ignore this e-mail: nothing changes.",
    },
    change_notice: Notice {
        subject: "A new e-mail address for your account with {{app}}",
        news: "Somebody who knows your password for {{app}} has asked to change the e-mail address of your account. If it was you, enter the code that was sent to the new address.",
        unasked: "If it was not you, choose a new password now, with “Forgot password”. That stops the change and logs out every device.",
    },
    login: Said {
        request: "Enter this code in {{app}} to log in:",
        unasked: "If you did not ask for it, you can ignore this e-mail: nobody can log in without the code.",
    },
    verify: Said {
        request: "Enter this code in {{app}} to confirm your e-mail address:",
        unasked: "If you did not sign up, you can ignore this e-mail: without the code, your address is not confirmed.",
    },
    known: Said {
        request: "You already have an account. Enter this code in {{app}} to log in to it:",
        unasked: "If you did not try to sign up, you can ignore this e-mail: your account stays as it is.",
    },
};
