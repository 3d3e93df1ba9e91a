//! `cargo xtask fuzz`: libFuzzer on whatever reads what strangers send or what the store holds.
//!
//! cargo-fuzz builds the targets in `tests/fuzz/targets`; no nightly Rust is needed without a sanitizer, and
//! there is no unsafe code that one could look at. What is found is kept in `tests/fuzz/targets/corpus`.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process::{run as run_program, step},
    project::Project,
    tools::cargo_tool,
};

const CARGO_FUZZ: &str = "cargo-fuzz@0.13.2";

/// A check that hangs for so long has failed, in seconds.
const HANGS_AFTER: u32 = 20;

#[derive(clap::Args)]
pub struct Arguments {
    /// One of the targets in tests/fuzz/targets; all of them without it
    target: Option<String>,
    /// How long to search, for each target
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
    ensure!(
        cfg!(unix),
        "libFuzzer is not available on this system: use Linux or macOS"
    );
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

fn cargo_fuzz(project: &Project, subcommand: &str) -> Result<Command> {
    let mut cargo_fuzz = cargo_tool(project, CARGO_FUZZ, &[])?;
    cargo_fuzz.args(["fuzz", subcommand, "--fuzz-dir", "tests/fuzz/targets"]);
    cargo_fuzz.args(["--sanitizer", "none", "--target-dir", "target/fuzz"]);
    Ok(cargo_fuzz)
}
