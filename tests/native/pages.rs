//! The pages that list requests and settings have all of them, and links lead somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tokenkeep::config::NAMES;
use tokenkeep_contract::DOCUMENT;

const REQUESTS: &str = include_str!("../../docs/requests.md");
const SETTINGS: &str = include_str!("../../docs/settings.md");

/// The code in the first column of every table.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    let cells = page.lines().filter_map(|line| line.split(" | ").next());
    cells
        .filter(|cell| cell.starts_with("| `"))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

#[test]
fn every_setting_has_its_row_and_nothing_else() {
    let described: BTreeSet<&str> = rows(SETTINGS).collect();
    assert_eq!(described, NAMES.iter().copied().collect());
}

#[test]
fn every_request_has_its_row_and_nothing_else() {
    let described: BTreeSet<&str> = rows(REQUESTS)
        .filter_map(|request| request.split([' ', '?']).find(|part| part.starts_with('/')))
        .collect();
    let paths = DOCUMENT["paths"].as_object().expect("paths").keys();
    // The document describes no page.
    let paths = paths.map(String::as_str).chain(["/"]);
    assert_eq!(described, paths.collect());
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_title_in_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        root.to_owned(),
        root.join("docs"),
        root.join("deploy-button"),
    ];
    let broken: Vec<String> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .flat_map(|page| broken_links(&page))
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn broken_links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("a page");
    let links = text.split("](").skip(1);
    links
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains(':') && !link.contains(char::is_whitespace))
        .filter(|link| !leads_somewhere(page, link))
        .map(|link| format!("{}: {link}", page.display()))
        .collect()
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, title) = link.split_once('#').unwrap_or((link, ""));
    let target: PathBuf = match file {
        "" => page.to_owned(),
        file => page.parent().expect("a folder").join(file),
    };
    if title.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|text| {
        let titles = text.lines().filter(|line| line.starts_with('#'));
        titles.map(anchor).any(|anchor| anchor == title)
    })
}

/// The anchor of a title, as GitHub makes it.
fn anchor(title: &str) -> String {
    let title = title.trim_start_matches('#').trim().to_lowercase();
    let kept = title
        .chars()
        .filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.collect::<String>().replace(' ', "-")
}
