//! Italian.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} è il tuo codice per {{app}}",
    validity: "È valido per {{minutes}} minuti e una sola volta. Non darlo a nessuno.",
    reset: Said {
        request: "Inserisci questo codice in {{app}} per scegliere una nuova password:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: la tua password resta invariata.",
    },
};
