//! The texts in which keys are stored: PEM (RFC 7468) and JSON Web Keys, one after the other.
//!
//! A secret is often one line: a terminal takes no more, and neither does a file of variables. So the
//! lines of PEM may be joined, by nothing, by spaces or by the two characters `\n`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{text::is_around, token::key_pair::KeyProblem};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One key, as it is stored.
pub enum KeyText {
    /// PEM: a private key in PKCS#8.
    Private(Zeroizing<Vec<u8>>),
    /// PEM: a public key as X.509 has it (RFC 5280, section 4.1.2.7).
    Public(Vec<u8>),
    /// JSON.
    Jwk(Zeroizing<String>),
}

impl KeyText {
    /// The keys in a text.
    ///
    /// # Errors
    /// Something in it is no key, or one that cannot be read.
    pub fn split(text: &str) -> Result<Vec<Self>, KeyProblem> {
        let text = text.replace("\\r", "").replace("\\n", "\n");
        let text = Zeroizing::new(text);
        let mut rest = text.trim_matches(is_between);
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let (key, others) = if rest.starts_with('{') {
                first_jwk(rest)?
            } else {
                first_pem(rest)?
            };
            keys.push(key);
            rest = others.trim_start_matches(is_between);
        }
        Ok(keys)
    }
}

/// Quotation marks come along from files of variables.
fn is_between(character: char) -> bool {
    is_around(character) || matches!(character, '"' | '\'' | ',')
}

/// The JSON at the start, up to the brace that closes it. (In a JWK no text has a brace in it.)
fn first_jwk(text: &str) -> Result<(KeyText, &str), KeyProblem> {
    let mut depth = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (jwk, others) = text.split_at(index + 1);
            return Ok((KeyText::Jwk(Zeroizing::new(jwk.to_owned())), others));
        }
    }
    Err(KeyProblem::BadJwk)
}

/// The block of PEM at the start.
fn first_pem(text: &str) -> Result<(KeyText, &str), KeyProblem> {
    let after_begin = text.strip_prefix(BEGIN).ok_or(KeyProblem::NoKey)?;
    let (label, rest) = after_begin.split_once(DASHES).ok_or(KeyProblem::Damaged)?;
    match label {
        "PRIVATE KEY" | "PUBLIC KEY" => {}
        "ENCRYPTED PRIVATE KEY" => return Err(KeyProblem::Encrypted),
        "RSA PUBLIC KEY" => return Err(KeyProblem::Public),
        label if label.ends_with("PRIVATE KEY") || label == "EC PARAMETERS" => {
            return Err(KeyProblem::OtherFormat);
        }
        _ => return Err(KeyProblem::NoKey),
    }
    let (body, rest) = rest.split_once(END).ok_or(KeyProblem::Damaged)?;
    let rest = rest
        .strip_prefix(label)
        .and_then(|rest| rest.strip_prefix(DASHES))
        .ok_or(KeyProblem::Damaged)?;
    let der = decoded(body).ok_or(KeyProblem::Damaged)?;
    let key = if label == "PRIVATE KEY" {
        KeyText::Private(der)
    } else {
        KeyText::Public(der.to_vec())
    };
    Ok((key, rest))
}

fn decoded(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let base64: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let base64 = Zeroizing::new(base64);
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}
