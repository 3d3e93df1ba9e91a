//! French.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} est votre code pour {{app}}",
    validity: "Il est valable {{minutes}} minutes et ne sert qu’une fois. Ne le communiquez à personne.",
    reset: Said {
        request: "Saisissez ce code dans {{app}} pour choisir un nouveau mot de passe :",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail : votre mot de passe reste inchangé.",
    },
};
