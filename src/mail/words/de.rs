//! German.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} ist Ihr Code für {{app}}",
    validity: "Er ist {{minutes}} Minuten gültig und kann nur einmal verwendet werden. Geben Sie ihn an niemanden weiter.",
    reset: Said {
        request: "Geben Sie diesen Code in {{app}} ein, um ein neues Passwort zu wählen:",
        unasked: "Wenn Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren: Ihr Passwort bleibt, wie es ist.",
    },
    change: Said {
        request: "Geben Sie diesen Code in {{app}} ein, um diese E-Mail-Adresse für Ihr Konto zu verwenden:",
        unasked: "Wenn Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren: Es ändert sich nichts.",
    },
    change_notice: Notice {
        subject: "Neue E-Mail-Adresse für Ihr Konto bei {{app}}",
        news: "Jemand, der Ihr Passwort für {{app}} kennt, möchte die E-Mail-Adresse Ihres Kontos ändern. Wenn Sie das sind, geben Sie den Code ein, der an die neue Adresse gesendet wurde.",
        unasked: "Wenn Sie das nicht sind, wählen Sie jetzt über „Passwort vergessen“ ein neues Passwort. Das stoppt die Änderung und meldet alle Geräte ab.",
    },
    login: Said {
        request: "Geben Sie diesen Code in {{app}} ein, um sich anzumelden:",
        unasked: "Wenn Sie ihn nicht angefordert haben, können Sie diese E-Mail ignorieren: Ohne den Code kann sich niemand anmelden.",
    },
    verify: Said {
        request: "Geben Sie diesen Code in {{app}} ein, um Ihre E-Mail-Adresse zu bestätigen:",
        unasked: "Wenn Sie sich nicht registriert haben, können Sie diese E-Mail ignorieren: Ohne den Code wird Ihre Adresse nicht bestätigt.",
    },
    known: Said {
        request: "Sie haben bereits ein Konto. Geben Sie diesen Code in {{app}} ein, um sich anzumelden:",
        unasked: "Wenn Sie nicht versucht haben, sich zu registrieren, können Sie diese E-Mail ignorieren: Ihr Konto bleibt, wie es ist.",
    },
};
