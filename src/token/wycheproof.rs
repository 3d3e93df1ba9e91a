//! Project Wycheproof's vectors, run through the code that verifies every token and parses every
//! secret. An invalid vector must be refused. A valid one must be accepted, unless it is outside of
//! what Tokenkeep accepts; then it is named here with the reason, and must be refused, too.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::token::{
    jws::SignedToken,
    key::Keyring,
    secret::{Secret, SecretProblem},
};

const SIGNATURES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/vectors/wycheproof/json_web_signature_test.json"
));
const KEYS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/vectors/wycheproof/json_web_key_test.json"
));
const MACS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/vectors/wycheproof/hmac_sha256_test.json"
));

/// What became of the vectors of a file, by their `tcId`.
#[derive(Debug, Default)]
struct Outcomes {
    accepted: Vec<u64>,
    /// Valid, but refused.
    outside: Vec<u64>,
    invalid: usize,
    /// Labelled invalid, but identical to a vector that is labelled valid.
    mislabelled: Vec<u64>,
}

/// `tcId`s of the signatures that repeat the valid [`GOOD`]: the padding that their comments mention
/// is missing (<https://github.com/C2SP/wycheproof/issues/236>).
const MISLABELLED: [u64; 2] = [367, 370];
const GOOD: u64 = 357;

impl Outcomes {
    #[track_caller]
    fn add(&mut self, vector: &Value, is_accepted: bool) {
        let id = vector["tcId"].as_u64().expect("an id");
        match (vector["result"].as_str().expect("a result"), is_accepted) {
            ("valid", true) => self.accepted.push(id),
            ("valid", false) => self.outside.push(id),
            ("invalid", false) => self.invalid += 1,
            ("invalid", true) if MISLABELLED.contains(&id) => self.mislabelled.push(id),
            (result, _) => panic!("{id} is {result}, and was accepted: {}", vector["comment"]),
        }
    }

    /// No vector may be missing: the file says how many it has.
    fn assert_complete(&self, file: &Value, name: &str) {
        let [accepted, outside] = [&self.accepted, &self.outside].map(Vec::len);
        let executed = accepted + outside + self.invalid + self.mislabelled.len();
        println!(
            "{name}: {executed} vectors, {accepted} accepted, {} refused as invalid, {outside} refused as outside",
            self.invalid
        );
        assert_eq!(file["numberOfTests"], executed);
    }
}

fn read(file: &str) -> Value {
    serde_json::from_str(file).expect("JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().expect(name)
}

fn keyring(secret: &Secret) -> Keyring {
    Keyring {
        current: secret.signing_key(),
        previous: Vec::new(),
    }
}

fn is_accepted(header: &str, jws: &str, keys: &Keyring) -> bool {
    SignedToken::parse(jws, keys, |_| header.to_owned()).is_some()
}

/// Tokenkeep accepts one header only; here it is that of a group's first vector.
fn header(vectors: &[Value]) -> String {
    let jws = vectors[0]["jws"].as_str().expect("a JWS");
    let header = jws.split('.').next().expect("a header");
    String::from_utf8(URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("JSON")
}

/// Runs the vectors of a group with the group's key, or without one where it is not a secret for
/// HS256. Returns whether it is.
fn check_signatures(outcomes: &mut Outcomes, vectors: &[Value], key: &Value) -> bool {
    let secret = Secret::parse(&key.to_string());
    let header = header(vectors);
    for vector in vectors {
        let jws = vector["jws"].as_str().expect("a JWS");
        let is_accepted = secret
            .as_ref()
            .is_ok_and(|secret| is_accepted(&header, jws, &keyring(secret)));
        outcomes.add(vector, is_accepted);
    }
    secret.is_ok()
}

#[test]
fn every_signature_has_the_result_of_its_vector() {
    let file = read(SIGNATURES);
    let mut outcomes = Outcomes::default();
    let mut of_other_algorithms = Vec::new();
    for group in list(&file, "testGroups") {
        let key = group.get("private").unwrap_or(&group["public"]);
        let vectors = list(group, "tests");
        if !check_signatures(&mut outcomes, vectors, key) {
            assert_ne!(key["kty"], "oct");
            let is_valid = |vector: &&Value| vector["result"] == "valid";
            let valid = vectors.iter().filter(is_valid);
            of_other_algorithms.extend(valid.map(|vector| vector["tcId"].as_u64().expect("an id")));
        }
    }
    outcomes.assert_complete(&file, "JSON Web Signature");
    assert_eq!(outcomes.accepted, [1, 348, 352, 357, 358, 359]);
    assert_eq!(of_other_algorithms.len(), 36, "RSA and elliptic curves");
    outcomes
        .outside
        .retain(|id| !of_other_algorithms.contains(id));
    // A character outside of base64url in the header, and one in the payload: the vectors allow them,
    // RFC 7515 (section 2) does not. White space in the header: valid, but not how we write it.
    assert_eq!(outcomes.outside, [372, 373, 376, 377]);
    assert_eq!(outcomes.mislabelled, MISLABELLED);
}

#[test]
fn the_padding_that_two_vectors_lack_is_refused() {
    let file = read(SIGNATURES);
    let group = list(&file, "testGroups")
        .iter()
        .find(|group| list(group, "tests")[0]["tcId"] == GOOD)
        .expect("the group about base64");
    let vectors = list(group, "tests");
    let jws = |id: u64| {
        let mut of_group = vectors.iter().filter(|vector| vector["tcId"] == id);
        of_group.next().expect("a vector")["jws"].as_str()
    };
    let good = jws(GOOD).expect("a JWS");
    assert_eq!(MISLABELLED.map(jws), [Some(good); 2]);

    let keys = keyring(&Secret::parse(&group["private"].to_string()).expect("a secret"));
    let is_accepted = |jws: &str| is_accepted(&header(vectors), jws, &keys);
    assert!(is_accepted(good));
    let (content, signature) = good.rsplit_once('.').expect("three parts");
    for padded in [format!("{good}="), format!("{content}==.{signature}")] {
        assert!(!is_accepted(&padded), "{padded}");
    }
}

#[test]
fn every_signature_by_another_key_is_refused() {
    let secret = Secret::parse("0123456789abcdef0123456789abcdef").expect("long enough");
    let mut refused = 0;
    for file in [SIGNATURES, KEYS].map(read) {
        for vector in list(&file, "testGroups")
            .iter()
            .flat_map(|group| list(group, "tests"))
        {
            let jws = vector["jws"].as_str().expect("a JWS");
            let shown = jws.split('.').next().unwrap_or_default();
            let header = URL_SAFE_NO_PAD.decode(shown).unwrap_or_default();
            let header = String::from_utf8_lossy(&header);
            assert!(!is_accepted(&header, jws, &keyring(&secret)), "{jws}");
            refused += 1;
        }
    }
    assert_eq!(refused, 401 + 26);
}

#[test]
fn every_key_has_the_result_of_its_vector() {
    let file = read(KEYS);
    let mut outcomes = Outcomes::default();
    for group in list(&file, "testGroups") {
        let keys = group.get("private").unwrap_or(&group["public"]);
        // A secret is one key, not a set of several.
        let configured = match list(keys, "keys") {
            [key] => key,
            _ => keys,
        };
        check_signatures(&mut outcomes, list(group, "tests"), configured);
    }
    outcomes.assert_complete(&file, "JSON Web Key");
    assert_eq!(outcomes.accepted, [13]);
    // A set of keys; RSA; HS384; HS512.
    assert_eq!(outcomes.outside, [2, 5, 14, 15]);
}

#[test]
fn every_mac_has_the_result_of_its_vector() {
    let file = read(MACS);
    let mut outcomes = Outcomes::default();
    let (mut of_short_keys, mut truncated) = (0, 0);
    for group in list(&file, "testGroups") {
        let is_truncated = group["tagSize"] != 256;
        for vector in list(group, "tests") {
            let [key, message, tag] = ["key", "msg", "tag"].map(|name| bytes(&vector[name]));
            let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(key)});
            let is_accepted = match Secret::parse(&jwk.to_string()) {
                Ok(secret) => secret.signing_key().has_signed(&message, &tag),
                Err(problem) => {
                    assert_eq!(problem, SecretProblem::TooShort);
                    assert_eq!(group["keySize"], 128);
                    of_short_keys += 1;
                    false
                }
            };
            if is_truncated && group["keySize"] != 128 && vector["result"] == "valid" {
                assert!(!is_accepted, "truncated: {vector}");
                truncated += 1;
            }
            outcomes.add(vector, is_accepted);
        }
    }
    outcomes.assert_complete(&file, "HMAC-SHA256");
    assert_eq!(outcomes.accepted.len(), 27 + 3);
    assert_eq!((of_short_keys, truncated), (6, 27 + 3));
    assert_eq!(outcomes.outside.len(), of_short_keys + truncated);
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("text");
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}
