//! A model of the limits on guessing: the worker's own count of attempts, in virtual time, against
//! guessers who know the rule and never lose a second. `docs/security.md` states its numbers.

use tokenkeep::{
    account::{
        attempts::{Attempts, Caller, Outcome, Source},
        codes::{Codes, Presented},
        email::Email,
    },
    token::{
        code::{CODES, CodeKind, CodeMac},
        id::SessionId,
        time::UnixMillis,
    },
};

use crate::world::{DAY, HOUR, MINUTE};

const SECURITY: &str = include_str!("../../docs/security.md");
const START: u64 = 1_800_000_000_000;

fn email() -> Email {
    Email::parse("ada@example.com").expect("good")
}

fn from_network(number: usize) -> Caller {
    let [_, a, b, c] = u32::try_from(number).expect("small").to_be_bytes();
    Caller {
        network: Source::new(&email(), &format!("10.{a}.{b}.{c}")),
        device: None,
    }
}

/// The device of a session, from a network that nobody knows.
fn with_token() -> Caller {
    Caller {
        device: Some(Source::device(&email(), &SessionId::from_random([7; 16]))),
        ..from_network(1_000_000)
    }
}

/// Attempts at an address where the owner has logged in from this network.
fn at_home(network: usize) -> Attempts {
    let mut attempts = Attempts::default();
    let now = UnixMillis(START);
    let login = attempts
        .admit(&from_network(network), now)
        .expect("no wait");
    attempts.settle(login, Outcome::Success, now);
    attempts
}

/// What guessers achieve on each of four days, and how long of the last one this owner has to wait.
struct Siege {
    guesses: [usize; 4],
    /// Of the last day, in percent.
    shut_out: u64,
}

fn siege(mut attempts: Attempts, attacker: impl Fn(usize) -> Caller, owner: &Caller) -> Siege {
    let (mut now, mut number, mut guesses, mut open_ms) = (0, 0, [0; 4], 0);
    while now < 4 * DAY {
        let at = UnixMillis(START + now);
        let step = match attempts.admit(&attacker(number), at) {
            Ok(ticket) => {
                attempts.settle(ticket, Outcome::Failure, at);
                guesses[usize::try_from(now / DAY).expect("a day")] += 1;
                number += 1;
                0
            }
            Err(wait) => wait.seconds * 1000,
        };
        if now >= 3 * DAY {
            let wait = attempts
                .clone()
                .admit(owner, at)
                .err()
                .map_or(0, |wait| wait.seconds * 1000);
            open_ms += step.saturating_sub(wait);
        }
        now += step;
    }
    Siege {
        guesses,
        shut_out: 100 - open_ms * 100 / DAY,
    }
}

/// Wrong codes within this time, and e-mails, by somebody who asks for each e-mail of every kind that
/// logs in, and tries each code as often as the rule lets them.
fn wrong_codes(milliseconds: u64) -> (u64, u64) {
    const KINDS: [CodeKind; 3] = [CodeKind::Reset, CodeKind::Login, CodeKind::Verify];
    let mac = |text: &str| -> CodeMac { serde_json::from_str(text).expect("a text") };
    let (right, wrong) = ([mac("\"right\"")], [mac("\"wrong\"")]);
    let mut codes = Codes::default();
    let (mut e_mails, mut guesses) = (0, 0);
    for minute in 0..milliseconds / MINUTE {
        let now = UnixMillis(minute * MINUTE);
        for kind in KINDS {
            if !codes.issue(kind, right[0].clone(), now) {
                continue;
            }
            e_mails += 1;
            while codes.clone().present(kind, &right, now) == Presented::Right {
                let _ = codes.present(kind, &wrong, now);
                guesses += 1;
            }
        }
    }
    (guesses, e_mails)
}

#[test]
fn the_numbers_of_codes_are_those_of_the_rule() {
    let within = |time| wrong_codes(time).0;
    let [hour, two_days, three_days] = [HOUR, 2 * DAY, 3 * DAY].map(within);
    let (year, e_mails) = wrong_codes(365 * DAY);
    let thousands = |number: u64| format!("{},{:03}", number / 1_000, number % 1_000);
    let expected = [
        format!("| In an hour | {hour} |"),
        format!("| In the first two days | {two_days} |"),
        format!("| On each later day | {} |", three_days - two_days),
        format!(
            "| In a year | {}: 1 in {} gets in, and the owner gets {} e-mails |",
            thousands(year),
            CODES / year,
            thousands(e_mails)
        ),
    ];
    let rows = expected.join("\n") + "\n";
    assert!(SECURITY.contains(&rows), "{rows}");
}

#[test]
fn the_numbers_of_the_page_are_those_of_the_model() {
    let (stranger, device, home) = (from_network(1_000_001), with_token(), 999);
    let one = siege(Attempts::default(), |_| from_network(1), &stranger);
    let many = siege(Attempts::default(), from_network, &stranger);
    let at_home_one = siege(at_home(home), |_| from_network(home), &from_network(home));
    let with_stolen_token = siege(Attempts::default(), |_| with_token(), &stranger);
    let for_home = siege(
        at_home(home),
        |number| from_network(number + 2_000),
        &from_network(home),
    );
    let for_device = siege(Attempts::default(), from_network, &device);
    let on_one_line = siege(at_home(home), |_| from_network(home), &device);

    let guesses = |siege: &Siege| format!("{} | {}", siege.guesses[0], siege.guesses[3]);
    let by = |siege: &Siege| match siege.shut_out {
        0 => "impossible".to_owned(),
        100 => format!("{} requests a day", siege.guesses[3]),
        percent => format!("{} requests a day, for {percent} % of it", siege.guesses[3]),
    };
    let expected = [
        format!("| One network | {} |", guesses(&one)),
        format!("| Any number of networks | {} |", guesses(&many)),
        format!(
            "| A network that the owner logged in from | {} |",
            guesses(&at_home_one)
        ),
        format!(
            "| Whoever has an old refresh token of the account | {} |",
            guesses(&with_stolen_token)
        ),
        format!("| Neither, from anywhere | {} |", by(&many)),
        format!("| Their network, from other networks | {} |", by(&for_home)),
        format!(
            "| Their network, from that network | {} |",
            by(&at_home_one)
        ),
        format!(
            "| Their refresh token, from anywhere | {} |",
            by(&for_device)
        ),
        format!(
            "| Their refresh token, from their network | {} |",
            by(&on_one_line)
        ),
    ];
    for row in &expected {
        println!("{row}");
    }
    for row in expected {
        assert!(SECURITY.contains(&format!("{row}\n")), "{row}");
    }
}
