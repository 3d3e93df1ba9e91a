//! The lock file of `deploy-button`, so that Cloudflare installs there what was tested here.
//!
//! npm writes it for the tarball. In the registry the package has the same bytes, so the hash in the
//! lock file is known before the package is published.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Tarball;
use crate::{
    process::{run_quietly, step},
    project::Project,
    stamp::cannot_write,
    tools::npm,
};

const FOLDER: &str = "deploy-button";

pub fn lock(project: &Project, tarball: &Tarball) -> Result<()> {
    step(
        "lock",
        &format!("{FOLDER}/package-lock.json: resolving its packages (npm)"),
    );
    let copy = Project {
        root: project.path("target/deploy-button"),
    };
    if copy.root.exists() {
        fs::remove_dir_all(&copy.root)?;
    }
    fs::create_dir_all(&copy.root).with_context(|| cannot_write(&copy.root))?;
    let manifest = project.path(FOLDER).join("package.json");
    fs::copy(&manifest, copy.path("package.json"))
        .with_context(|| manifest.display().to_string())?;
    let mut npm = npm(&copy);
    npm.args(["install", "--package-lock-only", "--ignore-scripts"]);
    npm.args([
        "--no-audit",
        "--no-fund",
        "--omit-lockfile-registry-resolved",
    ]);
    run_quietly(npm.arg(&tarball.path), "npm install").context("the network has to be up")?;
    let lock = fs::read_to_string(copy.path("package-lock.json"))?;
    let file = project.path(FOLDER).join("package-lock.json");
    fs::write(&file, of_the_registry(&lock, &tarball.version)?).with_context(|| cannot_write(&file))
}

/// Names the package by its version, where npm names it by its file.
fn of_the_registry(lock: &str, version: &str) -> Result<String> {
    let is_of_the_file = |line: &&str| line.contains("\"file:");
    let found = lock.lines().filter(is_of_the_file).count();
    ensure!(
        found == 2,
        "package-lock.json names the tarball in {found} places, not two"
    );
    let lines = lock.lines().filter_map(|line| {
        if !is_of_the_file(&line) {
            return Some(line.to_owned());
        }
        let (name, _) = line.split_once("\"file:")?;
        (!name.contains("resolved")).then(|| format!("{name}\"{version}\""))
    });
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_names_the_package_of_the_registry() {
        let lock = r#"{
  "packages": {
    "": {
      "dependencies": {
        "tokenkeep": "file:../../dist/tokenkeep-1.2.3.tgz"
      }
    },
    "node_modules/tokenkeep": {
      "version": "1.2.3",
      "resolved": "file:../../dist/tokenkeep-1.2.3.tgz",
      "integrity": "sha512-x"
    }
  }
}
"#;
        let expected = lock
            .replacen("file:../../dist/tokenkeep-1.2.3.tgz", "1.2.3", 1)
            .replace(
                "      \"resolved\": \"file:../../dist/tokenkeep-1.2.3.tgz\",\n",
                "",
            );
        assert_eq!(of_the_registry(lock, "1.2.3").unwrap(), expected);
        assert!(of_the_registry(&expected, "1.2.3").is_err());
    }
}
