//! The file `.dev.vars`: the worker's secrets on this computer.
//!
//! It is written once, with fresh random values, and never touched again.
//! wrangler reads it; it is not committed and not deployed.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::{Context, Result, anyhow};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{process::step, stamp::cannot_write};

/// The secrets a worker needs to start.
pub const SECRETS: [&str; 2] = ["refresh_token_secret", "service_key"];

/// As long as the output of SHA-512, and far beyond guessing.
const SECRET_BYTES: usize = 64;

/// Writes the file where there is none; says what an existing one lacks.
pub fn ensure(file: &Path) -> Result<()> {
    match fs::read_to_string(file) {
        Ok(text) => {
            for name in missing_secrets(&text) {
                step(
                    "secrets",
                    &format!(
                        "{} has no {name}; it is your file, so add a line {name}=\"…\" yourself",
                        file.display()
                    ),
                );
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            step(
                "secrets",
                ".dev.vars: writing fresh secrets for this computer, kept out of git",
            );
            create(file, &fresh_text()?)
        }
        Err(error) => Err(anyhow!(error).context(format!("cannot read {}", file.display()))),
    }
}

fn missing_secrets(text: &str) -> impl Iterator<Item = &'static str> {
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .collect();
    SECRETS
        .into_iter()
        .filter(move |secret| !names.contains(secret))
}

fn fresh_text() -> Result<String> {
    const HEAD: &str =
        "# Secrets for `cargo xtask dev`, made on this computer. Do not commit, do not reuse.";
    let mut lines = vec![HEAD.to_owned()];
    for name in SECRETS {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| anyhow!("no random bytes from the system: {error}"))?;
        lines.push(format!("{name}=\"{}\"", URL_SAFE_NO_PAD.encode(bytes)));
    }
    Ok(lines.join("\n") + "\n")
}

/// Fails if the file exists by now, and lets nobody else read it.
fn create(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).with_context(|| cannot_write(file))?;
    opened
        .write_all(text.as_bytes())
        .with_context(|| cannot_write(file))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    #[test]
    fn a_missing_file_is_written_with_two_different_long_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".dev.vars");
        ensure(&file).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let values: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once("=\""))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(values.len(), 2);
        assert!(
            values.iter().all(|value| value.len() == 87),
            "86 characters of base64url and a quotation mark"
        );
        assert_ne!(values[0], values[1]);
        assert_eq!(missing_secrets(&text).count(), 0);
    }

    #[test]
    fn an_existing_file_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".dev.vars");
        for text in [
            "",
            "service_key=mine\n",
            "refresh_token_secret=a\nservice_key=b",
        ] {
            fs::write(&file, text).unwrap();
            ensure(&file).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".dev.vars");
        fs::write(&file, "mine").unwrap();
        assert!(create(&file, "theirs").is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn a_commented_out_secret_is_missing() {
        let missing: Vec<_> =
            missing_secrets("# service_key=x\nrefresh_token_secret = \"y\"\n").collect();
        assert_eq!(missing, ["service_key"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".dev.vars");
        ensure(&file).unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
