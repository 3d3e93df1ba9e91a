//! `cargo xtask release`: the npm package `tokenkeep` as a tarball in `dist`.
//!
//! It has the worker as it is built, so whoever installs it needs neither Rust nor a compiler.
//!
//! The same code gives the same tarball, byte for byte. That is why `npm pack` does not make it: its
//! compression is that of the Node.js that runs it, and differs between versions and processors.

mod button;
mod licences;
mod links;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::{Builder, Header};

use crate::{
    build::{PRODUCTS, build},
    process::{output_of, step},
    project::Project,
    stamp::cannot_write,
    tools,
};

/// What npm gives every file of its packages: zip files know no time before 1980.
const MODIFIED_AT: u64 = 499_162_500;

/// Folders of the project, and what they are called in the package.
const FOLDERS: [(&str, &str); 5] = [
    ("npm/bin", "bin"),
    ("npm/src", "src"),
    ("public", "public"),
    ("migrations", "migrations"),
    ("docs", "docs"),
];

const FILES: [(&str, &str); 5] = [
    ("npm/package.json", "package.json"),
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("SECURITY.md", "SECURITY.md"),
    ("LICENSE", "LICENSE"),
];

/// Stands in `npm/package.json` until somebody publishes the project.
const NO_REPOSITORY: &str = "OWNER/REPOSITORY";

const TEMPLATE: &str = r#"
import { readFileSync } from "node:fs";
import { template } from "./npm/src/template.mjs";
process.stdout.write(template(readFileSync("wrangler.toml", "utf8")));
"#;

/// The files of the package by their paths, in the order in which they are packed.
type Files = BTreeMap<String, Vec<u8>>;

/// A tarball in `dist`.
pub struct Tarball {
    pub path: PathBuf,
    pub version: String,
    pub sha256: String,
    contents: Vec<(String, usize)>,
    size: usize,
}

pub fn run(project: &Project) -> Result<()> {
    let tools = tools::ensure(project)?;
    build(project, &tools)?;
    let tarball = pack(project)?;
    tarball.report();
    button::lock(project, &tarball)?;
    if repository(&read(&project.path("npm/package.json"))?)?.contains(NO_REPOSITORY) {
        step(
            "note",
            &format!(
                "npm/package.json: {NO_REPOSITORY} stands for your public repository; write its name \
                 before you publish (CONTRIBUTING.md, Releases)"
            ),
        );
    }
    Ok(())
}

/// The address of the public repository: the one place that has it.
fn repository(package_json: &[u8]) -> Result<String> {
    let package: Value = serde_json::from_slice(package_json).context("npm/package.json")?;
    let url = package["repository"]["url"].as_str();
    let url = url.and_then(|url| url.strip_prefix("git+")?.strip_suffix(".git"));
    Ok(url
        .context("npm/package.json has no repository of the form git+https://….git")?
        .to_owned())
}

/// Packs the worker that was built last.
pub fn pack(project: &Project) -> Result<Tarball> {
    let files = collect(project)?;
    let version = version(project, &files["package.json"])?;
    let path = project.path("dist").join(file_name(&version));
    let bytes = archive(&files)?;
    fs::create_dir_all(project.path("dist"))
        .and_then(|()| fs::write(&path, &bytes))
        .with_context(|| cannot_write(&path))?;
    Ok(Tarball {
        path,
        version,
        sha256: format!("{:x}", Sha256::digest(&bytes)),
        contents: files
            .into_iter()
            .map(|(path, bytes)| (path, bytes.len()))
            .collect(),
        size: bytes.len(),
    })
}

fn file_name(version: &str) -> String {
    format!("tokenkeep-{version}.tgz")
}

impl Tarball {
    /// As the project's folder has it.
    pub fn name(&self) -> String {
        format!("dist/{}", file_name(&self.version))
    }

    fn report(&self) {
        for (path, size) in &self.contents {
            step("pack", &format!("{size:>8} {path}"));
        }
        let (files, size) = (self.contents.len(), self.size.div_ceil(1024));
        step(
            "pack",
            &format!("{}: {files} files, {size} KiB", self.name()),
        );
        step("hash", &format!("{}  {}", self.sha256, self.name()));
    }
}

fn collect(project: &Project) -> Result<Files> {
    let mut files = Files::new();
    for (from, to) in FOLDERS {
        add_folder(&mut files, &project.path(from), to)?;
    }
    for (from, to) in FILES {
        files.insert(to.into(), read(&project.path(from))?);
    }
    link_to_repository(&mut files)?;
    for name in PRODUCTS {
        let built = project.path("build").join(name);
        files.insert(format!("worker/{name}"), read(&built)?);
    }
    files.insert("wrangler.toml".into(), settings(project)?.into());
    for (name, bytes) in licences::of_everything_compiled_in(project)? {
        files.insert(format!("third-party/{name}"), bytes);
    }
    Ok(files)
}

fn link_to_repository(files: &mut Files) -> Result<()> {
    let repository = repository(&files["package.json"])?;
    let paths: Vec<String> = files.keys().cloned().collect();
    for (path, bytes) in files.iter_mut() {
        if Path::new(path).extension().is_some_and(|it| it == "md") {
            let text = str::from_utf8(bytes).with_context(|| format!("{path} is not text"))?;
            let is_packed = |file: &str| paths.iter().any(|path| path == file);
            *bytes = links::absolute(text, path, &repository, is_packed).into_bytes();
        }
    }
    Ok(())
}

fn add_folder(files: &mut Files, from: &Path, to: &str) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What editors and systems leave behind.
        if name.starts_with('.') {
            continue;
        }
        let to = format!("{to}/{name}");
        if entry.file_type()?.is_dir() {
            add_folder(files, &entry.path(), &to)?;
        } else {
            files.insert(to, read(&entry.path())?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// `wrangler.toml` of a folder that has the package in `node_modules`. The package itself writes
/// the same with the same function.
fn settings(project: &Project) -> Result<String> {
    let mut node = project.command("node");
    node.args(["--input-type=module", "--eval", TEMPLATE]);
    output_of(&mut node, "npm/src/template.mjs")
}

/// The version of the worker, which the package has to have as well.
fn version(project: &Project, package_json: &[u8]) -> Result<String> {
    let mut cargo = project.cargo();
    let id = output_of(
        cargo.args(["pkgid", "--package", "tokenkeep"]),
        "cargo pkgid",
    )?;
    let worker = version_in(&id).context("cargo pkgid names no version")?;
    let package: Value = serde_json::from_slice(package_json).context("npm/package.json")?;
    ensure!(
        package["version"] == worker,
        "npm/package.json has version {}, Cargo.toml {worker}: give both the same",
        package["version"]
    );
    Ok(worker.to_owned())
}

/// Of an id such as `path+file:///tokenkeep#0.1.0`, or `…/folder#tokenkeep@0.1.0`.
fn version_in(id: &str) -> Option<&str> {
    let (_, named) = id.trim().rsplit_once('#')?;
    named.rsplit('@').next()
}

fn archive(files: &Files) -> Result<Vec<u8>> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mtime(MODIFIED_AT);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(if path.starts_with("bin/") {
            0o755
        } else {
            0o644
        });
        tar.append_data(&mut header, format!("package/{path}"), bytes.as_slice())?;
    }
    Ok(tar.into_inner()?.finish()?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn files() -> Files {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        [file("src/a.mjs", "a"), file("bin/tokenkeep.mjs", "run")].into()
    }

    #[test]
    fn what_is_packed_comes_out_again_and_programs_can_be_run() {
        let bytes = archive(&files()).unwrap();
        let mut tar = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        let mut seen = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mode = entry.header().mode().unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            seen.push((path, mode, text));
        }
        let file = |path: &str, mode, text: &str| (path.to_owned(), mode, text.to_owned());
        assert_eq!(
            seen,
            [
                file("package/bin/tokenkeep.mjs", 0o755, "run"),
                file("package/src/a.mjs", 0o644, "a")
            ]
        );
    }

    #[test]
    fn nothing_of_the_computer_or_the_hour_is_in_the_tarball() {
        let bytes = archive(&files()).unwrap();
        // Bytes 4 to 9 of a gzip file are its time, the level, and the system: 255 is none.
        assert_eq!(bytes[4..10], [0, 0, 0, 0, 2, 255]);
        let mut tar = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
        for entry in tar.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), MODIFIED_AT);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        }
    }

    #[test]
    fn a_package_of_another_version_than_the_worker_is_refused() {
        let project = Project::locate();
        let ours = read(&project.path("npm/package.json")).unwrap();
        assert!(version(&project, &ours).is_ok());
        let message = version(&project, br#"{"version":"0.0.1"}"#).unwrap_err();
        assert!(message.to_string().contains("0.0.1"), "{message}");
    }

    #[test]
    fn the_version_is_read_whatever_the_folder_is_called() {
        for id in [
            "path+file:///a/tokenkeep#1.2.3",
            "path+file:///a#b/my@app#tokenkeep@1.2.3\n",
        ] {
            assert_eq!(version_in(id), Some("1.2.3"));
        }
    }
}
