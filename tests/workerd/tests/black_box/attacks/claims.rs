//! Claims that Tokenkeep never writes, tokens of another kind, of another place and of another time.

use serde_json::json;
use tokenkeep_workerd_tests::{
    time::{HOUR, MINUTE, now},
    tokens::{derived_access_key, random_name, sign_text},
    workerd::{Settings, Workerd},
};

use super::{Good, Siege};

/// What a time can be written as, and is not.
const NUMBERS: [&str; 24] = [
    "-1",
    "-0",
    "-9223372036854775808",
    "-9223372036854775809",
    "0",
    "0.5",
    "1.5",
    "1e3",
    "1E10",
    "1.8e9",
    "1e308",
    "1e400",
    "-1e400",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "\"1800000000\"",
    "\"\"",
    "null",
    "true",
    "[1800000000]",
];

#[test]
fn a_time_is_a_whole_number_within_reason() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let of = |name: &'static str| NUMBERS.map(|number| good.with_claim(name, number));
        [of("exp"), of("iat")].concat()
    });
    siege.end(24 * 2 * 2 * 3);
}

#[test]
fn a_generation_is_a_whole_number_of_32_bits() {
    let mut siege = Siege::begin();
    let numbers = NUMBERS.iter().filter(|number| **number != "0");
    let tokens = numbers
        .chain(&["4294967296", "{}"])
        .map(|number| siege.refresh.with_claim("gen", number));
    for token in tokens.collect::<Vec<_>>() {
        siege.try_everywhere(&token, "invalid");
    }
    siege.end(25 * 3);
}

#[test]
fn claims_that_stand_twice_or_are_no_object_are_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let claims = good.claims().to_string();
        let (end, begin) = (&claims[..claims.len() - 1], &claims[1..]);
        let deep =
            |depth: usize| format!(r#"{end},"x":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let header = good.header().to_string();
        let mut forged = Vec::new();
        for name in ["sub", "sid", "exp", "iat", "gen"] {
            let value = &good.claims()[name];
            if !value.is_null() {
                forged.push(format!(r#"{end},"{name}":{value}}}"#));
                forged.push(format!(r#"{{"{name}":{value},{begin}"#));
                let (first, rest) = name.split_at(1);
                let escaped = format!("\\u{:04x}{rest}", u32::from(first.as_bytes()[0]));
                forged.push(format!(r#"{end},"{escaped}":{value}}}"#));
            }
        }
        // The access tokens of these tests have no `gen`.
        forged.truncate(12);
        forged.extend([
            format!(r#"{end},"nbf":0}}"#),
            format!(r#"{end},"nbf":99999999999}}"#),
            format!("[{claims}]"),
            format!("\u{feff}{claims}"),
            format!("{claims}\0"),
            format!("{claims}{claims}"),
            format!("{end},}}"),
            end.to_owned(),
            deep(200),
            deep(1000),
            "[".repeat(2900),
            "null".to_owned(),
            "\"\"".to_owned(),
            "{}".to_owned(),
            String::new(),
        ]);
        let mut forged: Vec<String> = forged
            .iter()
            .map(|claims| sign_text(&header, claims, &good.key))
            .collect();
        for bytes in [
            &b"\xff"[..],
            b"{\"sub\":\"\xc0\x80\"}",
            b"\x00",
            b"\xa3csubcada",
        ] {
            forged.push(sign_text(&header, bytes, &good.key));
        }
        forged
    });
    siege.end((12 + 15 + 4) * 2 * 3);
}

#[test]
fn a_session_that_could_be_no_key_is_refused() {
    let mut siege = Siege::begin();
    siege.forge(|good| {
        let of = |name: &'static str, values: &[&str]| -> Vec<String> {
            let forge = |value: &&str| good.with_claim(name, value);
            values.iter().map(forge).collect()
        };
        [
            of(
                "sub",
                &[
                    "null",
                    "1",
                    "\"\"",
                    "\"a:b\"",
                    "\"a/b\"",
                    "\"a\\u0000\"",
                    "[\"ada\"]",
                    "\"\\u00e9\"",
                ],
            ),
            of(
                "sid",
                &[
                    "null",
                    "1",
                    "\"\"",
                    "\"../../x\"",
                    "\"AAAAAAAAAAAAAAAAAAAAAB\"",
                    "\"AAAAAAAAAAAAAAAAAAAAAA==\"",
                ],
            ),
        ]
        .concat()
    });
    siege.end(14 * 2 * 3);
}

#[test]
fn a_token_past_its_end_is_refused_to_the_second() {
    let mut siege = Siege::begin();
    let seconds = now() / 1000;
    for end in [seconds, seconds - 1, seconds - 60, seconds - 3600] {
        let (refresh, access) = (&siege.refresh, &siege.access);
        let with_end = |good: &Good| {
            let mut claims = good.claims();
            claims["exp"] = end.into();
            claims["iat"] = (end - 3600).into();
            sign_text(&good.header().to_string(), claims.to_string(), &good.key)
        };
        let [refresh, access] = [refresh, access].map(with_end);
        let body = json!({"refreshToken": refresh}).to_string();
        let answer = siege.post("/auth/token", body.as_bytes());
        answer.assert_error(401, "refresh_token_expired");
        assert_eq!(siege.post("/auth/logout", body.as_bytes()).status, 200);
        let answer = siege.bear(access.as_bytes()).expect("a header");
        answer.assert_error(401, "access_token_expired");
    }
    siege.end(4 * 3);
}

#[test]
fn a_token_of_one_kind_is_none_of_the_other() {
    let mut siege = Siege::begin();
    let refresh = siege.refresh.token.clone();
    let answer = siege.bear(refresh.as_bytes()).expect("a header");
    answer.assert_error(401, "access_token_invalid");
    let body = json!({"refreshToken": siege.access.token}).to_string();
    let answer = siege.post("/auth/token", body.as_bytes());
    answer.assert_error(401, "refresh_token_invalid");

    // The one's key with the other's header, and with the other's claims.
    let [refresh, access] = [&siege.refresh, &siege.access];
    let swapped = [access.header().to_string(), refresh.header().to_string()]
        .iter()
        .zip([refresh, access])
        .map(|(header, good)| sign_text(header, good.claims().to_string(), &good.key))
        .chain([
            sign_text(
                &access.header().to_string(),
                access.claims().to_string(),
                &refresh.key,
            ),
            sign_text(
                &refresh.header().to_string(),
                refresh.claims().to_string(),
                &access.key,
            ),
            sign_text(
                &refresh.header().to_string(),
                access.claims().to_string(),
                &refresh.key,
            ),
        ])
        .collect::<Vec<_>>();
    for token in swapped {
        siege.try_everywhere(&token, "invalid");
    }
    siege.end(2 + 5 * 3);
}

#[test]
fn one_key_for_both_kinds_cannot_be_set_not_even_as_an_old_one() {
    let settings = Settings::fresh();
    let secret = settings.refresh_secret.clone();
    let with = |name: &str| settings.clone().with(name, &secret);
    let workerd = Workerd::start(&[
        with("access_token_secret"),
        with("access_token_secret_previous"),
    ]);
    for client in &workerd.clients {
        client.refresh("x").assert_error(500, "misconfigured");
    }
}

#[test]
fn a_token_of_another_deployment_is_refused() {
    let mut siege = Siege::begin();
    let secret = String::from_utf8(siege.refresh.key.clone()).expect("text");
    let other = format!("{}{}", random_name(), random_name());
    let secrets = [
        other.clone(),
        String::new(),
        secret[1..].to_owned(),
        secret[..secret.len() - 1].to_owned(),
        format!("{secret} "),
        secret.to_uppercase(),
    ];
    siege.forge(|good| {
        let header = good.header().to_string();
        let claims = good.claims().to_string();
        let refresh = secrets
            .iter()
            .map(|secret| sign_text(&header, &claims, secret));
        let access = secrets
            .iter()
            .map(|secret| sign_text(&header, &claims, derived_access_key(secret)));
        refresh.chain(access).collect()
    });
    siege.end(6 * 2 * 2 * 3);
}

#[test]
fn a_life_longer_than_any_session_is_refused() {
    let mut siege = Siege::begin();
    let begun_at = (now() - 2 * HOUR - MINUTE) / 1000;
    siege.forge(|good| {
        [401 * 24 * 3600, 4_000_000_000, 253_402_300_799]
            .map(|life: u64| {
                let mut claims = good.claims();
                claims["iat"] = begun_at.into();
                claims["exp"] = (begun_at + life).into();
                sign_text(&good.header().to_string(), claims.to_string(), &good.key)
            })
            .to_vec()
    });
    siege.end(3 * 2 * 3);
}
