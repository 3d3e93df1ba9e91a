//! Every single bit of a token, flipped.

use serde_json::json;

use super::{Good, Siege};

/// Every text or almost-text that differs from the token in one bit.
fn flipped(good: &Good) -> Vec<Vec<u8>> {
    let bytes = good.token.as_bytes();
    let flip = |bit: usize| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    };
    (0..bytes.len() * 8).map(flip).collect()
}

#[test]
fn no_bit_of_a_refresh_token_can_be_flipped() {
    let mut siege = Siege::begin();
    let tokens = flipped(&siege.refresh);
    for token in &tokens {
        // The highest bit makes it bytes that are no text: bad input, and no token at all.
        let text = std::str::from_utf8(token);
        let body = match text {
            Ok(text) => json!({"refreshToken": text}).to_string().into_bytes(),
            Err(_) => [br#"{"refreshToken":""#, &token[..], br#""}"#].concat(),
        };
        let refreshed = siege.post("/auth/token", &body);
        let logged_out = siege.post("/auth/logout", &body);
        if text.is_ok() {
            refreshed.assert_error(401, "refresh_token_invalid");
            assert_eq!(logged_out.json(), json!({"loggedOut": true}));
        } else {
            refreshed.assert_invalid(None);
            logged_out.assert_invalid(None);
        }
    }
    siege.end(tokens.len() * 2);
}

#[test]
fn no_bit_of_an_access_token_can_be_flipped() {
    let mut siege = Siege::begin();
    let tokens = flipped(&siege.access);
    let mut unsendable = 0;
    for token in &tokens {
        if let Some(answer) = siege.bear(token) {
            answer.assert_error(401, "access_token_invalid");
        } else {
            let is_control = |byte: &u8| *byte < 0x20 || *byte == 0x7f;
            assert!(token.iter().any(is_control), "HTTP forbids only these");
            unsendable += 1;
        }
    }
    assert!(unsendable * 8 < tokens.len());
    siege.end(tokens.len() - unsendable);
}
