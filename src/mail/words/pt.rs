//! Portuguese, in words that Brazil and Portugal share.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} é o seu código para {{app}}",
    validity: "É válido durante {{minutes}} minutos e só pode ser usado uma vez. Não o revele a ninguém.",
    reset: Said {
        request: "Insira este código em {{app}} para escolher uma nova senha:",
        unasked: "Se não o pediu, pode ignorar este e-mail: a sua senha continua a mesma.",
    },
    change: Said {
        request: "Insira este código em {{app}} para usar este endereço de e-mail na sua conta:",
        unasked: "Se não o pediu, pode ignorar este e-mail: nada muda.",
    },
    change_notice: Notice {
        subject: "Novo endereço de e-mail para a sua conta {{app}}",
        news: "Alguém que conhece a sua senha de {{app}} pediu a alteração do endereço de e-mail da sua conta. Se foi você, insira o código enviado para o novo endereço.",
        unasked: "Se não foi você, escolha já uma nova senha com “Esqueci a senha”. Isso interrompe a alteração e encerra todas as sessões.",
    },
    login: Said {
        request: "Insira este código em {{app}} para iniciar sessão:",
        unasked: "Se não o pediu, pode ignorar este e-mail: ninguém pode iniciar sessão sem o código.",
    },
    verify: Said {
        request: "Insira este código em {{app}} para confirmar o seu endereço de e-mail:",
        unasked: "Se não criou uma conta, pode ignorar este e-mail: sem o código, o seu endereço não é confirmado.",
    },
    known: Said {
        request: "Já tem uma conta. Insira este código em {{app}} para iniciar sessão:",
        unasked: "Se não tentou criar uma conta, pode ignorar este e-mail: a sua conta continua a mesma.",
    },
};
