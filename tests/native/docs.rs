//! The pages in `docs/` that name codes and numbers, checked against the code.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::json;
use tokenkeep::{
    account::{codes::EMAILS, guard::GUARD_TIMEOUT_MS, table::ACCOUNTS_TIMEOUT_MS},
    config::MIN_IDLE_SECONDS,
    http::{
        error::RETRY_AFTER_SECONDS,
        reply::Reply,
        request::{BODY_BYTES, BODY_TIMEOUT_MS, GET_TIMEOUT_MS, REQUEST_TIMEOUT_MS},
    },
    mail::send::SEND_TIMEOUT_MS,
    session::{
        cursor::CURSOR_BYTES,
        device::DEVICE_CHARACTERS,
        store::{
            OBJECT_TIMEOUT_MS, READ_TIMEOUT_MS, SESSIONS_PER_PAGE, SESSIONS_PER_SHARD,
            WRITE_TIMEOUT_MS,
        },
    },
    token::{TOKEN_BYTES, code::CodeKind, time::LONGEST_SESSION_SECONDS},
};
use tokenkeep_contract::DOCUMENT;
use tokenkeep_world::trouble::Store;

use crate::{
    client::{BCRYPT, tokens},
    world::{HOUR, MINUTE, Operations, World},
};

const ERRORS: &str = include_str!("../../docs/errors.md");
const COSTS: &str = include_str!("../../docs/costs.md");
const SECURITY: &str = include_str!("../../docs/security.md");
const OPERATING: &str = include_str!("../../docs/operating.md");
pub const BRAVO: &str = include_str!("../../docs/bravo.md");

#[test]
fn every_error_has_its_chapter_with_cause_and_fix_and_there_are_no_others() {
    let chapters = ERRORS.split("\n### ").skip(1);
    let described: BTreeSet<(u16, String)> = chapters
        .map(|chapter| {
            let (title, text) = chapter.split_once('\n').expect("a title");
            let (status, code) = title.split_once(' ').expect("a status");
            assert!(
                text.contains("*Cause:*") && text.contains("*Fix:*"),
                "{title}"
            );
            (
                status.parse().expect("a status"),
                code.trim_matches('`').to_owned(),
            )
        })
        .collect();
    assert_eq!(described, crate::codes::in_source());
}

/// The rows of the table under this title, without its head.
pub fn rows<'p>(page: &'p str, title: &str) -> Vec<&'p str> {
    let chapter = page
        .split("\n## ")
        .find(|chapter| chapter.starts_with(title))
        .expect(title);
    chapter
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect()
}

/// A limit of a field, as `public/openapi.json` has it; every test checks answers against that.
fn of_schema(schema: &str, limit: &str) -> u64 {
    let limit = &DOCUMENT["components"]["schemas"][schema][limit];
    limit.as_u64().expect("a number")
}

#[test]
fn the_limits_of_the_page_are_those_of_the_code() {
    let password = |limit| of_schema("NewPassword", limit);
    let days = LONGEST_SESSION_SECONDS / 86_400;
    let expected = [
        format!("| Body of a request | {} KiB |", BODY_BYTES / 1024),
        format!("| A token | {TOKEN_BYTES} bytes |"),
        format!("| `device` | {DEVICE_CHARACTERS} characters |"),
        format!("| `name` | {} characters |", of_schema("Name", "maxLength")),
        format!("| `email` | {} bytes |", of_schema("Email", "maxLength")),
        format!(
            "| `password`, when set | {} to {} characters |",
            password("minLength"),
            password("maxLength")
        ),
        // `token::claims` has a test of its own for this one.
        "| `claims` | 2048 bytes of JSON |".into(),
        format!("| `cursor` | {CURSOR_BYTES} bytes |"),
        format!(
            "| A code | {} minutes, to log in {}; the fifth wrong one ends it |",
            CodeKind::Reset.lifetime_ms() / MINUTE,
            CodeKind::Login.lifetime_ms() / MINUTE
        ),
        "| Wrong codes for an address | 100, then one an hour |".into(),
        format!(
            "| E-mails of one kind to an address | {} a minute, {} an hour, {} a day |",
            EMAILS[0].0, EMAILS[1].0, EMAILS[2].0
        ),
        format!("| Timeout of a try to send an e-mail | {SEND_TIMEOUT_MS} ms |"),
        format!("| Sessions on a page of the list | {SESSIONS_PER_PAGE} |"),
        format!(
            "| Sessions of an account | about {}; beyond that, those unused for longest end |",
            SESSIONS_PER_SHARD * 64
        ),
        format!("| Maximum `SESSION_MAX_SECONDS` | {LONGEST_SESSION_SECONDS} ({days} days) |"),
        format!("| Minimum `SESSION_IDLE_SECONDS` | {MIN_IDLE_SECONDS} |"),
        format!("| Timeout of a `GET`, then 503 | {GET_TIMEOUT_MS} ms |"),
        format!("| Timeout of another request, then 503 | {REQUEST_TIMEOUT_MS} ms |"),
        format!(
            "| Timeout of a request's body, then 400; part of the {REQUEST_TIMEOUT_MS} ms | {BODY_TIMEOUT_MS} ms |"
        ),
        format!("| Timeout of a KV read | {READ_TIMEOUT_MS} ms |"),
        format!("| Timeout of a KV write | {WRITE_TIMEOUT_MS} ms |"),
        format!("| Timeout of a request to an object with sessions | {OBJECT_TIMEOUT_MS} ms |"),
        format!("| Timeout of a password check | {GUARD_TIMEOUT_MS} ms |"),
        format!("| Timeout of a D1 query | {ACCOUNTS_TIMEOUT_MS} ms |"),
        format!("| `Retry-After` of a 503 | {RETRY_AFTER_SECONDS} s |"),
    ];
    assert_eq!(rows(COSTS, "Limits\n"), expected);
}

#[test]
fn the_costs_of_the_page_are_what_is_asked_of_the_store() {
    let world = World::new();
    let person = json!({"email": "ada@example.com", "password": "correct horse"});
    // What the last request read and wrote, as the page has it: keys, and whether in one call.
    let cost = || {
        world.settle();
        let Operations { reads, writes } = world.operations();
        (
            reads.iter().map(Vec::len).sum::<usize>(),
            reads.len(),
            writes.len(),
        )
    };
    let row = |title: &str| -> (String, String) {
        let rows = rows(COSTS, "What one request costs");
        let start = format!("| {title} |");
        let row = rows
            .iter()
            .find(|row| row.starts_with(&start))
            .expect(title);
        let cells: Vec<&str> = row.split(" | ").collect();
        (cells[1].into(), cells[2].into())
    };
    let expect = |title: &str, cost: (usize, usize, usize)| {
        let (read, written) = row(title);
        let (keys, calls, writes) = cost;
        let told = match (keys, calls) {
            (0, _) => "–".to_owned(),
            (keys, 1) => format!("{keys}, in one call"),
            (keys, _) => keys.to_string(),
        };
        assert_eq!(read, told, "{title}");
        let told = if writes == 0 {
            "–".into()
        } else {
            writes.to_string()
        };
        let first = written.split([',', ' ']).next().expect("a cell");
        assert_eq!(first.replace('0', "–"), told, "{title}");
    };

    let session = tokens(&world.post("/auth/signup", &person));
    expect("Sign up", cost());
    world.post("/auth/login", &person);
    expect("Log in", cost());
    world.me(&session);
    expect("User info", cost());
    let next = world.refresh_after(HOUR, &session);
    expect("Refresh, the token unchanged", cost());
    world.refresh(&next);
    expect("Refresh, with a successor for the first time", cost());
    world.log_out(&next);
    expect("Log out", cost());
}

/// What the free plan includes in a day.
const FREE_PLAN: [(&str, usize); 5] = [
    ("keys written", 1_000),
    ("lists", 1_000),
    ("keys deleted", 1_000),
    ("keys read", 100_000),
    ("requests", 100_000),
];

/// What the last request used up, in the order of [`FREE_PLAN`].
fn used(world: &World) -> [usize; 5] {
    world.settle();
    let calls: Vec<_> = world.take_calls();
    let keys = |verb: &str| {
        let calls = calls.iter().filter(|call| call.store == Store::Kv);
        let calls = calls.filter(|call| call.operation.starts_with(verb));
        calls.map(|call| call.keys.len().max(1)).sum()
    };
    [keys("write"), keys("list"), keys("delete"), keys("read"), 1]
}

/// The limit that requests like this one use up first, and after how many.
fn exhausted(used: [usize; 5]) -> (&'static str, usize) {
    let after = |((what, limit), used): ((&'static str, usize), usize)| {
        (used > 0).then(|| (what, limit.div_ceil(used)))
    };
    let limits = FREE_PLAN.into_iter().zip(used).filter_map(after);
    limits.min_by_key(|(_, after)| *after).expect("a request")
}

#[test]
fn the_requests_that_use_up_the_free_plan_are_those_of_the_page() {
    let world = World::with_any_password();
    world.import("u1", "ada@example.com", BCRYPT);
    let person = json!({"email": "ada@example.com", "password": "correct horse"});
    let login = tokens(&world.post("/auth/login", &person));
    let adopted = world.refresh_after(HOUR, &login);
    for _ in 0..49 {
        world.post("/auth/login", &person);
    }
    let later = world.refresh_after(HOUR, &adopted);
    world.settle();
    world.take_calls();
    let list = |query: &str| world.get(&format!("/auth/sessions{query}"), &later.access);
    let requests: [(&str, &dyn Fn() -> Reply); 11] = [
        ("A token that is not ours", &|| world.try_refresh("x")),
        ("A refresh, the token unchanged", &|| {
            world.try_refresh(&adopted)
        }),
        ("A refresh, with a successor for the first time", &|| {
            world.try_refresh(&later)
        }),
        ("A wrong password", &|| {
            let person = json!({"email": "bob@example.com", "password": "wrong horse"});
            world.post("/auth/login", &person)
        }),
        ("User info", &|| world.me(&later)),
        ("A page of sessions", &|| list("")),
        ("A page of 50 sessions with `?lastSeen=true`", &|| {
            list("?lastSeen=true")
        }),
        ("A login, or a sign-up", &|| {
            world.post("/auth/login", &person)
        }),
        ("Log out everywhere", &|| {
            let session = world.open_for("bob");
            world.take_calls();
            world.log_out_all(&session)
        }),
        ("Log out", &|| {
            let session = world.open_for("bob");
            world.take_calls();
            world.log_out(&session)
        }),
        ("Delete an account of 51 sessions", &|| {
            world.delete_account(&later, "any horse")
        }),
    ];
    let mut expected = Vec::new();
    for (title, request) in requests {
        request();
        let (what, after) = exhausted(used(&world));
        let thousands = format!("{},{:03}", after / 1_000, after % 1_000);
        let after = if after < 1_000 {
            after.to_string()
        } else {
            thousands
        };
        expected.push(format!("| {title} | {what} | {after} |"));
    }
    assert_eq!(rows(SECURITY, "What uses up the free plan"), expected);
}

/// Every file of the worker, as text.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.extension() {
            None => sources(&path),
            Some(_) => vec![fs::read_to_string(&path).expect("text")],
        })
        .collect()
}

/// The first text that each call of this kind is given.
fn given<'s>(sources: &'s [String], call: &str) -> BTreeSet<&'s str> {
    let calls = sources.iter().flat_map(|source| source.split(call).skip(1));
    calls
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect()
}

#[test]
fn every_event_and_reason_that_the_code_logs_is_explained() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut events = given(&sources, "Line::new(");
    events.extend(given(&sources, "Self::new("));
    events.extend(given(&sources, "event:"));
    // Named by the code of their error.
    events.extend([
        "too_many_attempts",
        "too_many_requests",
        "service_key_invalid",
        // Not a line of the log's own kind.
        "mail",
    ]);
    // A test of its own.
    events.remove("x");
    let table = rows(OPERATING, "Logs\n");
    let described = table
        .iter()
        .skip_while(|row| !row.starts_with("| `event` | Meaning"))
        .skip(1)
        .filter_map(|row| row.split('`').nth(1));
    assert_eq!(events, described.collect());

    let mut reasons = given(&sources, "log_revocation(");
    reasons.extend(given(&sources, "Line::revocation("));
    let row = table.iter().find(|row| row.contains("`sessions_revoked`"));
    let (_, told) = row.expect("told").split_once("`reason` is").expect("told");
    let told = told.split('`').skip(1).step_by(2);
    assert_eq!(reasons, told.collect());
}

#[test]
fn every_request_of_the_guide_is_one_of_the_document() {
    let requests = rows(BRAVO, "Every request");
    assert_eq!(requests.len(), 17);
    for row in requests {
        let cells: Vec<&str> = row
            .split(" | ")
            .map(|cell| cell.trim_matches([' ', '|', '`']))
            .collect();
        let (method, path) = cells[1].split_once(" URL").expect("a method and a path");
        let operation = &DOCUMENT["paths"][path][method.to_lowercase()];
        assert_eq!(operation["summary"], cells[0], "{row}");
        let takes_token = operation["security"][0].get("accessToken").is_some();
        assert_eq!(
            takes_token,
            cells[2] == "Authorization: Bearer ${accessToken}",
            "{row}"
        );
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let sent: serde_json::Value = serde_json::from_str(cells[3]).unwrap_or_default();
        assert_eq!(sent.is_object(), schema.is_object(), "{row}");
        for (field, variable) in sent.as_object().into_iter().flatten() {
            assert!(schema["properties"].get(field).is_some(), "{row}");
            let name = if field == "language" {
                "device.lang"
            } else {
                field
            };
            assert_eq!(*variable, format!("${{{name}}}"));
        }
    }
}
