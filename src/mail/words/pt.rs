//! Portuguese.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} é o seu código para {{app}}",
    validity: "É válido durante {{minutes}} minutos e só uma vez. Não o dê a ninguém.",
    reset: Said {
        request: "Introduza este código em {{app}} para escolher uma nova palavra-passe:",
        unasked: "Se não o pediu, pode ignorar este e-mail: a sua palavra-passe continua a mesma.",
    },
};
