//! The tables of the database on this computer, by the files in `migrations/`.
//!
//! wrangler remembers what it has applied; a stamp saves the second that asking it takes.

use std::{
    fs::{self, DirEntry},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    process::{run_quietly, step},
    project::Project,
    stamp::Stamp,
    tools::{DATABASE, Tools},
};

/// Where wrangler keeps the databases of this computer, in the project's folder.
const STATE: &str = ".wrangler/state/v3/d1";

/// Applies the migrations that the local database has not seen.
pub fn apply_locally(project: &Project, tools: &Tools) -> Result<()> {
    let stamp = stamp(project)?;
    if stamp.is_current() && has_database(&project.path(STATE)) {
        return Ok(());
    }
    step(
        "database",
        "making its tables on this computer, by the files in migrations/ (wrangler d1 migrations apply --local)",
    );
    let mut wrangler = tools.wrangler();
    wrangler.args(["d1", "migrations", "apply", DATABASE, "--local"]);
    // Or it would ask for a yes.
    wrangler.env("CI", "1");
    run_quietly(&mut wrangler, "wrangler d1 migrations apply")?;
    stamp.write()
}

/// Lies with the databases: whoever deletes them deletes it too.
fn stamp(project: &Project) -> Result<Stamp> {
    let mut inputs = vec![read(&project.path("wrangler.toml"))?];
    for file in files_of(&project.path("migrations"))? {
        inputs.push(file.as_os_str().as_encoded_bytes().to_vec());
        inputs.push(read(&file)?);
    }
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    Ok(Stamp::of(
        &inputs,
        project.path(STATE).join(".tokenkeep-stamp"),
    ))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot_read)?;
    let files = entries.map(|entry| Ok(entry.with_context(cannot_read)?.path()));
    let mut files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

/// Whether there is any file of a database beside the index of them.
fn has_database(state: &Path) -> bool {
    let is_database = |entry: DirEntry| {
        let name = entry.file_name();
        let path = Path::new(&name);
        path.extension()
            .is_some_and(|extension| extension == "sqlite")
            && path.file_stem().is_some_and(|stem| stem != "metadata")
    };
    fs::read_dir(state.join("miniflare-D1DatabaseObject"))
        .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_database)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::project::scratch_folder;

    fn project(test: &str) -> Project {
        let root = scratch_folder(test);
        fs::write(root.join("wrangler.toml"), "name = 'x'").unwrap();
        fs::create_dir(root.join("migrations")).unwrap();
        fs::write(root.join("migrations/0001_a.sql"), "SELECT 1;").unwrap();
        fs::create_dir_all(root.join(STATE).join("miniflare-D1DatabaseObject")).unwrap();
        Project { root }
    }

    #[test]
    fn a_new_a_changed_and_a_renamed_migration_are_noticed() {
        let project = project("migrations");
        let file = |name: &str| project.path("migrations").join(name);
        let is_current_after_writing = || {
            let was_current = stamp(&project).unwrap().is_current();
            stamp(&project).unwrap().write().unwrap();
            was_current
        };
        assert!(!is_current_after_writing());
        assert!(is_current_after_writing());
        fs::write(file("0002_b.sql"), "SELECT 2;").unwrap();
        assert!(!is_current_after_writing());
        fs::write(file("0002_b.sql"), "SELECT 3;").unwrap();
        assert!(!is_current_after_writing());
        fs::rename(file("0002_b.sql"), file("0003_b.sql")).unwrap();
        assert!(!is_current_after_writing());
        assert!(is_current_after_writing());
    }

    #[test]
    fn a_deleted_database_is_noticed() {
        let project = project("migrations-deleted");
        let state = project.path(STATE);
        let file = |name: &str| state.join("miniflare-D1DatabaseObject").join(name);
        assert!(!has_database(&state));
        fs::write(file("metadata.sqlite"), "").unwrap();
        fs::write(file("e735.sqlite-wal"), "").unwrap();
        assert!(!has_database(&state));
        fs::write(file("e735.sqlite"), "").unwrap();
        assert!(has_database(&state));
    }
}
