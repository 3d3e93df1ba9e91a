//! What it was measured on: numbers of one machine cannot be compared with those of another.

use std::{fs, process::Command, thread};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokenkeep_workerd_tests::project::{folder, workerd};

/// Processor, system, and the versions of all that was measured, as a list in Markdown.
///
/// # Errors
/// workerd does not start, or `tests/bench/workers/package.json` is not there.
pub fn description() -> Result<String> {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kib| kib.div_ceil(1024 * 1024));
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = Command::new(workerd()).arg("--version").output()?;
    let version = String::from_utf8_lossy(&version.stdout);
    Ok(format!(
        "- Machine: {processor}, {cores} cores, {memory} GiB, Linux {}\n- Runtime: {}\n- Packages: {}\n",
        system.trim(),
        version.trim(),
        packages()?
    ))
}

fn packages() -> Result<String> {
    let path = folder().join("tests/bench/workers/package.json");
    let text = fs::read_to_string(path).context("cannot read tests/bench/workers/package.json")?;
    let json: Value = serde_json::from_str(&text)?;
    let packages = json["dependencies"]
        .as_object()
        .context("no dependencies")?;
    let named = packages
        .iter()
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default()));
    Ok(named.collect::<Vec<_>>().join(", "))
}

/// The first value of a name in a file of `name : value` lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
