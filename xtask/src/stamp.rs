//! Remembers what a step was made from, so that it is not done twice.
//!
//! A stamp is a file that holds a hash of the inputs. It is written after the
//! step, so a step that was interrupted is done again.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub struct Stamp {
    file: PathBuf,
    value: String,
}

impl Stamp {
    /// The hash need not resist anyone: it tells one's own files apart.
    pub fn of(inputs: &[&[u8]], file: PathBuf) -> Self {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        Self {
            file,
            value: format!("{:016x}", hasher.finish()),
        }
    }

    /// Whether the step was done with these very inputs.
    pub fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|stored| stored == self.value)
    }

    pub fn write(&self) -> Result<()> {
        fs::write(&self.file, &self.value).with_context(|| cannot_write(&self.file))
    }
}

pub fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn stamp(folder: &Path, inputs: &[&[u8]]) -> Stamp {
        Stamp::of(inputs, folder.join("stamp"))
    }

    #[test]
    fn a_step_is_done_again_only_when_an_input_changed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(!stamp(folder, &[b"a", b"b"]).is_current());
        stamp(folder, &[b"a", b"b"]).write().unwrap();
        assert!(stamp(folder, &[b"a", b"b"]).is_current());
        assert!(!stamp(folder, &[b"a", b"c"]).is_current());
    }

    #[test]
    fn bytes_do_not_slip_from_one_input_into_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        stamp(folder, &[b"ab", b"c"]).write().unwrap();
        assert!(!stamp(folder, &[b"a", b"bc"]).is_current());
    }
}
