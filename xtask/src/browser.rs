//! A Chromium or Chrome, in which the setup page is tested.
//!
//! It is looked for where people have one. Where there is none, a machine that is made for tests
//! (root, with Debian's apt-get) gets one; on anybody else's computer nothing is installed unasked.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{
    process::{answer_of, run_quietly, step},
    project::Project,
};

/// Names a browser for the tests: the path of a Chromium or Chrome.
pub const VARIABLE: &str = "CHROME";

const PROGRAMS: [&str; 5] = [
    "chromium",
    "google-chrome",
    "google-chrome-stable",
    "chromium-browser",
    "chrome",
];

const USUAL_PLACES: [&str; 5] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    "/snap/bin/chromium",
];

const WAY_OUT: &str = "the setup page is tested in a Chromium or Chrome, and there is none: \
    install Chrome from https://www.google.com/chrome, or on Debian \
    `sudo apt-get install chromium`, or name the program of one that you have, as in \
    `CHROME=/path/to/chrome cargo xtask test`";

/// Finds a browser, and installs one where that can be done without asking anybody.
pub fn ensure(project: &Project) -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(named);
        if !path.is_file() {
            bail!("{VARIABLE} names {}, which is not there", path.display());
        }
        return Ok(path);
    }
    if let Some(found) = find(project)? {
        return Ok(found);
    }
    if can_install(project)? {
        install(project)?;
    }
    match find(project)? {
        Some(found) => Ok(found),
        None => bail!(WAY_OUT),
    }
}

fn find(project: &Project) -> Result<Option<PathBuf>> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&folders).collect();
    for candidate in candidates(&folders) {
        if candidate.is_file() && runs(project, &candidate)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Where a browser may be, the likeliest first.
fn candidates(folders: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let on_the_path = PROGRAMS.into_iter().flat_map(move |program| {
        let file = format!("{program}{}", env::consts::EXE_SUFFIX);
        folders.iter().map(move |folder| folder.join(&file))
    });
    on_the_path.chain(USUAL_PLACES.into_iter().map(PathBuf::from))
}

/// Ubuntu's `chromium-browser` may be a script that only says where to get one. On Windows, where
/// there is no such thing, the question would open a window.
fn runs(project: &Project, browser: &Path) -> Result<bool> {
    if cfg!(windows) {
        return Ok(true);
    }
    let mut command = project.command(&browser.to_string_lossy());
    let version = answer_of(command.arg("--version"))?;
    Ok(version.is_some_and(|version| version.contains("Chrom")))
}

fn can_install(project: &Project) -> Result<bool> {
    let is_root = answer_of(project.command("id").arg("-u"))?.is_some_and(|id| id == "0");
    Ok(is_root && answer_of(project.command("apt-get").arg("--version"))?.is_some())
}

fn install(project: &Project) -> Result<()> {
    step(
        "tools",
        "Chromium, for the tests of the setup page: installing Debian's package, about a minute",
    );
    let apt = |arguments: &[&str]| {
        let mut apt = project.command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run_quietly(&mut apt, "apt-get")
    };
    apt(&["update"])?;
    apt(&["install", "--yes", "--no-install-recommends", "chromium"])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::project::scratch_folder;

    #[test]
    fn the_path_is_searched_before_the_usual_places() {
        let folders = [PathBuf::from("/one"), PathBuf::from("/two")];
        let found: Vec<PathBuf> = candidates(&folders).collect();
        let name = |name: &str| format!("{name}{}", env::consts::EXE_SUFFIX);
        assert_eq!(found[0], Path::new("/one").join(name("chromium")));
        assert_eq!(found[1], Path::new("/two").join(name("chromium")));
        assert_eq!(found[2], Path::new("/one").join(name("google-chrome")));
        assert_eq!(found.last().unwrap(), Path::new("/snap/bin/chromium"));
    }

    #[cfg(unix)]
    #[test]
    fn a_script_that_only_says_where_to_get_one_is_no_browser() {
        use std::{fs, os::unix::fs::PermissionsExt as _};

        let folder = scratch_folder("browser");
        let project = Project {
            root: folder.clone(),
        };
        for (text, is_browser) in [
            ("echo Chromium 150.0.7871.114", true),
            ("echo Google Chrome 150.0.7871.114", true),
            ("echo 'requires the snap' >&2; exit 1", false),
        ] {
            let file = folder.join(if is_browser { "browser" } else { "script" });
            fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(runs(&project, &file).unwrap(), is_browser, "{text}");
        }
    }
}
