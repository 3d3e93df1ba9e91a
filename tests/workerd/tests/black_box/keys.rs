//! Access tokens that `WebCrypto` signs and verifies.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};
use tokenkeep_workerd_tests::{
    client::{Client, Tokens},
    project::node,
    tokens::{claims, header, sign},
    workerd::{Settings, Workerd},
};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../../../vectors/keys/", $name))
    };
}

const KEY: &str = "access_token_private_key";
const PREVIOUS: &str = "access_token_private_key_previous";
const ES256: &str = vector!("es256.pem");
const ES256_PUBLIC: &str = vector!("es256.pub.pem");
const OTHER: &str = vector!("es256-other.pem");
const RS256: &str = vector!("rs256.pem");

/// Verifies with OpenSSL, in Node.js, by the key set that the worker publishes.
const VERIFY: &str = r#"
const { createPublicKey, verify } = require("node:crypto");
const { token, keys } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const [header, claims, signature] = token.split(".");
const { alg, kid } = JSON.parse(Buffer.from(header, "base64url"));
const jwk = keys.find((key) => key.kid === kid && key.alg === alg);
const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
console.log(verify("sha256", `${header}.${claims}`, key, Buffer.from(signature, "base64url")));
"#;

fn is_verified_elsewhere(client: &Client, token: &str) -> bool {
    let keys = client.get("/.well-known/jwks.json").json()["keys"].clone();
    let mut node = Command::new(node())
        .args(["-e", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node.js; run: cargo xtask test");
    let input = json!({"token": token, "keys": keys}).to_string();
    let mut stdin = node.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = node.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).trim() == "true"
}

#[test]
fn a_live_session_survives_every_change_of_the_key() {
    let fresh = Settings::fresh();
    let with = |key: &str, previous: &[&str]| {
        let previous = previous.join("\n");
        fresh.clone().with(KEY, key).with(PREVIOUS, &previous)
    };
    // As the guide says: a new key is published before it signs, an old one while its tokens live.
    let steps = [
        ("HS256", fresh.clone()),
        ("HS256", with("", &[ES256_PUBLIC])),
        ("ES256", with(ES256, &[])),
        ("ES256", with(ES256, &[OTHER])),
        ("ES256", with(OTHER, &[ES256])),
        ("RS256", with(RS256, &[OTHER, ES256_PUBLIC])),
        ("HS256", with("", &[RS256, OTHER, ES256])),
    ];
    let settings = steps.clone().map(|(_, settings)| settings);
    let workerd = Workerd::start(&settings);
    let mut login = workerd.clients[0].new_session();
    let first = login.refresh.clone();
    let mut given: Vec<Tokens> = Vec::new();
    for (client, (algorithm, _)) in workerd.clients.iter().zip(&steps) {
        login = client.refresh(&login.refresh).tokens();
        assert_eq!(header(&login.access)["alg"], *algorithm);
        assert_eq!(header(&login.refresh)["alg"], "HS256");
        if *algorithm != "HS256" {
            assert!(is_verified_elsewhere(client, &login.access));
        }
        given.push(login.clone());
        for earlier in &given {
            assert_eq!(client.me(&earlier.access).status, 200);
        }
    }
    let last = workerd.clients.last().expect("seven");
    assert_eq!(last.refresh(&first).status, 200);
    // The keys forgotten at once: the access token is invalid, the session is not.
    let hasty = &workerd.clients[0];
    hasty
        .me(&given[5].access)
        .assert_error(401, "access_token_invalid");
    assert_eq!(hasty.refresh(&given[5].refresh).status, 200);
}

#[test]
fn keys_in_either_form_sign_and_what_is_forged_is_refused() {
    let fresh = Settings::fresh;
    let workerd = Workerd::start(&[
        fresh().with(KEY, vector!("es256.jwk")),
        fresh().with(KEY, vector!("rs256.jwk")),
        fresh().with(KEY, &ES256.replace('\n', "\\n")),
    ]);
    for client in &workerd.clients {
        // Before the key is imported, and after.
        let logins: Vec<Tokens> = thread::scope(|scope| {
            let calls: Vec<_> = (0..10)
                .map(|_| scope.spawn(|| client.new_session()))
                .collect();
            let done = calls
                .into_iter()
                .map(|call| call.join().expect("a session"));
            done.collect()
        });
        for login in &logins {
            assert_eq!(client.me(&login.access).status, 200);
        }
        let token = &logins[0].access;
        assert!(is_verified_elsewhere(client, token));
        let (head, rest) = token.split_once('.').expect("three parts");
        let (body, signature) = rest.split_once('.').expect("three parts");
        let other = logins[1].access.rsplit('.').next().expect("a signature");
        let mut named = header(token);
        named["alg"] = "HS256".into();
        let plain = json!({"alg": "HS256", "typ": "at+jwt"});
        for forged in [
            format!("{head}.{body}.{other}"),
            format!("{head}.{body}."),
            format!("{head}.{body}.{}", &signature[..40]),
            sign(&plain, &claims(token), ES256_PUBLIC),
            sign(&named, &claims(token), ES256_PUBLIC),
            sign(&header(token), &claims(token), ES256_PUBLIC),
        ] {
            client.me(&forged).assert_error(401, "access_token_invalid");
        }
    }
}

#[test]
fn a_key_that_webcrypto_refuses_is_a_fault_and_its_parts_are_not_logged() {
    let own: Value = serde_json::from_str(vector!("es256.jwk")).expect("JSON");
    let mut mixed_up = own.clone();
    mixed_up["d"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE".into();
    let good = Settings::fresh();
    let broken = good.clone().with(KEY, &mixed_up.to_string());
    let workerd = Workerd::start(&[good, broken]);
    let [good, broken] = &workerd.clients[..] else {
        panic!("two workers");
    };
    let login = good.new_session();
    let refused = broken.refresh(&login.refresh);
    refused.assert_error(503, "temporarily_unavailable");
    let health = broken.get("/health");
    assert_eq!(health.status, 503);
    let told = health.json()["checks"]["keys"].to_string();
    assert!(
        told.contains("access_token_private_key is damaged"),
        "{told}"
    );
    assert!(!workerd.log().contains("AAAAAAAAAAAAAAAA"));
    assert_eq!(good.refresh(&login.refresh).status, 200);
}
