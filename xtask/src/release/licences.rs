//! The licences of what is compiled into the worker, as they came with it.
//!
//! That is each crate that cargo links for WebAssembly, and Rust's standard library. The JavaScript
//! around it is the project's own and wasm-bindgen's, which is one of the crates.
//!
//! Ours and not `cargo about` or `cargo bundle-licenses`: those take minutes to compile, and what
//! is left to do here is to read files, because `cargo tree` knows what is linked, `cargo deny` sees
//! to it that every licence is a permitted one, and every crate brings its text along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::{answer_of, output_of},
    project::Project,
    tools::WASM_TARGET,
};

/// How the names of such files start.
const NAMES: [&str; 6] = [
    "licen",
    "copying",
    "copyright",
    "notice",
    "patents",
    "unlicense",
];

const HEAD: &str = "\
The worker contains these libraries, each under its own licence. Their texts follow, as they came
with the libraries; what is the same for several is there once.

";

const RULE: &str =
    "\n--------------------------------------------------------------------------------\n\n";

/// A crate, and where its source is.
struct Crate {
    /// With the version.
    name: String,
    licence: String,
    folder: PathBuf,
}

/// The files of the package with these licences.
pub fn of_everything_compiled_in(project: &Project) -> Result<[(&'static str, Vec<u8>); 2]> {
    let crates = crates(project)?;
    Ok([
        ("crates.txt", listed(&crates)?.into_bytes()),
        (
            "rust-standard-library.html",
            of_the_standard_library(project)?,
        ),
    ])
}

/// The crates that are linked: neither those that run at compile time, nor those of the tests.
fn crates(project: &Project) -> Result<Vec<Crate>> {
    let mut cargo = project.cargo();
    cargo.args(["tree", "--locked", "--package", "tokenkeep"]);
    cargo.args(["--target", WASM_TARGET, "--edges", "normal,no-proc-macro"]);
    cargo.args(["--prefix", "none", "--no-dedupe", "--format", "{p}"]);
    let tree = output_of(&mut cargo, "cargo tree")?;
    let linked: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    let known = packages(project)?;
    let found = linked.iter().map(|(name, version)| {
        let package = known.get(&(name.to_string(), version.to_string()));
        crate_of(package.with_context(|| format!("cargo metadata does not know {name}"))?)
    });
    found.collect()
}

/// Of a line such as `serde v1.0.229`; none for the worker itself, whose folder follows.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let (name, version) = line.split_once(" v")?;
    (!version.contains(' ')).then_some((name, version))
}

fn packages(project: &Project) -> Result<BTreeMap<(String, String), Value>> {
    let mut cargo = project.cargo();
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    cargo.args(["--filter-platform", WASM_TARGET]);
    let mut metadata: Value = serde_json::from_str(&output_of(&mut cargo, "cargo metadata")?)?;
    let packages = metadata["packages"].as_array_mut().context("packages")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let by_name = packages.iter_mut().map(|package| {
        let key = (text(&package["name"]), text(&package["version"]));
        (key, package.take())
    });
    Ok(by_name.collect())
}

fn crate_of(package: &Value) -> Result<Crate> {
    let field = |name: &str| package[name].as_str().with_context(|| name.to_owned());
    let manifest = Path::new(field("manifest_path")?);
    Ok(Crate {
        name: format!("{} {}", field("name")?, field("version")?),
        licence: field("license")?.to_owned(),
        folder: manifest.parent().context("a folder")?.to_owned(),
    })
}

fn listed(crates: &[Crate]) -> Result<String> {
    // By the words, because line breaks differ; in the order in which they are first seen.
    let mut texts: Vec<(String, String, Vec<&str>)> = Vec::new();
    for one in crates {
        let files = files_of(&one.folder)?;
        ensure!(!files.is_empty(), "{} brings no licence along", one.name);
        for text in files {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            match texts.iter_mut().find(|(known, ..)| *known == words) {
                Some((.., names)) => names.push(&one.name),
                None => texts.push((words, text, vec![&one.name])),
            }
        }
    }
    let names = crates
        .iter()
        .map(|one| format!("{}: {}\n", one.name, one.licence));
    let texts = texts.iter().map(|(_, text, names)| {
        let names = names.join(", ");
        format!("{RULE}{names}:\n\n{}\n", text.trim_end())
    });
    Ok([HEAD.to_owned()]
        .into_iter()
        .chain(names)
        .chain(texts)
        .collect())
}

/// The texts in a crate's folder, by the order of their files' names.
fn files_of(folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if NAMES.iter().any(|start| name.starts_with(start)) && entry.path().is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let read =
        |path: &PathBuf| fs::read_to_string(path).with_context(|| path.display().to_string());
    paths.iter().map(read).collect()
}

fn of_the_standard_library(project: &Project) -> Result<Vec<u8>> {
    let sysroot = answer_of(project.command("rustc").args(["--print", "sysroot"]))?;
    let file = Path::new(&sysroot.context("rustc is missing")?)
        .join("share/doc/rust/COPYRIGHT-library.html");
    fs::read(&file).with_context(|| {
        format!(
            "{} is missing: a release needs the Rust of https://rustup.rs",
            file.display()
        )
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_is_a_crate_and_the_worker_is_none() {
        assert_eq!(
            name_and_version("serde_json v1.0.154"),
            Some(("serde_json", "1.0.154"))
        );
        assert_eq!(name_and_version("tokenkeep v0.1.0 (/somewhere)"), None);
        assert_eq!(name_and_version(""), None);
    }

    #[test]
    fn a_text_that_several_have_is_there_once_and_each_is_named() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let crates: Vec<Crate> = ["one 1.0.0", "two 2.0.0"]
            .into_iter()
            .zip(&folders)
            .map(|(name, folder)| Crate {
                name: name.to_owned(),
                licence: "MIT".to_owned(),
                folder: folder.path().to_owned(),
            })
            .collect();
        assert!(listed(&crates).is_err(), "none brings a text");
        fs::write(folders[0].path().join("LICENSE-MIT"), "Be kind.\nCopy.\n").unwrap();
        fs::write(folders[1].path().join("license.txt"), "Be kind. Copy.").unwrap();
        fs::write(folders[1].path().join("NOTICE"), "Made by two.").unwrap();
        let list = listed(&crates).unwrap();
        assert!(list.contains("one 1.0.0: MIT\ntwo 2.0.0: MIT\n"), "{list}");
        assert!(
            list.contains("one 1.0.0, two 2.0.0:\n\nBe kind.\nCopy.\n"),
            "{list}"
        );
        assert!(list.contains("two 2.0.0:\n\nMade by two.\n"), "{list}");
        assert_eq!(list.matches("Be kind.").count(), 1);
    }
}
