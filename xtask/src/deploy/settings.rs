//! `wrangler.toml`: the name of the worker, and which KV namespace and database it is bound to.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, TableLike, Value, value};

use crate::{project::Project, stamp::cannot_write, tools::DATABASE};

/// What the worker is bound to, as `wrangler.toml` spells it.
pub struct Binding {
    section: &'static str,
    pub name: &'static str,
    pub id_key: &'static str,
}

pub const SESSIONS: Binding = Binding {
    section: "kv_namespaces",
    name: "SESSIONS",
    id_key: "id",
};

pub const ACCOUNTS: Binding = Binding {
    section: "d1_databases",
    name: DATABASE,
    id_key: "database_id",
};

pub struct Settings {
    path: PathBuf,
    document: DocumentMut,
}

impl Settings {
    pub fn read(project: &Project) -> Result<Self> {
        let path = project.path("wrangler.toml");
        let text = fs::read_to_string(&path).context("wrangler.toml cannot be read")?;
        let document = text.parse().context("wrangler.toml is not valid")?;
        Ok(Self { path, document })
    }

    pub fn worker(&self) -> Result<String> {
        let name = self.document.get("name").and_then(Item::as_str);
        Ok(name
            .context("`name` is missing from wrangler.toml")?
            .to_owned())
    }

    /// The name of the database: the worker's, unless there is another one in the file.
    pub fn database_name(&mut self) -> Result<String> {
        let own = default_name(&self.worker()?, &ACCOUNTS);
        Ok(self.text(&ACCOUNTS, "database_name")?.unwrap_or(own))
    }

    pub fn names_its_database(&mut self) -> Result<bool> {
        Ok(self.text(&ACCOUNTS, "database_name")?.is_some())
    }

    pub fn namespace_title(&self) -> Result<String> {
        Ok(default_name(&self.worker()?, &SESSIONS))
    }

    pub fn id(&mut self, binding: &Binding) -> Result<Option<String>> {
        self.text(binding, binding.id_key)
    }

    /// Writes the id into the file. False if it was there already.
    pub fn pin(&mut self, binding: &Binding, id: &str) -> Result<bool> {
        if self.id(binding)?.as_deref() == Some(id) {
            return Ok(false);
        }
        self.table(binding)?.insert(binding.id_key, value(id));
        let text = self.document.to_string();
        fs::write(&self.path, text).with_context(|| cannot_write(&self.path))?;
        Ok(true)
    }

    /// An empty text is none, as it is to wrangler.
    fn text(&mut self, binding: &Binding, key: &str) -> Result<Option<String>> {
        let text = self.table(binding)?.get(key).and_then(Item::as_str);
        Ok(text.filter(|text| !text.is_empty()).map(Into::into))
    }

    fn table(&mut self, binding: &Binding) -> Result<&mut dyn TableLike> {
        let section = self.document.get_mut(binding.section);
        let mut tables = section.map(tables).unwrap_or_default().into_iter();
        tables
            .find(|table| table.get("binding").and_then(Item::as_str) == Some(binding.name))
            .with_context(|| {
                format!(
                    "the section [[{}]] with binding = \"{}\" is missing from wrangler.toml",
                    binding.section, binding.name
                )
            })
    }
}

/// `[[section]]`, or `section = [{ … }]`.
fn tables(section: &mut Item) -> Vec<&mut dyn TableLike> {
    match section {
        Item::ArrayOfTables(tables) => tables.iter_mut().map(|table| table as _).collect(),
        Item::Value(Value::Array(values)) => {
            let tables = values.iter_mut().filter_map(Value::as_inline_table_mut);
            tables.map(|table| table as _).collect()
        }
        _ => Vec::new(),
    }
}

/// The name that wrangler, too, gives to something that has none.
fn default_name(worker: &str, binding: &Binding) -> String {
    let binding = binding.name.to_lowercase().replace('_', "-");
    format!("{worker}-{binding}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> (tempfile::TempDir, Settings) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("wrangler.toml"), text).expect("writable");
        let project = Project {
            root: folder.path().into(),
        };
        let settings = Settings::read(&project).expect("TOML");
        (folder, settings)
    }

    fn pinned(text: &str) -> String {
        let (_folder, mut settings) = settings(text);
        for _ in 0..2 {
            settings.pin(&SESSIONS, "k").expect("pinned");
            settings.pin(&ACCOUNTS, "d").expect("pinned");
        }
        fs::read_to_string(&settings.path).expect("readable")
    }

    #[test]
    fn ids_are_pinned_once_and_nothing_else_in_the_file_changes() {
        let original = Project::locate().path("wrangler.toml");
        let original = fs::read_to_string(original).expect("readable");
        let pinned = pinned(&original);
        let is_pin = |line: &&str| ["id = \"k\"", "database_id = \"d\""].contains(line);
        assert_eq!(pinned.lines().filter(is_pin).count(), 2);
        let rest = pinned.lines().filter(|line| !is_pin(line));
        assert_eq!(
            rest.collect::<Vec<_>>(),
            original.lines().collect::<Vec<_>>()
        );
        let (_folder, mut settings) = settings(&pinned);
        assert_eq!(settings.id(&SESSIONS).expect("a section"), Some("k".into()));
        assert_eq!(settings.id(&ACCOUNTS).expect("a section"), Some("d".into()));
    }

    #[test]
    fn the_right_one_of_several_bindings_is_pinned_in_any_spelling() {
        let text = "kv_namespaces = [{ binding = \"CACHE\", id = \"c\" }, { binding = \"SESSIONS\", id = \"\" }]\n\
            [[d1_databases]]\nbinding = \"SHOP\" # theirs\n[[d1_databases]]\nbinding = \"DB\" # ours\n";
        assert_eq!(
            pinned(text),
            text.replace("id = \"\"", "id = \"k\"")
                .replace("# ours\n", "# ours\ndatabase_id = \"d\"\n")
        );
    }

    #[test]
    fn the_database_is_named_after_the_worker_unless_it_has_a_name() {
        let text = "name = \"shop\"\n[[d1_databases]]\nbinding = \"DB\"\n";
        let name = |text: &str| settings(text).1.database_name().expect("a section");
        assert_eq!(name(text), "shop-db");
        assert_eq!(name(&format!("{text}database_name = \"people\"")), "people");
    }

    #[test]
    fn a_missing_section_is_named() {
        let (_folder, mut settings) = settings("name = \"shop\"");
        let message = settings.pin(&SESSIONS, "k").expect_err("none").to_string();
        assert!(message.contains("[[kv_namespaces]]"), "{message}");
    }
}
