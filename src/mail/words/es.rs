//! Spanish.

use super::{Said, Words};

pub const WORDS: Words = Words {
    subject: "{{code}} es tu código de {{app}}",
    validity: "Es válido durante {{minutes}} minutos y una sola vez. No se lo des a nadie.",
    reset: Said {
        request: "Introduce este código en {{app}} para elegir una contraseña nueva:",
        unasked: "Si no lo has pedido, puedes ignorar este correo: tu contraseña no cambia.",
    },
};
