//! `cargo xtask build`: from Rust to the two files that wrangler uploads,
//! `build/index.js` and `build/index_bg.wasm`.
//!
//! This is also wrangler's own build command, so it may run while another
//! build is under way. A lock file makes the second one wait.

use std::{
    env,
    fs::{self, File},
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{
    bundle, paths,
    process::step,
    project::Project,
    stamp::{Stamp, cannot_write},
    tools::{self, Tools, WASM_TARGET},
};

/// A larger worker starts more slowly on a cold machine of Cloudflare's, whose free plan takes 3 MiB.
const SIZE_BUDGET_KIB: usize = 520;

/// The files that make up the worker, in the order in which they are put in
/// place: the JavaScript last, because it names the other.
pub const PRODUCTS: [&str; 2] = ["index_bg.wasm", "index.js"];

pub fn run(project: &Project) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)
}

/// Builds the worker; does only what changes since the last time ask for.
pub fn build(project: &Project, tools: &Tools) -> Result<()> {
    let folder = project.path("build");
    fs::create_dir_all(&folder).with_context(|| cannot_write(&folder))?;
    let _held_until_the_end = lock(&folder)?;

    let wasm = compile(project, &folder)?;
    let stamp = stamp(project, &folder, &wasm)?;
    let is_current = stamp.is_current() && PRODUCTS.iter().all(|name| folder.join(name).is_file());
    if !is_current {
        step(
            "build",
            "making it small and joining it with its JavaScript (wasm-bindgen, wasm-opt, esbuild)",
        );
        let staging = folder.join(".staging");
        bundle::bundle(project, tools, &wasm, &staging, bundle::Names::Dropped)?;
        publish(&staging, &folder)?;
        stamp.write()?;
    }
    report_size(&folder, is_current)
}

/// Builds the worker once more, into `build/names`, with the names of its functions: for profiles.
pub fn build_with_names(project: &Project, tools: &Tools) -> Result<()> {
    let folder = project.path("build");
    let _held_until_the_end = lock(&folder)?;
    let wasm = compile(project, &folder)?;
    let names = bundle::Names::Kept;
    bundle::bundle(project, tools, &wasm, &folder.join("names"), names)
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let file = File::create(&path).with_context(|| cannot_write(&path))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Compiles the crate, and returns where cargo put the `.wasm` file.
fn compile(project: &Project, folder: &Path) -> Result<PathBuf> {
    let hint = if folder.join("index.js").is_file() {
        ""
    } else {
        "; the first time takes about a minute"
    };
    step("build", &format!("compiling Rust to WebAssembly{hint}"));

    let mut cargo = project.cargo();
    cargo.args([
        "build",
        "--release",
        "--lib",
        "--package",
        "tokenkeep",
        "--target",
        WASM_TARGET,
    ]);
    cargo.arg("--message-format=json-render-diagnostics");
    // The progress bar is for people; in a log only errors and warnings count.
    if !std::io::stderr().is_terminal() {
        cargo.arg("--quiet");
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", paths::flags(project)?);
    // Builds of two folders are not to share anything.
    cargo.env("CARGO_TARGET_DIR", project.path("target"));
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo did not start")?;
    if !output.status.success() {
        bail!("the worker does not compile; the compiler's message is above");
    }
    let messages = String::from_utf8(output.stdout).context("cargo's messages are not text")?;
    messages
        .lines()
        .find_map(wasm_of)
        .context("cargo built no .wasm file")
}

/// The `.wasm` file that a message of cargo's tells of, if it does.
fn wasm_of(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["target"]["name"] != "tokenkeep" {
        return None;
    }
    let mut files = message["filenames"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .map(PathBuf::from);
    files.find(|file| {
        file.extension()
            .is_some_and(|extension| extension == "wasm")
    })
}

/// Everything the products are made from: the compiled worker, its entry
/// file, the npm packages, and this program itself.
fn stamp(project: &Project, folder: &Path, wasm: &Path) -> Result<Stamp> {
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let this_program = fs::metadata(env::current_exe()?)?;
    let compiled_at = this_program
        .modified()?
        .duration_since(UNIX_EPOCH)?
        .as_nanos()
        .to_le_bytes();
    let inputs = [
        read(wasm)?,
        read(&project.path(bundle::ENTRY))?,
        read(&project.path("package-lock.json"))?,
        compiled_at.to_vec(),
    ];
    let inputs = inputs.each_ref().map(Vec::as_slice);
    Ok(Stamp::of(&inputs, folder.join(".stamp")))
}

/// Moves the finished files to where wrangler looks for them.
fn publish(staging: &Path, folder: &Path) -> Result<()> {
    for name in PRODUCTS {
        fs::rename(staging.join(name), folder.join(name))
            .with_context(|| cannot_write(&folder.join(name)))?;
    }
    fs::remove_dir_all(staging).with_context(|| format!("cannot remove {}", staging.display()))
}

fn report_size(folder: &Path, is_current: bool) -> Result<()> {
    let mut bytes = 0;
    for name in PRODUCTS {
        bytes += gzipped_size(&fs::read(folder.join(name))?)?;
    }
    let note = if is_current {
        "nothing changed"
    } else {
        "done"
    };
    let kib = bytes.div_ceil(1024);
    step(
        "build",
        &format!("{note}: {kib} KiB gzipped, of {SIZE_BUDGET_KIB} KiB at most"),
    );
    if kib > SIZE_BUDGET_KIB {
        bail!("the worker is {kib} KiB gzipped, more than the {SIZE_BUDGET_KIB} KiB it may have");
    }
    Ok(())
}

fn gzipped_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_a_gzip_file() {
        let compressed = gzipped_size(&[b'a'; 10_000]).unwrap();
        assert!((20..100).contains(&compressed), "{compressed}");
    }

    #[test]
    fn only_the_message_about_the_worker_names_its_wasm() {
        let ours = r#"{"reason":"compiler-artifact","target":{"name":"tokenkeep"},"filenames":["/t/libtokenkeep.rlib","/t/tokenkeep.wasm"]}"#;
        assert_eq!(wasm_of(ours), Some(PathBuf::from("/t/tokenkeep.wasm")));
        assert_eq!(
            wasm_of(r#"{"target":{"name":"serde"},"filenames":["/t/serde.wasm"]}"#),
            None
        );
        assert_eq!(
            wasm_of(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(wasm_of("not JSON"), None);
    }
}
