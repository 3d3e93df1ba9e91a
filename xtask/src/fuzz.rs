//! `cargo xtask fuzz`: libFuzzer on whatever reads what strangers send or what the store holds.
//!
//! cargo-fuzz builds the targets in `tests/fuzz/targets`; no nightly Rust is needed without a sanitizer, and
//! there is no unsafe code that one could look at. What is found is kept in `tests/fuzz/targets/corpus`.

use std::{env, fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process::{answer_of, run as run_program, step},
    project::Project,
};

const VERSION: &str = "0.13.2";

/// A check that hangs for so long has failed, in seconds.
const HANGS_AFTER: u32 = 20;

#[derive(clap::Args)]
pub struct Arguments {
    /// One of the targets in the folder fuzz; all of them when none is named
    target: Option<String>,
    /// For how long, for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

pub fn run(project: &Project, arguments: &Arguments) -> Result<()> {
    let targets = targets(project)?;
    let chosen: Vec<_> = match &arguments.target {
        Some(name) if targets.contains(name) => vec![name],
        Some(name) => bail!("there is no target {name}: {}", targets.join(", ")),
        None => targets.iter().collect(),
    };
    ensure_cargo_fuzz(project)?;
    step(
        "fuzz",
        "compiling the targets; the first time takes minutes",
    );
    run_program(&mut cargo_fuzz(project, "build")?, "cargo fuzz build")?;
    for target in chosen {
        step("fuzz", &format!("{target} for {} s", arguments.seconds));
        let corpus = format!("tests/fuzz/targets/corpus/{target}");
        fs::create_dir_all(project.path(&corpus)).with_context(|| corpus.clone())?;
        let mut fuzz = cargo_fuzz(project, "run")?;
        fuzz.args([target, &corpus, &format!("tests/fuzz/seeds/{target}"), "--"]);
        fuzz.args(["-dict=tests/fuzz/words.dict", "-max_len=4096"]);
        fuzz.args(["-print_final_stats=1", "-verbosity=0"]);
        fuzz.arg(format!("-timeout={HANGS_AFTER}"));
        fuzz.arg(format!("-max_total_time={}", arguments.seconds));
        run_program(&mut fuzz, "libFuzzer").with_context(|| {
            format!("the input that did it is in tests/fuzz/targets/artifacts/{target}: make it a seed in tests/fuzz/seeds/{target}, and a test")
        })?;
    }
    Ok(())
}

fn targets(project: &Project) -> Result<Vec<String>> {
    let folder = project.path("tests/fuzz/targets");
    let mut names = Vec::new();
    for file in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let file = file?.path();
        if file.extension().is_some_and(|kind| kind == "rs") {
            let name = file.file_stem();
            names.extend(name.map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn cargo_fuzz(project: &Project, verb: &str) -> Result<Command> {
    let mut cargo = project.cargo();
    let tools = project.path("target/tools/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools).chain(env::split_paths(&path));
    cargo.env("PATH", env::join_paths(folders)?);
    cargo.args([
        "fuzz",
        verb,
        "--fuzz-dir",
        "tests/fuzz/targets",
        "--sanitizer",
        "none",
        "--target-dir",
        "target/fuzz",
    ]);
    Ok(cargo)
}

/// Compiles cargo-fuzz into `target/tools`, once.
fn ensure_cargo_fuzz(project: &Project) -> Result<()> {
    ensure!(
        cfg!(unix),
        "libFuzzer is not to be had on this system: use Linux or macOS"
    );
    let program = project.path("target/tools/bin/cargo-fuzz");
    let version = answer_of(project.command(&program.to_string_lossy()).arg("--version"))?;
    if version == Some(format!("cargo-fuzz {VERSION}")) {
        return Ok(());
    }
    step(
        "tools",
        &format!("cargo-fuzz {VERSION}: compiling it into target/tools, about a minute, only once"),
    );
    let mut cargo = project.cargo();
    cargo.args([
        "install", "--quiet", "--locked", "--force", "--debug", "--root",
    ]);
    cargo.arg(project.path("target/tools"));
    cargo.arg(format!("cargo-fuzz@{VERSION}"));
    run_program(&mut cargo, "cargo install").context(
        "cargo-fuzz could not be installed; it needs crates.io, and the targets a C++ compiler",
    )
}
