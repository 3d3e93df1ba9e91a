//! Portuguese.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} é o seu código para {{app}}",
    validity: "É válido durante {{minutes}} minutos e só uma vez. Não o dê a ninguém.",
    reset: Said {
        request: "Introduza este código em {{app}} para escolher uma nova palavra-passe:",
        unasked: "Se não o pediu, pode ignorar este e-mail: a sua palavra-passe continua a mesma.",
    },
    change: Said {
        request: "Introduza este código em {{app}} para usar este endereço de e-mail na sua conta:",
        unasked: "Se não o pediu, pode ignorar este e-mail: nada muda.",
    },
    change_notice: Notice {
        subject: "Novo endereço de e-mail para a sua conta {{app}}",
        news: "Alguém que conhece a sua palavra-passe pediu para mudar o endereço de e-mail da sua conta {{app}}. Se foi você, introduza o código enviado para o novo endereço.",
        unasked: "Se não foi você, escolha já uma nova palavra-passe com «Esqueci-me da palavra-passe». Isso interrompe a mudança e termina todas as sessões.",
    },
    login: Said {
        request: "Introduza este código em {{app}} para iniciar sessão:",
        unasked: "Se não o pediu, pode ignorar este e-mail: ninguém pode iniciar sessão sem o código.",
    },
    verify: Said {
        request: "Introduza este código em {{app}} para confirmar o seu endereço de e-mail:",
        unasked: "Se não se registou, pode ignorar este e-mail: sem o código, o seu endereço não é confirmado.",
    },
    known: Said {
        request: "Já tem uma conta em {{app}}. Introduza este código para iniciar sessão:",
        unasked: "Se não tentou registar-se, pode ignorar este e-mail: a sua conta continua a mesma.",
    },
};
