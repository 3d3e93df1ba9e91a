//! A program that ends with the test that started it, and what it prints.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::project::node;

const LEASH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/leash.mjs");

/// How long a program may take to be ready: workerd takes a moment, wrangler some seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running program. It ends when this is dropped, and also when the test process is killed.
#[derive(Debug)]
pub struct Leash {
    process: Child,
    /// Open for as long as the program is to run.
    hold: Option<ChildStdin>,
    output: Arc<Output>,
}

impl Leash {
    /// Starts what `set_up` adds to the command line: a program and its arguments.
    ///
    /// # Panics
    /// Node.js is missing.
    #[must_use]
    pub fn start(set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(node());
        command.arg(LEASH);
        set_up(&mut command);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Node.js; run: cargo xtask test");
        let output = Arc::new(Output::default());
        record(process.stdout.take().expect("a pipe"), &output);
        record(process.stderr.take().expect("a pipe"), &output);
        Self {
            hold: process.stdin.take(),
            process,
            output,
        }
    }

    /// Waits until `find` makes something of a line that the program printed.
    ///
    /// # Panics
    /// The program ended, or prints no such line within a minute.
    pub fn wait_for_line<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let told = self.output.told();
        let (told, _) = self
            .output
            .changed
            .wait_timeout_while(told, PATIENCE, |told| {
                told.open_pipes > 0 && !told.lines.iter().any(|line| find(line).is_some())
            })
            .unwrap_or_else(PoisonError::into_inner);
        let found = told.lines.iter().find_map(|line| find(line));
        found.unwrap_or_else(|| panic!("not ready; it printed:\n{}", told.lines.join("\n")))
    }

    /// The program's process, on Linux; Node.js is its parent.
    #[must_use]
    pub fn program_id(&self) -> Option<u32> {
        let parent = self.process.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        children.ok()?.split_whitespace().next()?.parse().ok()
    }

    /// Everything printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.output.told().lines.join("\n")
    }

    /// Kills the program at once, and waits until it is gone.
    ///
    /// # Panics
    /// It cannot be killed.
    pub fn kill(&self) {
        let mut hold = self.hold.as_ref().expect("held until it is dropped");
        hold.write_all(b"kill").expect("the program is running");
        let told = self.output.told();
        drop(
            self.output
                .changed
                .wait_timeout_while(told, PATIENCE, |told| told.open_pipes > 0)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// The program's resident set in KiB, where the computer tells it (Linux).
    #[must_use]
    pub fn memory_kib(&self) -> Option<u64> {
        let program = self.wait_for_line(|line| line.strip_prefix("leash: ").map(str::to_owned));
        let status = fs::read_to_string(format!("/proc/{program}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.hold.take());
        // A failure to wait means that the program has ended.
        let _ = self.process.wait();
    }
}

#[derive(Debug, Default)]
struct Output {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    lines: Vec<String>,
    open_pipes: usize,
}

impl Output {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told());
        self.changed.notify_all();
    }
}

fn record(pipe: impl Read + Send + 'static, output: &Arc<Output>) {
    output.change(|told| told.open_pipes += 1);
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            output.change(|told| told.lines.push(line));
        }
        output.change(|told| told.open_pipes -= 1);
    });
}
