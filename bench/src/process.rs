//! What a process used, by Linux's own accounting.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    id: u32,
}

impl Process {
    /// The process with this id.
    ///
    /// # Errors
    /// Linux tells nothing about it; other systems never do.
    pub fn of(id: Option<u32>) -> Result<Self> {
        let id = id.context("CPU time and memory are read from /proc: this needs Linux")?;
        let process = Self { id };
        process.cpu()?;
        Ok(process)
    }

    /// CPU time of all its threads so far, in nanoseconds' resolution (`schedstat`).
    ///
    /// Threads that ended are not counted; workerd's live as long as it does.
    ///
    /// # Errors
    /// The process has ended, or this Linux does not account for it.
    pub fn cpu(self) -> Result<Duration> {
        let tasks = format!("/proc/{}/task", self.id);
        let mut nanoseconds = 0;
        for task in fs::read_dir(&tasks).with_context(|| format!("cannot read {tasks}"))? {
            let path = task?.path().join("schedstat");
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let running = text
                .split_whitespace()
                .next()
                .context("an empty schedstat")?;
            nanoseconds += running.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Memory that it holds now, in bytes (`VmRSS`).
    ///
    /// # Errors
    /// The process has ended.
    pub fn memory(self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// Most memory that it ever held, in bytes (`VmHWM`).
    ///
    /// # Errors
    /// The process has ended.
    pub fn peak_memory(self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib
            .with_context(|| format!("no {name} in {path}"))?
            .parse::<u64>()?
            * 1024)
    }
}
