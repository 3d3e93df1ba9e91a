//! Running other programs, and the one line each step prints.

use std::{
    io::ErrorKind,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

/// Prints the one line of a step: its name, then what happens and why.
pub fn step(name: &str, text: &str) {
    println!("  {name:<8} {text}");
}

/// Runs a program whose output is meant for the reader; fails when it fails.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{what} did not start"))?;
    if !status.success() {
        bail!("{what} failed; its own message is above");
    }
    Ok(())
}

/// Runs a program whose output matters only when it fails.
pub fn run_quietly(command: &mut Command, what: &str) -> Result<()> {
    output_of(command, what).map(drop)
}

/// What a program writes to its standard output; shows everything it wrote when it fails.
pub fn output_of(command: &mut Command, what: &str) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{what} did not start"))?;
    if !output.status.success() {
        for text in [&output.stdout, &output.stderr] {
            eprint!("{}", String::from_utf8_lossy(text));
        }
        bail!("{what} failed; its own message is above");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What a program prints, trimmed; `None` when it is not installed.
pub fn answer_of(command: &mut Command) -> Result<Option<String>> {
    match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(anyhow!(error)
                .context(format!("{} did not start", command.get_program().display())))
        }
        Ok(output) => Ok(Some(
            String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )),
    }
}

/// Hands this process over to a program that runs until it is stopped.
///
/// On Unix the program takes the place of this process, so that a signal sent
/// here reaches it and nothing is left behind. Windows has no such exchange;
/// there Ctrl-C reaches both, and this process waits for the other.
pub fn hand_over(command: &mut Command, what: &str) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(anyhow!(command.exec()).context(format!("{what} did not start")))
    }
    #[cfg(not(unix))]
    {
        let status = command
            .status()
            .with_context(|| format!("{what} did not start"))?;
        if !status.success() {
            bail!("{what} stopped with an error; its own message is above");
        }
        Ok(())
    }
}
