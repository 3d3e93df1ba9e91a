//! Italian.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} è il tuo codice per {{app}}",
    validity: "È valido per {{minutes}} minuti e si può usare una sola volta. Non darlo a nessuno.",
    reset: Said {
        request: "Inserisci questo codice in {{app}} per scegliere una nuova password:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: la tua password resta invariata.",
    },
    change: Said {
        request: "Inserisci questo codice in {{app}} per usare questo indirizzo e-mail per il tuo account:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: non cambia nulla.",
    },
    change_notice: Notice {
        subject: "Nuovo indirizzo e-mail per il tuo account {{app}}",
        news: "Qualcuno che conosce la tua password di {{app}} ha chiesto di cambiare l’indirizzo e-mail del tuo account. Se l’hai chiesto tu, inserisci il codice inviato al nuovo indirizzo.",
        unasked: "Se non l’hai chiesto tu, scegli subito una nuova password con «Password dimenticata». Così la modifica si interrompe e tutte le sessioni terminano.",
    },
    login: Said {
        request: "Inserisci questo codice in {{app}} per accedere:",
        unasked: "Se non l’hai richiesto, puoi ignorare questa e-mail: nessuno può accedere senza il codice.",
    },
    verify: Said {
        request: "Inserisci questo codice in {{app}} per confermare il tuo indirizzo e-mail:",
        unasked: "Se non hai creato un account, puoi ignorare questa e-mail: senza il codice il tuo indirizzo non viene confermato.",
    },
    known: Said {
        request: "Hai già un account. Inserisci questo codice in {{app}} per accedere:",
        unasked: "Se non hai provato a creare un account, puoi ignorare questa e-mail: il tuo account resta invariato.",
    },
};
