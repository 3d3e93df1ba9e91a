//! What a process used, by Linux's own accounting.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    id: Option<u32>,
}

impl Process {
    /// The process with this id, where the system tells one.
    #[must_use]
    pub fn of(id: Option<u32>) -> Self {
        Self { id }
    }

    fn folder(self) -> Result<PathBuf> {
        let id = self
            .id
            .context("CPU time and memory are read from /proc: this needs Linux")?;
        Ok(Path::new("/proc").join(id.to_string()))
    }

    /// CPU time of all its threads so far, in nanoseconds' resolution (`schedstat`).
    ///
    /// Threads that ended are not counted; workerd's live as long as it does.
    ///
    /// # Errors
    /// The process has ended, or this Linux does not account for it.
    pub fn cpu(self) -> Result<Duration> {
        let tasks = self.folder()?.join("task");
        let mut nanoseconds = 0;
        for task in fs::read_dir(&tasks).with_context(|| cannot_read(&tasks))? {
            let path = task?.path().join("schedstat");
            let text = fs::read_to_string(&path).with_context(|| cannot_read(&path))?;
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

    /// Maximum memory that it ever held, in bytes (`VmHWM`).
    ///
    /// # Errors
    /// The process has ended.
    pub fn peak_memory(self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(self, name: &str) -> Result<u64> {
        let path = self.folder()?.join("status");
        let text = fs::read_to_string(&path).with_context(|| cannot_read(&path))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib
            .with_context(|| format!("no {name} in {}", path.display()))?
            .parse::<u64>()?
            * 1024)
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}
