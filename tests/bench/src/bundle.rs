//! The others' code: npm packages at the versions of `tests/bench/workers/package-lock.json`, joined
//! into one file each by the esbuild that joins Tokenkeep.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;
use tokenkeep_workerd_tests::project::{folder, temporary_folder};

/// The others' files, joined.
#[derive(Debug)]
pub struct Bundles(TempDir);

impl Bundles {
    /// Installs the packages where they are not, and joins these files of `tests/bench/workers/src`.
    ///
    /// # Errors
    /// npm or esbuild failed; the message has what they printed.
    pub fn make(names: &[&str]) -> Result<Self> {
        let workers = folder().join("tests/bench/workers");
        install(&workers)?;
        let made = Self(temporary_folder());
        let mut esbuild = Command::new(esbuild());
        esbuild
            .current_dir(&workers)
            .args(names.iter().map(|name| format!("src/{name}.ts")))
            .args(["--bundle", "--minify", "--format=esm", "--target=es2022"])
            // What wrangler sets for a worker.
            .arg("--conditions=workerd,worker,browser")
            .args(["--external:cloudflare:*", "--external:node:*"])
            .arg(format!("--outdir={}", made.0.path().display()));
        run(&mut esbuild, "esbuild")?;
        Ok(made)
    }

    /// The file of a worker.
    #[must_use]
    pub fn script(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("{name}.js"))
    }
}

/// Bytes of these files once compressed, as Cloudflare counts the size of a worker.
///
/// # Errors
/// A file cannot be read.
pub fn gzipped_bytes(files: &[PathBuf]) -> Result<u64> {
    let mut sum = 0;
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes)?;
        sum += encoder.finish()?.len() as u64;
    }
    Ok(sum)
}

/// The name of a file that holds the lock file which was installed last.
const INSTALLED: &str = "node_modules/.installed-lock.json";

fn install(workers: &Path) -> Result<()> {
    // Two runs at once, as tests may be, would spoil each other's packages.
    let lock =
        fs::File::create(workers.join(".lock")).context("cannot write tests/bench/workers")?;
    lock.lock()?;
    let wanted = fs::read(workers.join("package-lock.json"))?;
    if fs::read(workers.join(INSTALLED)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!(
        "  bench    npm packages of the others: installing into tests/bench/workers/node_modules"
    );
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(workers)
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(&mut npm, "npm ci in tests/bench/workers")?;
    fs::write(workers.join(INSTALLED), wanted)?;
    Ok(())
}

fn esbuild() -> PathBuf {
    let link = if cfg!(windows) {
        "node_modules/.bin/esbuild.cmd"
    } else {
        "node_modules/.bin/esbuild"
    };
    folder().join(link)
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{what} did not start"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(!told.is_empty(), "{what} failed without a word");
    bail!("{what} failed:\n{told}");
}
