//! Spanish.

use super::{Notice, Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} es tu código de {{app}}",
    validity: "Es válido durante {{minutes}} minutos y solo se puede usar una vez. No se lo des a nadie.",
    reset: Said {
        request: "Introduce este código en {{app}} para elegir una contraseña nueva:",
        unasked: "Si no lo has pedido, puedes ignorar este correo: tu contraseña no cambia.",
    },
    change: Said {
        request: "Introduce este código en {{app}} para usar esta dirección de correo en tu cuenta:",
        unasked: "Si no lo has pedido, puedes ignorar este correo: no cambia nada.",
    },
    change_notice: Notice {
        subject: "Nueva dirección de correo para tu cuenta de {{app}}",
        news: "Alguien que conoce tu contraseña de {{app}} ha pedido cambiar la dirección de correo de tu cuenta. Si has sido tú, introduce el código enviado a la nueva dirección.",
        unasked: "Si no has sido tú, elige ahora una contraseña nueva con «He olvidado la contraseña». Así se detiene el cambio y se cierran todas las sesiones.",
    },
    login: Said {
        request: "Introduce este código en {{app}} para iniciar sesión:",
        unasked: "Si no lo has pedido, puedes ignorar este correo: nadie puede iniciar sesión sin el código.",
    },
    verify: Said {
        request: "Introduce este código en {{app}} para confirmar tu dirección de correo:",
        unasked: "Si no te has registrado, puedes ignorar este correo: sin el código, tu dirección no se confirma.",
    },
    known: Said {
        request: "Ya tienes una cuenta. Introduce este código en {{app}} para iniciar sesión:",
        unasked: "Si no has intentado registrarte, puedes ignorar este correo: tu cuenta no cambia.",
    },
};
