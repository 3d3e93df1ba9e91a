//! Every call of every flow goes wrong in every way, once and for good: what the client sees, and
//! what is left behind. `docs/faults.md` is the table of it.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, sync::Mutex, thread};

use serde_json::Value;
use tokenkeep::{
    config::SessionStore::{self, DurableObjects, Kv},
    http::reply::Reply,
};
use tokenkeep_world::{
    accounts::Row,
    trouble::{Call, Plan, Store, Trouble},
};

use crate::{
    client::{body, expect_error, header},
    codes::UNAVAILABLE,
    flows::{FLOWS, Flow, Scene},
    world::{World, use_store},
};

/// A phone gives a `GET` up after this time,
const GET_IS_GIVEN_UP_MS: u64 = 5_000;
/// and everything else after this.
const REQUEST_IS_GIVEN_UP_MS: u64 = 10_000;

/// What is stored, as far as it matters.
#[derive(PartialEq, Eq)]
struct Picture {
    accounts: Vec<(String, Option<String>, String)>,
    verified: Vec<bool>,
    open: BTreeSet<String>,
    ended: BTreeSet<String>,
    cut_offs: Vec<(String, String)>,
    notes: Vec<(String, String)>,
    attempts: usize,
    /// What guards have stored of codes, without times.
    codes: Vec<String>,
}

impl Picture {
    fn of(world: &World) -> Self {
        let value = |key: &String| world.entry(key).expect("listed").value.to_string();
        let all = |prefix| world.keys(prefix).into_iter();
        let is_ended = |key: &String| value(key).contains("revoked_at");
        let sessions = all("session:").chain(all("service:"));
        let (mut ended, mut open): (BTreeSet<_>, BTreeSet<_>) = sessions.partition(is_ended);
        let mut cut_offs: Vec<(String, String)> = ["revoked:", "service-revoked:"]
            .into_iter()
            .flat_map(|prefix| all(prefix).map(|key| (key.clone(), value(&key))))
            .collect();
        let mut notes: Vec<(String, String)> = all("activity:")
            .map(|key| (key.clone(), value(&key)))
            .collect();
        for (name, rows) in world.object_storage() {
            for (key, value) in rows {
                let (kind, id) = key.split_once(':').unwrap_or((&key, ""));
                let session = format!("{name} {id}");
                match kind {
                    "ended" => drop(ended.insert(session)),
                    "session" => {
                        let row: Value = serde_json::from_str(&value).expect("JSON");
                        notes.push((session.clone(), row["activity"].to_string()));
                        open.insert(session);
                    }
                    _ => cut_offs.push((name.clone(), value)),
                }
            }
        }
        // Where a tombstone stands beside it, it is over.
        open.retain(|session| !ended.contains(session));
        notes.retain(|(session, _)| !ended.contains(session));
        let row = |(account, hash): &Row| {
            let name = account.name.as_ref().map(|name| name.as_str().to_owned());
            (
                account.email.as_str().to_owned(),
                name,
                hash.as_str().to_owned(),
            )
        };
        let accounts = world.accounts.borrow();
        Self {
            accounts: accounts.rows().map(row).collect(),
            verified: accounts.rows().map(|(it, _)| it.email_verified).collect(),
            open,
            ended,
            cut_offs,
            notes,
            codes: world
                .guard_storage()
                .values()
                .map(|json| codes(json))
                .filter(|codes| codes != "null null")
                .collect(),
            attempts: world
                .guard_storage()
                .values()
                .map(|json| failures(json))
                .sum(),
        }
    }

    /// What has been done since another picture, in words.
    fn since(&self, before: &Self) -> String {
        let mut done = Vec::new();
        let count = self.accounts.len().cmp(&before.accounts.len());
        match count {
            std::cmp::Ordering::Greater => done.push("account created"),
            std::cmp::Ordering::Less => done.push("account deleted"),
            std::cmp::Ordering::Equal => {
                let changed = |part: fn(&(String, Option<String>, String)) -> String| {
                    !self
                        .accounts
                        .iter()
                        .map(part)
                        .eq(before.accounts.iter().map(part))
                };
                if changed(|(email, ..)| email.clone()) {
                    done.push("address changed");
                }
                if changed(|(_, name, _)| format!("{name:?}")) {
                    done.push("name changed");
                }
                if changed(|(_, _, hash)| hash.clone()) {
                    done.push("password changed");
                }
                if self.verified != before.verified {
                    done.push("address verified");
                }
            }
        }
        if self.open.difference(&before.open).next().is_some() {
            done.push("session opened");
        }
        if self.ended.difference(&before.ended).next().is_some() {
            done.push("session ended");
        }
        let gone = before
            .open
            .iter()
            .any(|key| !self.open.contains(key) && !self.ended.contains(key));
        if gone {
            done.push("sessions erased");
        }
        if self.cut_offs != before.cut_offs {
            done.push("all sessions ended");
        }
        let is_note = |note: &&(String, String)| note.1 != "null";
        let notes = |picture: &Self| picture.notes.iter().filter(is_note).cloned().collect();
        let (now, then): (Vec<_>, Vec<_>) = (notes(self), notes(before));
        if now.iter().any(|note| !then.contains(note)) {
            done.push("activity stored");
        }
        if self.codes != before.codes {
            done.push("code stored");
        }
        if self.attempts > before.attempts {
            done.push("attempt counted");
        }
        done.join(", ")
    }
}

/// The failed attempts that a guard has stored.
fn failures(json: &str) -> usize {
    let stored: Value = serde_json::from_str(json).expect("JSON");
    let sources = stored["sources"].as_array().expect("a list");
    let failed = sources
        .iter()
        .filter_map(|source| source["failed"].as_array());
    failed.map(Vec::len).sum()
}

/// The codes that a guard has stored.
fn codes(json: &str) -> String {
    let stored: Value = serde_json::from_str(json).expect("JSON");
    format!("{} {}", stored["codes"], stored["move"])
}

/// What came of one request.
struct Outcome {
    status: u16,
    left: String,
}

impl Outcome {
    /// In the table: the status, and what was done that the status does not tell.
    fn cell(&self, good: &Self) -> String {
        if self.left == good.left && self.status == good.status {
            return self.status.to_string();
        }
        match self.left.as_str() {
            "" if self.status == 503 => "503".into(),
            "" => format!("{}, nothing", self.status),
            left => format!("{}, {left}", self.status),
        }
    }
}

/// Sends the flow's request, checks what every answer has to be, and lets time pass until nothing
/// is under way any more.
fn send(flow: &Flow, scene: &Scene) -> (Reply, Outcome) {
    let world = &scene.world;
    let before = Picture::of(world);
    let call = (flow.call)(scene);
    let started = world.now();
    let reply = world.answer(&call);
    let took = world.now() - started;
    let given_up = match call.method {
        tokenkeep::http::method::Method::Get => GET_IS_GIVEN_UP_MS,
        _ => REQUEST_IS_GIVEN_UP_MS,
    };
    assert!(took < given_up, "answered after {took} ms");
    world.settle();
    let left = Picture::of(world).since(&before);
    let status = reply.status;
    (reply, Outcome { status, left })
}

/// One cell: this plan, and all that has to be true then.
fn suffer(flow: &Flow, scene: &Scene, plan: Plan) -> Outcome {
    let scene = scene.copy();
    let world = &scene.world;
    world.inject(plan);
    let (reply, outcome) = send(flow, &scene);
    world.recover();

    let bystander = world.copy();
    bystander.refresh(&scene.bob);
    if reply.status == flow.good {
        (flow.holds)(&scene, &body(&reply));
        return outcome;
    }
    if flow.if_forgotten == Some(reply.status) && !world.lines("attempts_unreadable").is_empty() {
        still_logged_in(&scene, flow, false);
        return outcome;
    }
    assert_eq!(reply.status, 503, "{}", reply.body);
    if flow.name != "GET /health" {
        expect_error(&reply, UNAVAILABLE);
        assert_eq!(header(&reply, "Retry-After"), Some("2"));
    }
    let has_ended = ["ended", "erased", "deleted"]
        .iter()
        .any(|word| outcome.left.contains(word));
    still_logged_in(&scene, flow, has_ended);

    // The fault is over, and the phone repeats the request.
    world.pass(2_000);
    let (again, _) = send(flow, &scene);
    let done_before = has_ended && Some(again.status) == flow.done_before;
    assert!(
        again.status == flow.good || done_before,
        "{} {}",
        again.status,
        again.body
    );
    (flow.holds)(&scene, &body(&again));
    outcome
}

/// A 503 has logged nobody out whom the request was not to log out.
fn still_logged_in(scene: &Scene, flow: &Flow, has_ended: bool) {
    let world = scene.world.copy();
    for device in [&scene.here, &scene.there] {
        let reply = world.try_refresh(device);
        let is_meant = has_ended || flow.good == 401 && reply.status == 401;
        assert!(
            reply.status == 200 || is_meant,
            "{} {}",
            reply.status,
            reply.body
        );
    }
}

/// A row of the table for each call of the flow, and the number of cells.
fn sweep(flow: &Flow) -> (String, usize) {
    let scene = (flow.begin)();
    let (calls, good) = without_trouble(flow, &scene);
    let mut rows = String::new();
    let mut faults = 0;
    for (from, call) in calls.iter().enumerate() {
        let _ = write!(rows, "| {call} |");
        for trouble in Trouble::ALL {
            if !trouble.fits(call) {
                rows += " – |";
                continue;
            }
            let cell = |lasts| {
                let plan = Plan::new(call.store, "", trouble).from_call(from);
                let plan = if lasts { plan } else { plan.times(1) };
                let cell = std::panic::AssertUnwindSafe(|| suffer(flow, &scene, plan).cell(&good));
                std::panic::catch_unwind(cell)
                    .unwrap_or_else(|_| panic!("{}: {call}, {plan:?}", flow.name))
            };
            // Only KV's writes are tried again.
            let is_last = !calls[from + 1..]
                .iter()
                .any(|later| later.store == call.store);
            if is_last && !(call.store == Store::Kv && call.operation == "write") {
                faults += 1;
                let _ = write!(rows, " {} |", cell(false));
                continue;
            }
            let [once, for_good] = [cell(false), cell(true)];
            faults += 2;
            let cell = if once == for_good {
                once
            } else {
                format!("{once}; {for_good}")
            };
            let _ = write!(rows, " {cell} |");
        }
        rows += "\n";
    }
    let effect = match good.left.as_str() {
        "" => "nothing is stored".into(),
        left => left.to_owned(),
    };
    let heading = format!(
        "### {}\n\nWithout a fault: {}, {effect}.\n\n",
        flow.name, flow.good
    );
    if calls.is_empty() {
        return (heading + "It uses no store.\n", 0);
    }
    (heading + HEAD + &rows, faults)
}

fn without_trouble(flow: &Flow, scene: &Scene) -> (Vec<Call>, Outcome) {
    let scene = scene.copy();
    let (reply, outcome) = send(flow, &scene);
    assert_eq!(reply.status, flow.good, "{} {}", flow.name, reply.body);
    let calls = scene.world.take_calls();
    (flow.holds)(&scene, &body(&reply));
    (calls, outcome)
}

const HEAD: &str = "| Call | 20 s late | silent | fails | refuses (429) | done, says error | done, silent | garbage |\n|---|---|---|---|---|---|---|---|\n";

/// Where the tables begin in the page.
const MARK: &str = "<!-- The sweep writes what follows. -->\n";

/// The tables of all flows, and the number of cells.
fn sweep_all(store: SessionStore) -> (Vec<String>, usize) {
    let next = Mutex::new(0);
    let mut tables: Vec<(usize, String, usize)> = thread::scope(|scope| {
        let work = || {
            use_store(store);
            let mut done = Vec::new();
            loop {
                let index = {
                    let mut next = next.lock().expect("no panic while it is held");
                    *next += 1;
                    *next - 1
                };
                let Some(flow) = FLOWS.get(index) else {
                    return done;
                };
                let (table, cells) = sweep(flow);
                done.push((index, table, cells));
            }
        };
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("as it should be"))
            .collect()
    });
    tables.sort_by_key(|(index, ..)| *index);
    let cells: usize = tables.iter().map(|(.., cells)| cells).sum();
    assert!(cells > 700, "{cells}");
    let tables = tables.into_iter().map(|(_, table, _)| table).collect();
    (tables, cells)
}

#[test]
fn every_call_of_every_flow_goes_wrong_in_every_way_as_the_page_says() {
    let (in_kv, cells) = sweep_all(Kv);
    let (in_objects, cells_of_objects) = sweep_all(DurableObjects);
    // Where sessions are makes no difference to some.
    let differs = in_objects.iter().filter(|table| !in_kv.contains(table));
    let differs: Vec<String> = differs.cloned().collect();
    let cells = cells + cells_of_objects;
    let observed = format!(
        "{MARK}\n{cells} faults.\n\n{}\n## With sessions in objects\n\n{}",
        in_kv.join("\n"),
        differs.join("\n")
    );

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let page = fs::read_to_string(&path).expect("docs/faults.md");
    let (words, told) = page.split_once(MARK).expect("the mark in docs/faults.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{words}{observed}")).expect("docs/faults.md can be written");
        return;
    }
    let told = format!("{MARK}{told}");
    let differs = told
        .lines()
        .zip(observed.lines())
        .find(|(told, seen)| told != seen);
    assert!(
        told == observed,
        "docs/faults.md is out of date: {differs:?}; to write it anew: UPDATE_DOCS=1 cargo test --test native sweep"
    );
}

#[test]
fn slow_stores_that_fail_in_the_end_are_answered_in_time_too() {
    for flow in &FLOWS {
        let scene = (flow.begin)();
        let (calls, _) = without_trouble(flow, &scene);
        for pace_ms in [300, 700, 1_100, 1_700, 2_400] {
            for (from, call) in calls.iter().enumerate() {
                let scene = scene.copy();
                let plan = Plan::new(call.store, "", Trouble::Fails);
                scene.world.inject(plan.from_call(from));
                scene.world.set_pace(pace_ms);
                let (reply, _) = send(flow, &scene);
                let fine = [flow.good, 503].contains(&reply.status);
                assert!(fine, "{} {from} {pace_ms}: {}", flow.name, reply.body);
            }
        }
    }
}
