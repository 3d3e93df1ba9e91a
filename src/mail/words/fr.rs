//! French.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} est votre code pour {{app}}",
    validity: "Il est valable {{minutes}} minutes et ne sert qu’une fois. Ne le communiquez à personne.",
    reset: Said {
        request: "Saisissez ce code dans {{app}} pour choisir un nouveau mot de passe :",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail : votre mot de passe reste inchangé.",
    },
    login: Said {
        request: "Saisissez ce code dans {{app}} pour vous connecter :",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail : personne ne peut se connecter sans le code.",
    },
    verify: Said {
        request: "Saisissez ce code dans {{app}} pour confirmer votre adresse e-mail :",
        unasked: "Si vous ne vous êtes pas inscrit, vous pouvez ignorer cet e-mail : sans le code, votre adresse n’est pas confirmée.",
    },
    known: Said {
        request: "Vous avez déjà un compte dans {{app}}. Saisissez ce code pour vous y connecter :",
        unasked: "Si vous n’avez pas essayé de vous inscrire, vous pouvez ignorer cet e-mail : votre compte reste inchangé.",
    },
};
