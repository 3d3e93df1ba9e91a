//! Mixed traffic on a workerd that is killed now and then, and an account afterwards: whatever was
//! acknowledged has to be in force.
//!
//! What is killed is workerd with the worker and its objects, whose storage is on disk. KV and D1 are
//! servers of ours that go on, as Cloudflare's do when a machine of its network fails: the simulators
//! of `wrangler dev` would die with the worker, and what they lose would say nothing about it.
//!
//! People repeat a request until it is answered, as phones do. So after each it is known what has to
//! be true.

mod person;

use std::{
    fmt,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::Client,
    workerd::{SessionsIn, Settings, Workerd},
};

use person::Person;

/// How many people are busy at once.
const PEOPLE_AT_ONCE: usize = 6;

/// How many lives of workerd are cut short; the last one goes on to the end.
const KILLS: u32 = 4;

/// How much larger the memory may be at the end of a long life than early in it. The heap of V8
/// grows and shrinks by some MiB at all times.
const MOST_GROWTH_KIB: u64 = 96 * 1024;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Requests that were answered as they should be.
    pub acknowledged: u64,
    /// Requests that were not answered, or with a 503, and were sent again.
    pub repeated: u64,
    /// How often workerd was killed.
    pub kills: u32,
    /// Accounts, and sessions, of which an account was made at the end.
    pub accounts: usize,
    /// See [`Report::accounts`].
    pub sessions: usize,
    /// What was acknowledged and is not so.
    pub losses: Vec<String>,
    /// Seconds since the begin, and the resident set in KiB.
    pub memory: Vec<(u64, u64)>,
}

impl Report {
    /// Whether nothing was lost.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.losses.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            repeated,
            kills,
            accounts,
            sessions,
            losses,
            memory,
        } = self;
        writeln!(
            formatter,
            "{acknowledged} requests acknowledged, {repeated} sent again, workerd killed {kills} times"
        )?;
        writeln!(
            formatter,
            "{accounts} accounts and {sessions} sessions looked at, {} losses",
            losses.len()
        )?;
        for loss in losses {
            writeln!(formatter, "  lost: {loss}")?;
        }
        write!(formatter, "memory in MiB, by seconds:")?;
        for (second, kib) in memory {
            write!(formatter, " {second}:{}", kib / 1024)?;
        }
        Ok(())
    }
}

/// What all people share.
pub(crate) struct Town {
    client: RwLock<Client>,
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    repeated: AtomicU64,
    losses: Mutex<Vec<String>>,
}

impl Town {
    fn client(&self) -> Client {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.clone()
    }

    pub(crate) fn lose(&self, what: String) {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.push(what);
    }
}

/// Runs for about so many seconds, and a little longer for the account.
///
/// # Panics
/// workerd does not start.
#[must_use]
pub fn run(seconds: u64, sessions: SessionsIn) -> Report {
    run_with(seconds, sessions, |_| {})
}

/// The same while something is done to workerd and its stores several times a second.
///
/// # Panics
/// workerd does not start.
#[must_use]
pub fn run_with(seconds: u64, sessions: SessionsIn, meddle: impl Fn(&Workerd)) -> Report {
    let settings = [Settings::fresh().with_accounts().with_sessions_in(sessions)];
    let mut workerd = Workerd::start(&settings);
    let town = Town {
        client: RwLock::new(workerd.clients[0].clone()),
        is_over: AtomicBool::new(false),
        acknowledged: AtomicU64::new(0),
        repeated: AtomicU64::new(0),
        losses: Mutex::default(),
    };
    let mut report = Report::default();
    let people = thread::scope(|scope| {
        let live = || {
            let mut people = Vec::new();
            while !town.is_over.load(Relaxed) {
                let mut person = Person::new(&town);
                person.live();
                people.push(person);
            }
            people
        };
        let threads: Vec<_> = (0..PEOPLE_AT_ONCE).map(|_| scope.spawn(live)).collect();
        watch(
            &town,
            &mut workerd,
            &settings,
            seconds,
            &meddle,
            &mut report,
        );
        town.is_over.store(true, Relaxed);
        let people = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        people
            .flat_map(|people| people.expect("no panic"))
            .collect::<Vec<_>>()
    });
    report.accounts = people.len();
    thread::scope(|scope| {
        let shares = people.chunks(people.len().div_ceil(PEOPLE_AT_ONCE).max(1));
        let threads: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(Person::account).sum::<usize>()))
            .collect();
        let sessions = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        report.sessions = sessions.sum();
    });
    drop(people);
    report.acknowledged = town.acknowledged.into_inner();
    report.repeated = town.repeated.into_inner();
    report.losses.extend(
        town.losses
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
    );
    report
}

/// Kills and measures. The kills fall into the first half, so that the last life is a long one.
fn watch(
    town: &Town,
    workerd: &mut Workerd,
    settings: &[Settings],
    seconds: u64,
    meddle: &impl Fn(&Workerd),
    report: &mut Report,
) {
    let started = Instant::now();
    let end = Duration::from_secs(seconds);
    let mut last_life = Vec::new();
    let mut measured = None;
    while started.elapsed() < end {
        thread::sleep(Duration::from_millis(100));
        meddle(workerd);
        let due = end / 2 / KILLS * (report.kills + 1);
        if report.kills < KILLS && started.elapsed() >= due {
            workerd.kill();
            *workerd = workerd.start_again(settings);
            *town.client.write().unwrap_or_else(PoisonError::into_inner) =
                workerd.clients[0].clone();
            report.kills += 1;
            last_life.clear();
        }
        let second = started.elapsed().as_secs();
        if measured != Some(second) {
            measured = Some(second);
            if let Some(kib) = workerd.memory_kib() {
                report.memory.push((second, kib));
                last_life.push(kib);
            }
        }
    }
    // Early, but warm; and at the end.
    if let (Some(early), Some(late)) = (last_life.get(last_life.len() / 3), last_life.last())
        && *late > early + MOST_GROWTH_KIB
    {
        report
            .losses
            .push(format!("memory grew from {early} to {late} KiB"));
    }
}
