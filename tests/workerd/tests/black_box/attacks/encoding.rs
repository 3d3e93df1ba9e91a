//! Parts that are missing, too many, or written in another way.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::json;
use tokenkeep_workerd_tests::tokens::{sign_parts, sign_text};

use super::{Good, Siege};

pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_token_has_three_parts_and_a_whole_signature() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let [header, claims, signature] = good.parts();
        let zeros = base64url(&[0; 32]);
        let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let grown = base64url(&[&bytes[..], &[0]].concat());
        let mut forged = vec![
            // One, two, four parts, and the five of a JWE.
            header.to_owned(),
            format!("{header}.{claims}"),
            format!("{claims}.{signature}"),
            format!("{header}.{claims}.{signature}.{signature}"),
            format!("{header}.{claims}.{signature}."),
            format!(".{header}.{claims}.{signature}"),
            format!("{header}..{claims}.{signature}"),
            format!("{header}.{signature}..{claims}.{signature}"),
            format!("{header}.{claims}.{claims}.{claims}.{signature}"),
            format!("{header}.{claims}.{signature}.{claims}.{signature}"),
            // A part that is empty.
            format!("{header}.{claims}."),
            format!("{header}..{signature}"),
            format!(".{claims}.{signature}"),
            format!("..{signature}"),
            format!("{header}.."),
            "..".to_owned(),
            ".".repeat(1000),
            // A signature of zeros, one that is grown, the parts in another order, JSON.
            format!("{header}.{claims}.{zeros}"),
            format!("{header}.{claims}.{grown}"),
            format!("{claims}.{header}.{signature}"),
            format!("{header}.{header}.{signature}"),
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
        ];
        // Cut short, down to nothing of it.
        forged.extend((0..32).map(|end| {
            let cut = base64url(&bytes[..end]);
            format!("{header}.{claims}.{cut}")
        }));
        forged
    });
    siege.end((22 + 32) * 2 * 3);
}

/// A token with one of its parts in another writing, and with a signature of just that writing.
fn rewritten(good: &Good, rewrite: impl Fn(&str) -> String) -> [String; 5] {
    let [header, claims, signature] = good.parts();
    let (other_header, other_claims) = (rewrite(header), rewrite(claims));
    [
        format!("{other_header}.{claims}.{signature}"),
        format!("{header}.{other_claims}.{signature}"),
        format!("{header}.{claims}.{}", rewrite(signature)),
        sign_parts(&other_header, claims, &good.key),
        sign_parts(header, &other_claims, &good.key),
    ]
}

/// The part with its unused bits set, where it has any: another text for the same bytes.
fn with_trailing_bits(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = *part.as_bytes().last().expect("not empty");
    let value = ALPHABET.iter().position(|known| *known == last);
    let other = char::from(ALPHABET[value.expect("base64url") | 1]);
    format!("{}{other}", &part[..part.len() - 1])
}

#[test]
fn base64_is_written_in_one_way() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        [
            rewritten(good, |part| format!("{part}=")),
            rewritten(good, |part| format!("{part}==")),
            rewritten(good, |part| format!("{part}%3D")),
            rewritten(good, |part| format!("{}\r\n{}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{}\t{}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{} {}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{}\n{}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{}\0{}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{}={}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{}?{}", &part[..8], &part[8..])),
            rewritten(good, |part| format!("{part}A")),
            rewritten(good, |part| format!("{part}AA")),
            rewritten(good, |part| format!("{}\u{feff}{}", &part[..8], &part[8..])),
            rewritten(good, |part| part.replacen('e', "\u{435}", 1) + "\u{435}"),
            rewritten(good, str::to_uppercase),
            rewritten(good, |part| part.chars().rev().collect()),
        ]
        .concat()
    });
    // Line ends and NULs can be in no header.
    siege.end(16 * 5 * 2 * 3 - 3 * 5 * 2);
}

/// Every length of a part, so that unused bits are there and the alphabets differ.
#[test]
fn other_alphabets_and_unused_bits_are_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let [header, claims, signature] = good.parts();
        // 43 characters for 32 bytes: two bits are unused.
        let mut forged = vec![format!(
            "{header}.{claims}.{}",
            with_trailing_bits(signature)
        )];
        for letter in 0..3 {
            let mut json = good.claims();
            // Base64 of these has characters in which the alphabets differ.
            json["x"] = "\u{7ff}?>~~~".repeat(letter + 1).into();
            let json = format!("{json}{}", " ".repeat(letter));
            let head = good.header().to_string();
            let standard = [STANDARD_NO_PAD.encode(&json), STANDARD.encode(&json)];
            for claims in standard.iter().chain(&[URL_SAFE.encode(&json)]) {
                if *claims != base64url(json.as_bytes()) {
                    forged.push(sign_parts(header, claims, &good.key));
                }
            }
            let canonical = base64url(json.as_bytes());
            let changed = with_trailing_bits(&canonical);
            if !canonical.len().is_multiple_of(4) {
                assert_ne!(canonical, changed);
                assert_eq!(
                    sign_text(&head, &json, &good.key).split('.').nth(1),
                    Some(&*canonical)
                );
                forged.push(sign_parts(header, &changed, &good.key));
            }
        }
        forged
    });
    // The signature; the standard alphabet in three lengths, without padding and with it; base64url
    // with padding, and with unused bits, in the two lengths that have them.
    siege.end((1 + 3 + 3 + 2 + 2) * 2 * 3);
}

#[test]
fn text_that_no_token_can_be_is_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let token = &good.token;
        vec![
            format!("{}\u{feff}{}", &token[..8], &token[8..]),
            format!("{}\u{0}{}", &token[..8], &token[8..]),
            format!("{}\u{200b}{}", &token[..8], &token[8..]),
            format!("{}\u{2028}{}", &token[..8], &token[8..]),
            format!("{} Bearer {}", &token[..8], &token[8..]),
            format!("{}\"{}", &token[..8], &token[8..]),
            format!("{token},{token}"),
            format!("{token}#"),
            format!("{token}?x=1"),
            "A".repeat(4096),
            format!(
                "{}.{}.{}",
                "A".repeat(1300),
                "A".repeat(1300),
                "A".repeat(1300)
            ),
            "\u{1f512}".repeat(1000),
        ]
    });
    siege.end(12 * 2 * 3 - 2);
}

#[test]
fn bytes_that_are_no_text_are_bad_input() {
    let mut siege = Siege::begin();
    for good in [siege.refresh.token.clone(), siege.access.token.clone()] {
        for bytes in [
            &b"\xff"[..],
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xe2\x82",
        ] {
            let token = [good.as_bytes(), bytes].concat();
            let body = [br#"{"refreshToken":""#, &token[..], br#""}"#].concat();
            for path in ["/auth/token", "/auth/logout"] {
                siege.post(path, &body).assert_invalid(None);
            }
            let answer = siege.bear(&token).expect("bytes that a header may have");
            answer.assert_error(401, "access_token_invalid");
        }
    }
    siege.end(2 * 5 * 3);
}
