//! Access tokens that are signed with a key pair.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokenkeep::http::{method::Method, reply::Reply};

use crate::{
    client::{REFRESH_SECRET, Tokens, body, call, expect_error, header, post, tokens},
    codes::{ACCESS_EXPIRED, ACCESS_INVALID, MISCONFIGURED, REFRESH_INVALID, UNAVAILABLE},
    world::{HOUR, World},
};

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../vectors/keys/", $name))
    };
}

const KEY: &str = "access_token_private_key";
const PREVIOUS: &str = "access_token_private_key_previous";
const ES256: &str = vector!("es256.pem");
const ES256_JWK: &str = vector!("es256.jwk");
const ES256_PUBLIC: &str = vector!("es256.pub.pem");
const ES256_ID: &str = "yr-JWFh98ZlJOO4c3k9BXJiAITtN7mJlPwwA-9x53G0";
const OTHER: &str = vector!("es256-other.pem");
const RS256: &str = vector!("rs256.pem");
const RS256_ID: &str = "0ofQqF_ywThKZY81cV-VM2x3j9Wtbkowd_l2fRY11RY";

fn get(world: &World, path: &str) -> Reply {
    world.answer(&call(Method::Get, path, None, ""))
}

pub fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    let part = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&part).expect("JSON")
}

fn logged_in(settings: &[(&str, &str)]) -> (World, Tokens) {
    let world = World::with(settings);
    let login = world.log_in();
    (world, login)
}

#[test]
fn a_token_of_a_key_pair_names_its_key_and_is_accepted() {
    for (key, algorithm, id) in [
        (ES256, "ES256", ES256_ID),
        (ES256_JWK, "ES256", ES256_ID),
        (RS256, "RS256", RS256_ID),
        (vector!("rs256.jwk"), "RS256", RS256_ID),
    ] {
        let (world, login) = logged_in(&[(KEY, key)]);
        let expected = json!({"alg": algorithm, "kid": id, "typ": "at+jwt"});
        assert_eq!(part(&login.access, 0), expected);
        assert_eq!(world.me(&login).status, 200);
        let published = body(&get(&world, "/.well-known/jwks.json"));
        assert_eq!(published["keys"][0]["kid"], id);
        // The refresh token stays what it was.
        let expected = json!({"alg": "HS256", "typ": "rt+jwt"});
        assert_eq!(part(&login.refresh, 0), expected);
    }
}

fn said(settings: &[(&str, &str)]) -> Value {
    let (_, login) = logged_in(settings);
    part(&login.access, 1)
}

#[test]
fn both_kinds_of_keys_give_the_same_claims_except_for_the_client() {
    let mut expected = said(&[]);
    let mut seen = said(&[(KEY, ES256)]);
    expected["client_id"] = json!("tokenkeep:app");
    for claims in [&mut expected, &mut seen] {
        for random in ["jti", "sid"] {
            claims[random] = json!("");
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn the_client_is_named_where_the_type_requires_it_and_may_be_another() {
    const CLAIMS: &str = "ACCESS_TOKEN_CLAIMS";
    let of_type_jwt = said(&[(KEY, ES256), ("ACCESS_TOKEN_TYP", "JWT")]);
    assert_eq!(of_type_jwt.get("client_id"), None);
    let own = [(CLAIMS, r#"{"client_id":"own"}"#)];
    for key in [&[][..], &[(KEY, ES256)]] {
        let of_settings = said(&[key, &own].concat());
        assert_eq!(of_settings["client_id"], "own");
    }
    // The largest template leaves room for it.
    let largest = format!(r#"{{"a":"{}"}}"#, "x".repeat(3_060));
    let of_largest = said(&[(KEY, ES256), (CLAIMS, &largest)]);
    assert_eq!(of_largest["client_id"], "tokenkeep:app");

    let world = World::with(&[(KEY, ES256)]);
    let opened = world.open(&json!({"userId": "ada", "claims": {"client_id": "till"}}));
    assert_eq!(part(&tokens(&opened).access, 1)["client_id"], "till");
}

#[test]
fn tokens_of_earlier_keys_and_of_secrets_are_accepted_until_they_expire() {
    let (world, of_secret) = logged_in(&[]);
    let of_first = world.here_with(&[(KEY, ES256)]).log_in();
    let settings = [(KEY, RS256), (PREVIOUS, ES256_PUBLIC)];
    let world = world.here_with(&settings);
    let of_second = world.log_in();
    let all = [&of_secret, &of_first, &of_second];
    for login in all {
        assert_eq!(world.me(login).status, 200);
    }
    let keys = body(&get(&world, "/.well-known/jwks.json"));
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));

    // Back to a secret: both keys are earlier ones then.
    let both = format!("{ES256_PUBLIC} {RS256}");
    let back = world.here_with(&[(PREVIOUS, &both)]);
    for login in all {
        assert_eq!(back.me(login).status, 200);
    }
    assert_eq!(part(&back.refresh(&of_second).access, 0)["alg"], "HS256");

    world.pass(HOUR);
    for login in all {
        expect_error(&world.me(login), ACCESS_EXPIRED);
        assert_eq!(world.me(&world.refresh(login)).status, 200);
    }
}

#[test]
fn a_key_that_is_forgotten_costs_a_refresh_and_no_session() {
    let (world, login) = logged_in(&[(KEY, ES256)]);
    for settings in [&[][..], &[(KEY, OTHER)], &[(KEY, RS256), (PREVIOUS, OTHER)]] {
        let world = world.here_with(settings);
        expect_error(&world.me(&login), ACCESS_INVALID);
        let login = world.refresh(&login);
        assert_eq!(world.me(&login).status, 200);
    }
}

#[test]
fn an_access_token_of_a_key_pair_ends_its_session_at_a_logout_and_is_no_refresh_token() {
    let (world, login) = logged_in(&[(KEY, ES256)]);
    let reply = world.try_refresh(&login.access);
    expect_error(&reply, REFRESH_INVALID);
    assert!(
        reply.body.contains("This is the accessToken"),
        "{}",
        reply.body
    );
    world.pass(2 * HOUR);
    assert_eq!(world.log_out(&login.access).status, 200);
    expect_error(&world.try_refresh(&login), crate::codes::REVOKED);
}

fn resigned(token: &str, header: &Value, secret: &[u8]) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let content = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
    mac.update(content.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{content}.{signature}")
}

#[test]
fn forged_tokens_are_refused() {
    let (world, login) = logged_in(&[(KEY, ES256), (PREVIOUS, RS256)]);
    let of_other = world.here_with(&[(KEY, OTHER)]).log_in().access;
    let token = &login.access;
    let [header, claims, signature] =
        [0, 1, 2].map(|index| token.split('.').nth(index).expect("a part"));
    let with_header = |header: Value| {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        format!("{header}.{claims}.{signature}")
    };
    let named = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid, "typ": "at+jwt"});
    let plain = json!({"alg": "HS256", "typ": "at+jwt"});
    let jwk = body(&get(&world, "/.well-known/jwks.json"))["keys"][0].to_string();
    let mut forged = vec![of_other.clone()];
    // The public key as the secret of HS256, however it may be written.
    for secret in [
        ES256_PUBLIC,
        ES256_PUBLIC.trim(),
        &jwk,
        ES256_ID,
        ES256,
        REFRESH_SECRET,
    ] {
        forged.push(resigned(token, &plain, secret.as_bytes()));
        forged.push(resigned(
            token,
            &named("HS256", ES256_ID),
            secret.as_bytes(),
        ));
        forged.push(resigned(
            token,
            &named("ES256", ES256_ID),
            secret.as_bytes(),
        ));
    }
    // Another key's `kid`, no key's, and what a reader of files or of a table would fall for.
    let other_id = part(&of_other, 0)["kid"]
        .as_str()
        .expect("an id")
        .to_owned();
    for kid in [
        &*other_id,
        RS256_ID,
        "",
        "/dev/null",
        "../../etc/passwd",
        "' OR '1'='1",
        "x\u{0}",
    ] {
        forged.push(with_header(named("ES256", kid)));
        forged.push(resigned(token, &named("HS256", kid), b""));
    }
    for alg in ["none", "None", "RS256", "HS256", "ES384", ""] {
        forged.push(with_header(named(alg, ES256_ID)));
    }
    forged.push(format!("{header}.{claims}."));
    forged.push(format!(
        "{}.{claims}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)
    ));
    // Members that we do not write, and the key in the token itself.
    let own: Value = serde_json::from_str(&jwk).expect("JSON");
    forged.push(with_header(
        json!({"alg": "ES256", "kid": ES256_ID, "typ": "at+jwt", "jwk": own}),
    ));
    forged.push(with_header(
        json!({"alg": "ES256", "kid": ES256_ID, "typ": "rt+jwt"}),
    ));
    // The halves of the signature swapped, all zero, and one bit wrong.
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let swapped = [&bytes[32..], &bytes[..32]].concat();
    let flipped: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    for signature in [
        swapped,
        vec![0; 64],
        flipped,
        bytes[..63].to_vec(),
        vec![0; 256],
    ] {
        forged.push(format!(
            "{header}.{claims}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        ));
    }
    assert!(forged.len() > 40);
    for token in &forged {
        expect_error(&world.get("/auth/me", token), ACCESS_INVALID);
        expect_error(&world.try_refresh(token), REFRESH_INVALID);
        world.log_out(token);
    }
    assert_eq!(world.me(&login).status, 200);
}

#[test]
fn an_expired_token_of_an_earlier_key_is_refused() {
    let (world, login) = logged_in(&[(KEY, ES256)]);
    let world = world.here_with(&[(KEY, OTHER), (PREVIOUS, ES256)]);
    world.pass(HOUR - 1);
    assert_eq!(world.me(&login).status, 200);
    world.pass(1);
    expect_error(&world.me(&login), ACCESS_EXPIRED);
}

/// A key whose private and public part are of different pairs.
fn mixed_up() -> String {
    let own: Value = serde_json::from_str(ES256_JWK).expect("JSON");
    let mut mixed: Value = serde_json::from_str(vector!("es256.jwk")).expect("JSON");
    mixed["d"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE");
    assert_ne!(mixed, own);
    mixed.to_string()
}

#[test]
fn a_key_that_the_runtime_refuses_is_a_fault_and_logs_nobody_out() {
    let (world, login) = logged_in(&[]);
    let mixed_up = mixed_up();
    let broken = world.here_with(&[(KEY, &mixed_up)]);
    expect_error(&broken.try_refresh(&login), UNAVAILABLE);
    let opened = broken.open(&json!({"userId": "ada"}));
    expect_error(&opened, UNAVAILABLE);
    // A token that names the key may be a good one: nobody knows.
    let off_curve = ES256_JWK.replace("rTx_", "AAAA");
    let of_key = world.here_with(&[(KEY, ES256)]).log_in();
    let broken_previous = world.here_with(&[(PREVIOUS, &off_curve)]);
    let id = body(&get(&broken_previous, "/.well-known/jwks.json"))["keys"][0]["kid"].clone();
    let header = json!({"alg": "ES256", "kid": id, "typ": "at+jwt"});
    let rest = of_key.access.split_once('.').expect("a header").1;
    let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
    expect_error(&broken_previous.get("/auth/me", &token), UNAVAILABLE);
    expect_error(&broken_previous.log_out(&token), UNAVAILABLE);

    for (world, name) in [(broken, KEY), (broken_previous, PREVIOUS)] {
        let reply = get(&world, "/health");
        let told = body(&reply)["checks"]["keys"].to_string();
        assert_eq!(reply.status, 503, "{told}");
        assert!(
            told.contains(&format!("the secret {name} is damaged")),
            "{told}"
        );
    }
    world.gives(&login, &login);
}

#[test]
fn a_bad_key_is_reported_with_the_fix_and_never_repeated() {
    for (name, key, told) in [
        (KEY, ES256_PUBLIC, "only the private key"),
        (KEY, vector!("rsa1024.pem"), "fewer than 2048 bits"),
        (KEY, vector!("p384.pem"), "P-256"),
        (
            KEY,
            vector!("encrypted.pem"),
            "openssl pkcs8 -topk8 -nocrypt",
        ),
        (PREVIOUS, "-----BEGIN PRIVATE KEY-----", "on one line"),
        (PREVIOUS, "0123456789abcdef0123456789abcdef", "is no key"),
    ] {
        let world = World::with(&[(name, key)]);
        let reply = get(&world, "/health");
        assert_eq!(reply.status, 503);
        let settings = &body(&reply)["settings"][name];
        let report = settings.as_str().expect("text");
        assert!(report.contains(told), "{report}");
        assert!(
            report.contains(&format!("npx tokenkeep secret {name}")),
            "{report}"
        );
        assert!(
            !reply.body.contains(key.lines().nth(1).unwrap_or(key)),
            "{report}"
        );
        let refused = world.answer(&post("/auth/token", &json!({"refreshToken": "x"})));
        expect_error(&refused, MISCONFIGURED);
    }
    let healthy = World::with(&[(KEY, &ES256.replace('\n', "\\n"))]);
    let reply = get(&healthy, "/health");
    assert_eq!(
        (reply.status, &body(&reply)["checks"]["keys"]),
        (200, &json!("ok"))
    );
}

#[test]
fn health_advises_an_issuer_where_other_servers_verify() {
    let advice = |settings: &[(&str, &str)]| {
        let reply = get(&World::with(settings), "/health");
        assert_eq!(reply.status, 200);
        body(&reply)["checks"]["issuer"].clone()
    };
    assert_eq!(advice(&[]), Value::Null);
    let secret = (
        "access_token_secret",
        "an-access-secret-of-at-least-32-bytes",
    );
    for setting in [(KEY, ES256), secret] {
        assert!(
            advice(&[setting])
                .to_string()
                .contains("Set the var ISSUER")
        );
        assert_eq!(
            advice(&[setting, ("ISSUER", "https://a.example")]),
            Value::Null
        );
    }
}

#[test]
fn the_published_documents_may_be_kept_for_five_minutes() {
    for settings in [&[][..], &[(KEY, ES256)]] {
        let world = World::with(settings);
        for path in [
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
        ] {
            let reply = get(&world, path);
            assert_eq!(reply.status, 200);
            assert_eq!(header(&reply, "Cache-Control"), Some("public, max-age=300"));
        }
        let keys = body(&get(&world, "/.well-known/jwks.json"));
        assert_eq!(keys["keys"].as_array().map(Vec::len), Some(settings.len()));
    }
}

#[test]
fn everything_that_the_metadata_names_is_there() {
    for issuer in ["", "https://login.example.com/"] {
        let world = World::with(&[(KEY, ES256), ("ISSUER", issuer)]);
        let metadata = body(&get(&world, "/.well-known/openid-configuration"));
        let same = body(&get(&world, "/.well-known/oauth-authorization-server"));
        assert_eq!(metadata, same);
        let login = tokens(&world.open(&json!({"userId": "ada"})));
        assert_eq!(metadata["issuer"], part(&login.access, 1)["iss"]);
        let issuer = metadata["issuer"].as_str().expect("text");
        assert!(
            issuer.starts_with("https://") && !issuer.ends_with('/'),
            "{issuer}"
        );
        let urls = metadata.as_object().expect("members").iter();
        let urls = urls.filter(|(name, _)| name.ends_with("_uri") || name.ends_with("_endpoint"));
        let mut called = 0;
        for (name, url) in urls {
            let url = url.as_str().expect("a URL");
            let path = url
                .strip_prefix("https://api.example.com")
                .expect("of this worker");
            // Each as an empty request has it: bare of the key, of a token, or of a field.
            let (method, status) = match name.as_str() {
                "jwks_uri" => (Method::Get, 200),
                "userinfo_endpoint" => (Method::Get, 401),
                "introspection_endpoint" => (Method::Post, 401),
                _ => (Method::Post, 400),
            };
            let reply = world.answer(&call(method, path, None, ""));
            assert_eq!(reply.status, status, "{name}");
            called += 1;
        }
        assert_eq!(called, 5, "{metadata}");
    }
}
