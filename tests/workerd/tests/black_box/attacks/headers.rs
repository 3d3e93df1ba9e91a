//! What a header can ask of a reader.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha384, Sha512};
use tokenkeep_workerd_tests::tokens::{self, part, sign_text};

use super::{Good, Siege, encoding::base64url};

/// The header with these members besides, or instead.
fn with(good: &Good, members: &Value) -> Value {
    let mut header = good.header();
    for (name, value) in members.as_object().expect("an object") {
        header[name] = value.clone();
    }
    header
}

#[test]
fn no_algorithm_of_the_senders_choice_is_accepted() {
    let mut siege = Siege::begin();
    let algorithms = [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!("n\u{f6}ne"),
        json!(""),
        json!(null),
        json!(["HS256"]),
        json!({"HS256": true}),
        json!(0),
        json!(true),
        json!("hs256"),
        json!("Hs256"),
        json!("HS256 "),
        json!("HS256\u{0}"),
        json!("HMACSHA256"),
        json!("HS384"),
        json!("HS512"),
        json!("RS256"),
        json!("PS256"),
        json!("ES256"),
        json!("ES256K"),
        json!("EdDSA"),
        json!("dir"),
        json!("A256KW"),
        json!("PBES2-HS256+A128KW"),
    ];
    siege.forge(|good| {
        let forge = |algorithm: &Value| {
            let signed = good.with_header(&with(good, &json!({"alg": algorithm})));
            let (content, _) = signed.rsplit_once('.').expect("three parts");
            let of_length = |bytes: usize| format!("{content}.{}", base64url(&vec![0; bytes]));
            [
                // With our signature, without one, and with some of the lengths that others have.
                signed.clone(),
                format!("{content}."),
                content.to_owned(),
                of_length(32),
                of_length(64),
                of_length(256),
            ]
        };
        algorithms.iter().flat_map(forge).collect()
    });
    siege.end(27 * 6 * 2 * 3);
}

#[test]
fn a_header_without_an_algorithm_is_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let typ = &good.header()["typ"];
        [
            json!({"typ": typ}),
            json!({}),
            json!([]),
            json!(null),
            json!("HS256"),
        ]
        .iter()
        .map(|header| good.with_header(header))
        .collect()
    });
    siege.end(5 * 2 * 3);
}

#[test]
fn our_key_with_another_hash_is_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let hs384 = |content: &str| {
            let mut mac = Hmac::<Sha384>::new_from_slice(&good.key).expect("any length");
            mac.update(content.as_bytes());
            mac.finalize().into_bytes().to_vec()
        };
        let hs512 = |content: &str| {
            let mut mac = Hmac::<Sha512>::new_from_slice(&good.key).expect("any length");
            mac.update(content.as_bytes());
            mac.finalize().into_bytes().to_vec()
        };
        let signed = |algorithm: &str, mac: &dyn Fn(&str) -> Vec<u8>| {
            let header = part(&with(good, &json!({"alg": algorithm})));
            let content = format!("{header}.{}", part(&good.claims()));
            format!("{content}.{}", base64url(&mac(&content)))
        };
        vec![
            signed("HS384", &hs384),
            signed("HS512", &hs512),
            // The header says one thing, the signature is another.
            signed("HS256", &hs384),
            signed("HS256", &hs512),
        ]
    });
    siege.end(4 * 2 * 3);
}

#[test]
fn a_key_that_the_sender_names_or_brings_along_is_never_used() {
    let mut siege = Siege::begin();
    let own = b"a key of the attacker, with 32 bytes or more";
    let jwk = json!({"kty": "oct", "k": base64url(own), "alg": "HS256"});
    let members = [
        json!({"kid": ""}),
        json!({"kid": "refresh_token_secret"}),
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "/proc/sys/kernel/randomize_va_space"}),
        json!({"kid": "' UNION SELECT 'x' --"}),
        json!({"kid": "https://attacker.example/key"}),
        json!({"kid": "| sleep 10"}),
        json!({"kid": "session:ada:x"}),
        json!({"kid": null}),
        json!({"kid": {"$ne": null}}),
        json!({"jku": "https://attacker.example/keys.json"}),
        json!({"jku": "http://127.0.0.1:1/keys.json"}),
        json!({"jku": "data:application/json,{}"}),
        json!({"x5u": "https://attacker.example/key.pem"}),
        json!({"x5c": ["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"]}),
        json!({"x5t": "AAAAAAAAAAAAAAAAAAAAAAAAAAA", "x5t#S256": "AAAA"}),
        json!({"jwk": jwk}),
        json!({"jwk": jwk, "kid": "1"}),
    ];
    // Signed with the attacker's key, with an empty one, with a zero one, and with ours.
    siege.forge(|good| {
        let headers = members.iter().map(|members| with(good, members));
        let signed = |header: Value| {
            let keys: [&[u8]; 4] = [own, b"", &[0; 32], &good.key];
            keys.map(|key| tokens::sign(&header, &good.claims(), key))
        };
        headers.flat_map(signed).collect()
    });
    siege.end(18 * 4 * 2 * 3);
}

#[test]
fn an_extension_is_never_ignored() {
    let mut siege = Siege::begin();
    let members = [
        json!({"crit": []}),
        json!({"crit": ["exp"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["x"], "x": 1}),
        json!({"crit": "exp"}),
        json!({"crit": null}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
        json!({"cty": "JWT"}),
        json!({"cty": "json"}),
        json!({"epk": {}, "p2c": 4_294_967_295_u64}),
        json!({"iss": "x", "sub": "ada"}),
    ];
    siege.forge(|good| {
        let headers = members.iter().map(|members| with(good, members));
        headers.map(|header| good.with_header(&header)).collect()
    });
    // RFC 7797: the payload as it is, instead of base64url.
    siege.forge(|good| {
        let header = part(&with(good, &json!({"crit": ["b64"], "b64": false})));
        vec![tokens::sign_parts(&header, "{}", &good.key)]
    });
    siege.end((14 + 1) * 2 * 3);
}

#[test]
fn a_type_is_spelled_in_one_way() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let ours = good.header()["typ"].as_str().expect("a type").to_owned();
        let other = if ours == "rt+jwt" { "at+jwt" } else { "rt+jwt" };
        [
            json!(other),
            json!(ours.to_uppercase()),
            json!(ours.replace("jwt", "JWT")),
            json!(format!("application/{ours}")),
            json!(format!("{ours} ")),
            json!(format!("{ours}\u{0}")),
            // An access token may have the type `JWT`, a refresh token not.
            json!(if ours == "rt+jwt" { "JWT" } else { "Jwt" }),
            json!("jwt"),
            json!(""),
            json!(null),
            json!([ours]),
            json!(0),
        ]
        .iter()
        .map(|typ| good.with_header(&json!({"alg": "HS256", "typ": typ})))
        .chain([good.with_header(&json!({"alg": "HS256"}))])
        .collect()
    });
    siege.end(13 * 2 * 3);
}

#[test]
fn a_header_in_any_other_writing_is_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let typ = good.header()["typ"].as_str().expect("a type").to_owned();
        let claims = good.claims().to_string();
        [
            format!(r#"{{"alg":"none","alg":"HS256","typ":"{typ}"}}"#),
            format!(r#"{{"alg":"HS256","alg":"none","typ":"{typ}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"{typ}","typ":"{typ}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"JWT","typ":"{typ}"}}"#),
            format!(r#"{{"\u0061lg":"HS256","typ":"{typ}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"{typ}"}} "#),
            format!(r#" {{"alg":"HS256","typ":"{typ}"}}"#),
            format!(r#"{{"alg": "HS256","typ":"{typ}"}}"#),
            format!(r#"{{"typ":"{typ}","alg":"HS256"}}"#),
            format!(r#"{{"alg":"HS256","typ":"{typ}"}}{{}}"#),
            format!("\u{feff}{{\"alg\":\"HS256\",\"typ\":\"{typ}\"}}"),
            format!("{{\"alg\":\"HS256\",\"typ\":\"{typ}\"}}\0"),
            format!(
                r#"{{"alg":"HS256","typ":"{typ}","x":{}1{}}}"#,
                "[".repeat(500),
                "]".repeat(500)
            ),
            "{".repeat(1000),
            String::new(),
        ]
        .map(|header| sign_text(&header, &claims, &good.key))
        .to_vec()
    });
    siege.end(15 * 2 * 3);
}
