use serde_json::json;
use tokenkeep::account::password::{Password, Verification};

use super::*;

const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuu1oYlAqrmmV2/lmVGVSQQTUS5aQUH2.";

/// The example that Firebase's own scrypt tool comes with.
const SIGNER_KEY: &str =
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
const SALT: &str = "42xEC+ixf3L2lw==";
const HASH: &str =
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

fn firebase() -> Firebase {
    Firebase {
        signer_key: SIGNER_KEY.to_owned(),
        salt_separator: "Bw==".to_owned(),
        rounds: 8,
        mem_cost: 14,
    }
}

fn parse(line: &Value) -> Result<User, Reason> {
    User::parse(&line.to_string(), None)
}

fn problem_of(line: &str) -> String {
    match User::parse(line, None) {
        Ok(_) => "none".to_owned(),
        Err(reason) => reason.to_string(),
    }
}

#[test]
fn a_user_is_read_by_the_rules_of_the_worker() {
    let line = json!({"email": " Ada@Example.COM ", "passwordHash": BCRYPT, "name": "Ada", "id": "u-1", "more": 1});
    let user = parse(&line).expect("good");
    assert_eq!(user.email.as_str(), "ada@example.com");
    assert_eq!(user.hash.as_str(), BCRYPT);
    assert_eq!(user.name.expect("given").as_str(), "Ada");
    assert_eq!((user.id.as_str(), user.has_own_id), ("u-1", true));
}

#[test]
fn a_number_is_an_id_and_an_address_has_the_spelling_of_the_worker() {
    let line = json!({"email": "ada@bücher.example", "passwordHash": BCRYPT, "name": 7, "id": 42});
    let user = parse(&line).expect("good");
    assert_eq!(user.email.as_str(), "ada@xn--bcher-kva.example");
    assert_eq!((user.id.as_str(), user.has_own_id), ("42", true));
    assert_eq!(user.name.expect("given").as_str(), "7");
}

#[test]
fn an_address_is_verified_if_the_line_says_so() {
    let said = |value: Value| {
        let line = json!({"email": "a@b", "passwordHash": BCRYPT, "emailVerified": value});
        parse(&line).map(|user| user.email_verified)
    };
    for (value, expected) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(1), true),
        (json!(false), false),
        (json!("false"), false),
        (json!("0"), false),
        (Value::Null, false),
    ] {
        assert_eq!(said(value.clone()), Ok(expected), "{value}");
    }
    for bad in [json!("yes"), json!(2), json!([true]), json!("")] {
        let reason = said(bad).expect_err("neither");
        assert_eq!(reason.to_string(), "emailVerified must be true or false");
    }
    let line = json!({"email": "a@b", "passwordHash": BCRYPT});
    assert!(!parse(&line).expect("good").email_verified);
}

#[test]
fn a_user_without_an_id_gets_a_new_uuid() {
    let line = json!({"email": "a@b", "passwordHash": BCRYPT, "id": null, "name": ""});
    let (one, other) = (parse(&line).expect("good"), parse(&line).expect("good"));
    assert_eq!(one.id.as_str().len(), 36);
    assert_eq!(&one.id.as_str()[14..15], "4");
    assert_ne!(one.id, other.id);
    assert!(!one.has_own_id && one.name.is_none());
}

#[test]
fn the_reason_names_the_field_and_repeats_nothing() {
    let good = json!({"email": "a@b", "passwordHash": BCRYPT});
    let with = |field: &str, value: Value| {
        let mut line = good.clone();
        line[field] = value;
        problem_of(&line.to_string())
    };
    assert_eq!(with("email", Value::Null), "email is missing");
    assert_eq!(with("email", json!(7)), "email must be text");
    assert!(with("email", json!("secret")).starts_with("email must be an e-mail address"));
    assert!(with("passwordHash", json!("secret")).starts_with("passwordHash must be"));
    assert!(with("id", json!("sec:ret")).starts_with("id must be"));
    assert!(with("name", json!("secret".repeat(50))).starts_with("name must be"));
    assert!(with("salt", json!("secret")).starts_with("salt is Firebase's"));
    for line in ["{", "", "secret", "{\"email\":\"secret"] {
        assert_eq!(problem_of(line), "is not JSON", "{line}");
    }
    for line in ["7", "\"secret\"", "{\"email\":\"secret\",\"email\":\"b\"}"] {
        assert!(
            problem_of(line).starts_with("must be a JSON object"),
            "{line}"
        );
        assert!(!problem_of(line).contains("secret"));
    }
}

#[test]
fn firebase_s_hash_keeps_what_it_takes_to_verify_it() {
    let line = json!({"email": "a@b", "passwordHash": HASH, "salt": SALT}).to_string();
    firebase().check().expect("the parameters are good");
    let user = User::parse(&line, Some(&firebase())).expect("good");
    let password = Password::parse("user1password").expect("good");
    assert_eq!(user.hash.verify(&password), Verification::MatchOutdated);
    let stored = PasswordHash::parse(user.hash.as_str()).expect("good");
    assert_eq!(stored.verify(&password), Verification::MatchOutdated);
}

#[test]
fn wrong_parameters_of_firebase_s_are_found_before_any_line() {
    let change = |change: fn(&mut Firebase)| {
        let mut firebase = firebase();
        change(&mut firebase);
        firebase.check()
    };
    assert!(change(|_| ()).is_ok());
    assert!(change(|firebase| firebase.signer_key = "AAAA".to_owned()).is_err());
    assert!(change(|firebase| firebase.salt_separator = "%".to_owned()).is_err());
    assert!(change(|firebase| firebase.mem_cost = 60).is_err());
    assert!(change(|firebase| firebase.rounds = 0).is_err());
}

#[test]
fn a_credential_of_keycloak_s_is_read_as_it_is_exported() {
    let credential = |salt: &str| {
        let secret = json!({"value": "JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k=", "salt": salt});
        let data = json!({"hashIterations": 27500, "algorithm": "pbkdf2-sha256"});
        let credential = json!({"type": "password", "secretData": secret.to_string(), "credentialData": data.to_string()});
        json!({"email": "a@b", "passwordHash": credential})
    };
    let user = parse(&credential("P5rtFkGtPfoaryJ6PizUJw==")).expect("good");
    let password = Password::parse("password").expect("good");
    assert_eq!(user.hash.verify(&password), Verification::MatchOutdated);
    assert!(
        user.hash
            .as_str()
            .starts_with("$pbkdf2-sha256$i=27500,l=32$")
    );
    for bad in [
        credential("%"),
        json!({"email": "a@b", "passwordHash": {"secretData": {}}}),
    ] {
        let problem = problem_of(&bad.to_string());
        assert!(problem.starts_with("passwordHash must be"), "{problem}");
    }
}
