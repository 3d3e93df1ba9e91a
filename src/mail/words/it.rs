//! Italian.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} è il tuo codice per {{app}}",
    validity: "È valido per {{minutes}} minuti e una sola volta. Non darlo a nessuno.",
    reset: Said {
        request: "Inserisci questo codice in {{app}} per scegliere una nuova password:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: la tua password resta invariata.",
    },
    login: Said {
        request: "Inserisci questo codice in {{app}} per accedere:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: nessuno può accedere senza il codice.",
    },
    verify: Said {
        request: "Inserisci questo codice in {{app}} per confermare il tuo indirizzo e-mail:",
        unasked: "Se non ti sei registrato, puoi ignorare questa e-mail: senza il codice il tuo indirizzo non viene confermato.",
    },
    known: Said {
        request: "Hai già un account in {{app}}. Inserisci questo codice per accedere:",
        unasked: "Se non hai provato a registrarti, puoi ignorare questa e-mail: il tuo account resta invariato.",
    },
};
