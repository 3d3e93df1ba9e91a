//! The known answers come from other implementations: argon2-cffi, bcrypt, passlib, Django, the
//! standard library of Python, and the example that Firebase publishes. Those of
//! `tests/vectors/passwords` come with the scripts that made them.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::Value;

use crate::account::password::*;

const PHRASE: &str = "correct horse battery";
const UNICODE: &str = "pässwörd ✓ 密码";

/// What a new hash of `PHRASE` with `SALT` is.
const OF_TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4";
const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";

/// Passwords, and hashes of them by other systems.
const FOREIGN: [(&str, &str); 20] = [
    // argon2: every variant, several lanes, other lengths, the first revision with `v` and without
    (
        PHRASE,
        "$argon2i$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$UUtTT8laPuIm8/TmLkReXFgdxmGB1aaT/wC2uA2Hs0Y",
    ),
    (
        PHRASE,
        "$argon2d$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dV7d8h6K+9HYx73BCwS4Za1JoO6Ag9nAdMSrLuQKjHo",
    ),
    (
        PHRASE,
        "$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$T3PcaJ24NQXQLgFPwsq1O95VXG3/ohGKDVyk0WOwfEE",
    ),
    (
        PHRASE,
        "$argon2id$v=19$m=128,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$plZji8XexTYCgcZJ2/tWmuMLqgTvkxsXVAcB1dScXcg",
    ),
    (
        PHRASE,
        "$argon2id$v=19$m=32,t=1,p=2$MDEyMzQ1Njc$I5uLQckYzSAMay1xeKfaNw",
    ),
    (
        PHRASE,
        "$argon2id$v=19$m=32,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$9Q9Icy6eWDnEK9SCXZ6inns5kC/yl7f1uQn1wrNx05ais12mV1m+kHcPFLQfRiHbDHJpshxOv/pBRBnOYVoqLA",
    ),
    (
        PHRASE,
        "$argon2i$v=16$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$GT1FCDFY1cuYlf0Ys7l5xP7ZJmeSIlwHEjLHLGf4DVU",
    ),
    (
        PHRASE,
        "$argon2i$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$GT1FCDFY1cuYlf0Ys7l5xP7ZJmeSIlwHEjLHLGf4DVU",
    ),
    // bcrypt
    (
        PHRASE,
        "$2a$04$qYBGFPqkcNVYJRaYKKIRXuc4I2ljK5QC6L4S6x6euMr7Z9axriAfO",
    ),
    (
        PHRASE,
        "$2b$04$.pJfs.sp76DA3ehN5B/5Gu//nu2XfVCyiDLTps/KULxUMyRwKIZ/m",
    ),
    (
        PHRASE,
        "$2y$04$m9BKu3KXVbjn7Mr9qpDrpeh0lZo2xgGWtU7wZ20mZAXYClfyFhaQi",
    ),
    (
        UNICODE,
        "$2b$04$iX.CF/23RgM3CMxznQlJ0O887yfQv.sx/WnBK1CnKgDNpwcJjca62",
    ),
    // scrypt
    (
        PHRASE,
        "$scrypt$ln=4,r=8,p=1$mLN2LmWs9b63du79f28txQ$+qJBOm92+NyQreSZUm0mHmGPVNtOoMlc7fbWOvtytnA",
    ),
    (
        UNICODE,
        "$scrypt$ln=5,r=3,p=2$sBbCGKN0jtHaW0tJqVXK2Q$04v75C75bc3+jRogIK72CTs8fbCCWyjgJJlE2LmOAD0",
    ),
    // PBKDF2: PHC with one block and with two, passlib with dots in salt and hash, Django
    (
        PHRASE,
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ4",
    ),
    (
        PHRASE,
        "$pbkdf2-sha256$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$BVALGMmC/K/8ELErc5VgJxyPFApArIZRCQsqjEgZWJ6MwvrqvCpwLuP/5ugtnLwaptyhKgF8nj7WtD3ieyZB6Q",
    ),
    (
        PHRASE,
        "$pbkdf2-sha256$29000$hnBOqdX6P8dYy1krJeTc2w$EyRaEvn6ARTen.44vCwpMZonMyuWOiZdKvTqsSL0LDo",
    ),
    (
        UNICODE,
        "$pbkdf2-sha256$1000$kFJKSckZQ.g95xyjlLI25g$nxvbc5USWW.guAQK.gn0zGGRSArF62yDlcrHJ3mHEAM",
    ),
    (
        PHRASE,
        "pbkdf2_sha256$1200$q9W3kdl2mX0s4Bv7$UbD2Mm6lzD9lf/H8B70I80sHbDQl0KUqM+Hc/zHwasE=",
    ),
    // Firebase
    (
        PHRASE,
        "$firebase-scrypt$ln=4,r=8,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$c2FsdHNhbHQ=$54wI/ptaGmMASvwPHC48ElxI50UtEICXid9RDzu1fjtImMTPIRO9/Esl/Wb+6YIDdAHO3GzDGhhW2piz/5GXJA==",
    ),
];

/// The example of `github.com/firebase/scrypt`.
const FIREBASE_EXAMPLE: FirebaseProject<'_> = FirebaseProject {
    signer_key: "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    salt_separator: "Bw==",
    rounds: 8,
    mem_cost: 14,
};
const FIREBASE_SALT: &str = "42xEC+ixf3L2lw==";
const FIREBASE_HASH: &str =
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

fn password(text: &str) -> Password {
    Password::parse(text).expect("8 to 128 characters")
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::parse(text).unwrap_or_else(|problem| panic!("{text} {}", problem.0))
}

/// The vectors: how a hash was made, the password, and the hash.
fn vectors() -> Vec<(String, String, PasswordHash)> {
    let json = include_str!("../../../tests/vectors/passwords/passwords.json");
    let entries: Vec<Value> = serde_json::from_str(json).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let read = |entry: Value| {
        let form = text(&entry["form"]);
        let hash = match serde_json::from_value::<KeycloakCredential>(entry["hash"].clone()) {
            Ok(credential) => PasswordHash::from_keycloak(&credential),
            Err(_) => PasswordHash::parse(text(&entry["hash"])),
        };
        let hash = hash.unwrap_or_else(|problem| panic!("{form} {}", problem.0));
        (form, text(&entry["password"]), hash)
    };
    entries.into_iter().map(read).collect()
}

/// What NFKC does to the one password of the vectors that it changes.
const WIDE: &str = "ﬁｎｅ\u{3000}①②③";
const NARROW: &str = "fine 123";

struct Nfkc;

impl Normalizer for Nfkc {
    fn nfc(&self, text: &str) -> String {
        text.to_owned()
    }

    fn domain(&self, _: &str) -> Option<String> {
        None
    }

    fn nfkc(&self, text: &str) -> String {
        text.replace(WIDE, NARROW)
    }
}

fn problem(text: &str) -> Option<Problem> {
    PasswordHash::parse(text).err()
}

#[test]
fn a_password_has_8_to_128_characters_of_any_kind() {
    for text in [
        "xyz".repeat(3),
        "🦀".repeat(8),
        "é".repeat(128),
        " ".repeat(9),
    ] {
        assert!(Password::parse_new(text.as_str()).is_ok());
        assert_eq!(password(&text).expose(), text);
    }
    for text in [
        String::new(),
        "x".repeat(7),
        "🦀".repeat(7),
        "x".repeat(129),
    ] {
        assert!(Password::parse_new(text).is_err());
    }
}

#[test]
fn a_shorter_or_longer_password_of_another_system_can_be_shown() {
    for text in ["x".to_owned(), "sixsix".into(), "x".repeat(4096)] {
        assert!(Password::parse(text).is_ok());
    }
    for text in [String::new(), "x".repeat(4097)] {
        assert!(Password::parse(text).is_err());
    }
}

#[test]
fn neither_passwords_nor_hashes_can_be_printed() {
    assert_eq!(format!("{:?}", password(PHRASE)), "Password(_)");
    assert_eq!(format!("{:?}", hash(OF_TODAY)), "PasswordHash(_)");
    assert_eq!(format!("{FIREBASE_EXAMPLE:?}"), "FirebaseProject(_)");
}

#[test]
fn a_new_hash_is_what_the_reference_implementation_makes_of_it() {
    let made = password(PHRASE).hash(SALT);
    assert_eq!(made.as_str(), OF_TODAY);
    assert_eq!(made.verify(&password(PHRASE)), Verification::Match);
    assert_eq!(made.verify(&password(UNICODE)), Verification::Mismatch);
    assert_eq!(
        hash(OF_TODAY).verify(&password(PHRASE)),
        Verification::Match
    );
}

#[test]
fn hashes_of_other_systems_match_and_are_outdated() {
    for (text, stored) in FOREIGN {
        assert_eq!(
            hash(stored).verify(&password(text)),
            Verification::MatchOutdated,
            "{stored}"
        );
        assert_eq!(hash(stored).as_str(), stored);
    }
}

#[test]
fn hashes_made_by_the_original_libraries_match_their_password_and_no_other() {
    let mut forms = HashSet::new();
    for (form, text, hash) in vectors() {
        let hash = PasswordHash::parse(hash.as_str()).expect("it was read before");
        let right = hash.verify(&password(&text).normalized(&Nfkc));
        assert_ne!(right, Verification::Mismatch, "{form} {text}");
        // Once for each form: some take long.
        if forms.insert(form.clone()) {
            let wrong = password(&format!("~{text}")).normalized(&Nfkc);
            assert_eq!(hash.verify(&wrong), Verification::Mismatch, "{form}");
        }
    }
}

#[test]
fn a_vector_cut_off_is_refused_or_matches_nothing() {
    for (form, text, hash) in vectors() {
        let stored = hash.as_str().trim_end_matches('=');
        for end in (0..stored.len()).filter(|end| stored.is_char_boundary(*end)) {
            if let Ok(hash) = PasswordHash::parse(&stored[..end]) {
                let verified = hash.verify(&password(&text).normalized(&Nfkc));
                assert_eq!(verified, Verification::Mismatch, "{form} {end} {stored}");
            }
        }
    }
}

#[test]
fn a_hash_that_takes_several_spellings_is_replaced_at_the_usual_one_only() {
    let of = |form: &str, password: &str| {
        let mut all = vectors().into_iter();
        let found = all.find(|(by, text, _)| by == form && text == password);
        found.expect("a vector").2
    };
    for (hash, usual, other) in [
        (of("better-auth", WIDE), NARROW, WIDE),
        (of("lucia", WIDE), NARROW, WIDE),
        (of("wordpress", PHRASE), PHRASE, " correct horse battery\n"),
        (of("phpass", PHRASE), PHRASE, "correct horse battery "),
    ] {
        let verify = |text: &str| hash.verify(&password(text).normalized(&Nfkc));
        assert_eq!(verify(usual), Verification::MatchOutdated, "{usual}");
        assert_eq!(verify(other), Verification::Match, "{other}");
    }
    // One of the collisions that the bug is known for.
    let of_bug = of("bcrypt with its sign bug", "\u{ff}\u{a3}345");
    assert_eq!(
        of_bug.verify(&password("\u{ff}\u{a3}345")),
        Verification::Match
    );
    let of_bug = of("bcrypt with its sign bug", PHRASE);
    assert_eq!(
        of_bug.verify(&password(PHRASE)),
        Verification::MatchOutdated
    );
}

#[test]
fn a_wrong_password_matches_no_hash() {
    for (text, stored) in FOREIGN {
        for wrong in [
            format!("{text} "),
            format!("{text}\0x"),
            text.to_uppercase(),
        ] {
            assert_eq!(
                hash(stored).verify(&password(&wrong)),
                Verification::Mismatch,
                "{stored}"
            );
        }
    }
}

#[test]
fn the_example_that_firebase_publishes_matches() {
    let made =
        PasswordHash::from_firebase(&FIREBASE_EXAMPLE, FIREBASE_SALT, FIREBASE_HASH).expect("good");
    assert_eq!(
        made.as_str(),
        "$firebase-scrypt$ln=14,r=8,ss=Bw,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA$42xEC+ixf3L2lw$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ"
    );
    for made in [&made, &hash(made.as_str())] {
        assert_eq!(
            made.verify(&password("user1password")),
            Verification::MatchOutdated
        );
        assert_eq!(
            made.verify(&password("user2password")),
            Verification::Mismatch
        );
    }
}

#[test]
fn url_safe_base64_from_firebase_is_read_too() {
    let url_safe = FIREBASE_HASH.replace('+', "-").replace('/', "_");
    let made = PasswordHash::from_firebase(&FIREBASE_EXAMPLE, FIREBASE_SALT, &url_safe);
    assert!(made.expect("good").as_str().ends_with("uid5lQ"));
}

#[test]
fn parameters_that_could_smuggle_a_field_into_a_firebase_hash_are_refused() {
    for text in ["Bw$Bw", "Bw==,sk=AAAA", "=", "Bw\n"] {
        let project = FirebaseProject {
            salt_separator: text,
            ..FIREBASE_EXAMPLE
        };
        let made = PasswordHash::from_firebase(&project, FIREBASE_SALT, FIREBASE_HASH);
        assert_eq!(made.err(), Some(DAMAGED), "{text}");
    }
}

#[test]
fn a_bcrypt_hash_stays_where_it_cannot_tell_the_password_from_another() {
    let head = "x".repeat(72);
    let of_72 = hash("$2b$04$i5PdzPEKOYiTEqWgY22j4ORyUe2XF9rmlTLv9Fo4/FzuhEtILwnSS");
    for tail in ["", "x", "y"] {
        let password = password(&format!("{head}{tail}"));
        assert_eq!(of_72.verify(&password), Verification::Match, "{tail}");
    }
    let of_71 = hash("$2b$04$1E8r7ES4LxDaICEkQ5NUF.sOoHSVwc7cwY8Tr/a.5RzAhdqaQC2S6");
    assert_eq!(
        of_71.verify(&password(&head[1..])),
        Verification::MatchOutdated
    );
    assert_eq!(of_71.verify(&password(&head)), Verification::Mismatch);
}

#[test]
fn argon2id_of_other_costs_than_today_is_outdated() {
    let of_today = hash(OF_TODAY);
    assert!(of_today.scheme.is_current());
    for (from, to) in [
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("m=19456", "m=19457"),
        ("t=2", "t=3"),
        ("p=1", "p=2"),
        ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc"),
        (
            "69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4",
            "69I7qCjDTsQwhQqFvpQJig",
        ),
    ] {
        assert!(
            !hash(&OF_TODAY.replace(from, to)).scheme.is_current(),
            "{to}"
        );
    }
}

#[test]
fn the_usual_settings_of_other_systems_are_affordable() {
    for costs in [
        "m=65536,t=4,p=1",
        "m=65536,t=3,p=4",
        "m=47104,t=1,p=1",
        "m=12288,t=3,p=1",
    ] {
        assert_eq!(
            problem(&OF_TODAY.replace("m=19456,t=2,p=1", costs)),
            None,
            "{costs}"
        );
    }
    for costs in [
        "ln=16,r=8,p=1",
        "ln=14,r=8,p=5",
        "ln=15,r=8,p=3",
        "ln=13,r=8,p=10",
    ] {
        assert_eq!(
            problem(&FOREIGN[12].1.replace("ln=4,r=8,p=1", costs)),
            None,
            "{costs}"
        );
    }
    assert_eq!(problem(&FOREIGN[8].1.replace("$04$", "$14$")), None);
    assert_eq!(problem(&FOREIGN[18].1.replace("1200", "1500000")), None);
}

#[test]
fn a_hash_that_costs_too_much_is_refused() {
    for costs in [
        "m=65537,t=1,p=1",
        "m=65536,t=17,p=1",
        "m=64,t=4294967295,p=1",
        "m=4294967295,t=4294967295,p=1",
    ] {
        assert_eq!(
            problem(&OF_TODAY.replace("m=19456,t=2,p=1", costs)),
            Some(COSTLY),
            "{costs}"
        );
    }
    for costs in [
        "ln=17,r=8,p=1",
        "ln=16,r=9,p=1",
        "ln=16,r=8,p=5",
        "ln=1,r=1,p=4294967295",
        "ln=4,r=4294967295,p=4294967295",
        "ln=63,r=1,p=1",
        "ln=4294967295,r=1,p=1",
    ] {
        assert_eq!(
            problem(&FOREIGN[12].1.replace("ln=4,r=8,p=1", costs)),
            Some(COSTLY),
            "{costs}"
        );
    }
    for cost in ["$15$", "$31$", "$99$"] {
        assert_eq!(
            problem(&FOREIGN[8].1.replace("$04$", cost)),
            Some(COSTLY),
            "{cost}"
        );
    }
    assert_eq!(
        problem(&FOREIGN[18].1.replace("1200", "2000001")),
        Some(COSTLY)
    );
    for text in [
        "$pbkdf2-sha512$i=1000001$c2FsdA$YBXDRZDfRCuS6GgcVe5XNBSlsmuRm+tEfW7Rm/V1EHYjIsl7oKWBLBqm9DTZ5L8UmA+5cnqUXXIEzgeBgVJfSg",
        "$P$KsaltsaltQXnIiyEv.SHY.U3fBq/Nz0",
        "$wp$2y$15$EbuTegYrcben8hbILcqZBunloW7P2OTG9vxunUtVlgxxD3abcdefg",
        "$bcrypt-sha256$v=2,t=2b,r=15$J5oK8IuTx/rcsTe0aSmcvO$.hc3",
        "bcrypt_sha256$$2b$31$EbuTegYrcben8hbILcqZBunloW7P2OTG9vxunUtVlgxxD3abcdefg",
        // Django's default for argon2: 100 MiB.
        "argon2$argon2id$v=19$m=102400,t=2,p=8$MDEyMzQ1Njc4OWFiY2RlZg$T3PcaJ24NQXQLgFPwsq1O95VXG3/ohGKDVyk0WOwfEE",
        "scrypt:131072:8:1$salt$00",
        "scrypt$131072$salt$8$1$AA==",
        "{scrypt}$110801$c2FsdA==$AAAA",
        "AQAAAAIALcbAAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
    ] {
        assert_eq!(problem(text), Some(COSTLY), "{text}");
    }
}

#[test]
fn what_is_no_hash_of_a_known_form_is_refused() {
    for text in [
        "",
        "$",
        "$$",
        PHRASE,
        "$1$salt$hash",
        "$2c$04$abc",
        "$5$rounds=5000$a$b",
        "{SSHA}abc",
        "argon2id$v=19$m=64",
        "$pbkdf2_sha256$1$a$b",
        "$pbkdf2-sha384$1000$a$b",
        "$argon2id",
        "pbkdf2:md5:1000$salt$00",
        "md5$salt$hash",
        "bcrypt:04$a$b",
        "user:password",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "{noop}password",
        "{bcrypt",
        "é$2b$",
    ] {
        assert_eq!(problem(text), Some(UNKNOWN), "{text}");
    }
}

#[test]
fn a_damaged_hash_is_refused() {
    for (from, to) in [
        ("m=19456,t=2,p=1", "m=19456,t=2"),
        ("m=19456,t=2,p=1", "t=2,m=19456,p=1"),
        ("m=19456,t=2,p=1", "m=19456,t=2,p=1,data=AAAA"),
        ("m=19456,t=2,p=1", "m=19456,t=+2,p=1"),
        ("m=19456,t=2,p=1", "m=19456,t=0,p=1"),
        ("m=19456,t=2,p=1", "m=19456,t=2,p=0"),
        ("m=19456,t=2,p=1", "m=7,t=2,p=1"),
        ("m=19456,t=2,p=1", "m=19456,t=2,p=4294967295"),
        ("m=19456,t=2,p=1", "m=19456,t=2,p=99999999999"),
        ("v=19", "v=20"),
        ("v=19$", "v=19"),
        ("MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1"),
        ("MDEyMzQ1Njc4OWFiY2RlZg", ""),
        (
            "69I7qCjDTsQwhQqFvpQJiqEI0lGQvxC84fXE0Ktxca4",
            "69I7qCjDTsQwhQqFvpQJ",
        ),
        ("69I7", "69 7"),
        ("xca4", "xca4$"),
    ] {
        assert_eq!(problem(&OF_TODAY.replace(from, to)), Some(DAMAGED), "{to}");
    }
    for (index, from, to) in [
        (8, "$04$", "$03$"),
        (8, "$04$", "$4$"),
        (8, "AfO", "Af"),
        (8, "AfO", "AfOO"),
        (12, "ln=4", "ln=0"),
        (12, "r=8", "r=0"),
        (12, "p=1", "p=0"),
        (12, "mLN2LmWs9b63du79f28txQ", ""),
        (14, "l=32", "l=31"),
        (14, "i=1000", "i=0"),
        (16, "0LDo", ""),
        (18, "q9W3kdl2mX0s4Bv7", ""),
        (18, "asE=", ""),
        (19, "XJA==", ""),
    ] {
        let text = FOREIGN[index].1.replace(from, to);
        assert_eq!(problem(&text), Some(DAMAGED), "{text}");
    }
    for text in [
        "$2x$04$abc",
        "$wp$2x$04$0123456789abcdefghijke7jaemG52yaA.YjLPBnHshU7uPIyJZnK",
        "{bcrypt}2b$04$",
        "{pbkdf2}5d923b44",
        "{scrypt}$e0801",
        "argon2$",
        "bcrypt$2b$04$",
        "scrypt:16385:8:1$salt$00",
        "scrypt:0:8:1$salt$00",
        "scrypt:16384:8$salt$00",
        "00:00",
        "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg==",
        "AQAAAAEAACcQ/////wABAgMEBQYHCAkKCwwNDg==",
        "AAAA",
        "$P$",
        "$P$9saltsaltc6FiMZ7qxtxcwwPo4F3vaz",
        "$P$9saltsaltc6FiMZ7qxtxcwwPo4F3vazz",
        "$P$!saltsaltc6FiMZ7qxtxcwwPo4F3va.",
        "$P$4saltsaltc6FiMZ7qxtxcwwPo4F3va.",
        &format!("{OF_TODAY}{}", "A".repeat(1000)),
    ] {
        assert_eq!(problem(text), Some(DAMAGED), "{text}");
    }
}

#[test]
fn a_hash_cut_off_matches_nothing() {
    for (text, stored) in FOREIGN
        .into_iter()
        .filter(|(_, stored)| !stored.starts_with("$scrypt"))
    {
        for end in
            (0..stored.trim_end_matches('=').len()).filter(|end| stored.is_char_boundary(*end))
        {
            if let Ok(hash) = PasswordHash::parse(&stored[..end]) {
                assert_eq!(
                    hash.verify(&password(text)),
                    Verification::Mismatch,
                    "{end} {stored}"
                );
            }
        }
    }
}

fn known() -> Vec<String> {
    let foreign = FOREIGN.map(|(_, stored)| stored.to_owned());
    let vectors = vectors()
        .into_iter()
        .map(|(_, _, hash)| hash.as_str().to_owned());
    vectors.chain(foreign).collect()
}

proptest! {
    #[test]
    fn reading_any_text_ends_in_a_hash_or_a_problem(
        known in prop::sample::select(known()),
        at in any::<prop::sample::Index>(),
        cut in 0..6_usize,
        put in "\\PC{0,3}|[0-9$=,]{0,12}",
    ) {
        let start = at.index(known.len());
        let end = (start + cut).min(known.len());
        let text = [&known[..start], &put, &known[end..]].concat();
        if let Ok(hash) = PasswordHash::parse(text.as_str()) {
            prop_assert_eq!(hash.as_str(), text);
        }
    }
}

#[test]
fn no_password_matches_where_there_is_none() {
    let [one, two] = [[1; 16], [2; 16]].map(PasswordHash::none);
    assert_ne!(one.as_str(), two.as_str());
    // As it is stored, and as Django and `/etc/shadow` have it.
    for text in [one.as_str(), "!", "!vMoQMO5fWbBVG4jR4nWuTPDi", "!$6$x$y"] {
        let none = PasswordHash::parse(text).expect("none");
        assert!(none.is_none() && none.as_str() == text);
        for password in [text, "", "!", "correct horse"] {
            let Ok(password) = Password::parse(password) else {
                continue;
            };
            assert_eq!(none.verify(&password), Verification::Mismatch);
        }
    }
    let hash = Password::parse("correct horse")
        .expect("good")
        .hash([7; 16]);
    assert!(!hash.is_none());
}
