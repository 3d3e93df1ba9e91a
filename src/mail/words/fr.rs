//! French.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} est votre code pour {{app}}",
    validity: "Il est valable {{minutes}} minutes et ne sert qu’une fois. Ne le communiquez à personne.",
    reset: Said {
        request: "Saisissez ce code dans {{app}} pour choisir un nouveau mot de passe\u{a0}:",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail\u{a0}: votre mot de passe reste inchangé.",
    },
    change: Said {
        request: "Saisissez ce code dans {{app}} pour utiliser cette adresse e-mail pour votre compte\u{a0}:",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail\u{a0}: rien ne change.",
    },
    change_notice: Notice {
        subject: "Nouvelle adresse e-mail pour votre compte {{app}}",
        news: "Une personne qui connaît votre mot de passe pour {{app}} a demandé à changer l’adresse e-mail de votre compte. Si c’est vous, saisissez le code envoyé à la nouvelle adresse.",
        unasked: "Si ce n’est pas vous, choisissez dès maintenant un nouveau mot de passe avec «\u{a0}Mot de passe oublié\u{a0}». Cela arrête le changement et ferme toutes les sessions.",
    },
    login: Said {
        request: "Saisissez ce code dans {{app}} pour vous connecter\u{a0}:",
        unasked: "Si vous ne l’avez pas demandé, vous pouvez ignorer cet e-mail\u{a0}: personne ne peut se connecter sans le code.",
    },
    verify: Said {
        request: "Saisissez ce code dans {{app}} pour confirmer votre adresse e-mail\u{a0}:",
        unasked: "Si vous n’avez pas créé de compte, vous pouvez ignorer cet e-mail\u{a0}: sans le code, votre adresse n’est pas confirmée.",
    },
    known: Said {
        request: "Vous avez déjà un compte. Saisissez ce code dans {{app}} pour vous connecter\u{a0}:",
        unasked: "Si vous n’avez pas essayé de créer un compte, vous pouvez ignorer cet e-mail\u{a0}: votre compte reste inchangé.",
    },
};
