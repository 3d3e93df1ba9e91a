//! The D1 database on Cloudflare: finding it, making it, and changing its tables.
//!
//! wrangler changes a remote database only when a settings file names its id, and `wrangler.toml`
//! names none: the id belongs to the reader's account, not to the project. So it is looked up by
//! the database's name and put into a settings file of its own under `.wrangler/`, which holds
//! nothing else. `wrangler deploy` finds the database by its name itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::{
    process::{output_of, run_quietly, step},
    project::Project,
    stamp::cannot_write,
    tools::Tools,
};

/// The binding by which the worker knows its database.
pub const BINDING: &str = "DB";

/// What wrangler has to know of the account, beside the database.
const ACCOUNT_SETTINGS: [&str; 4] = [
    "name",
    "account_id",
    "compliance_region",
    "compatibility_date",
];

/// A database that exists, and the settings file that names its id.
pub struct RemoteDatabase<'a> {
    tools: &'a Tools<'a>,
    pub settings_file: PathBuf,
}

impl<'a> RemoteDatabase<'a> {
    /// The database of `wrangler.toml`; `None` when the account has none of that name.
    pub fn find(project: &Project, tools: &'a Tools<'a>) -> Result<Option<Self>> {
        let settings = Settings::read(project)?;
        let id = match settings.id() {
            Some(id) => Some(id.to_owned()),
            None => look_up(tools, settings.name()?)?,
        };
        let Some(id) = id else { return Ok(None) };
        let settings_file = project.path(".wrangler/remote/wrangler.toml");
        let text = settings.with_id(&id, &project.root)?;
        fs::create_dir_all(project.path(".wrangler/remote"))
            .and_then(|()| fs::write(&settings_file, text))
            .with_context(|| cannot_write(&settings_file))?;
        Ok(Some(Self {
            tools,
            settings_file,
        }))
    }

    /// The same, and makes it where there is none.
    pub fn find_or_create(project: &Project, tools: &'a Tools<'a>) -> Result<Self> {
        if let Some(found) = Self::find(project, tools)? {
            return Ok(found);
        }
        let settings = Settings::read(project)?;
        let name = settings.name()?;
        step(
            "database",
            &format!("making the D1 database `{name}` on Cloudflare (wrangler d1 create)"),
        );
        run_quietly(
            tools.wrangler().args(["d1", "create", name]),
            "wrangler d1 create",
        )?;
        Self::find(project, tools)?.ok_or_else(|| {
            anyhow!("Cloudflare does not list the new database yet: run the same command again in a minute")
        })
    }

    /// Applies the migrations that this database has not seen.
    pub fn migrate(&self) -> Result<()> {
        step(
            "database",
            "bringing its tables up to date, by the files in migrations/ (wrangler d1 migrations apply --remote)",
        );
        let mut wrangler = self.tools.wrangler();
        wrangler.args(["d1", "migrations", "apply", BINDING, "--remote", "--config"]);
        wrangler.arg(&self.settings_file);
        // Or it would ask for a yes.
        wrangler.env("CI", "1");
        run_quietly(&mut wrangler, "wrangler d1 migrations apply")
    }
}

/// The id of the account's database of this name.
fn look_up(tools: &Tools, name: &str) -> Result<Option<String>> {
    step(
        "database",
        &format!("looking for the D1 database `{name}` on Cloudflare (wrangler d1 list)"),
    );
    let mut wrangler = tools.wrangler();
    wrangler.args(["d1", "list", "--json"]);
    let answer = output_of(&mut wrangler, "wrangler d1 list").context(
        "your Cloudflare account could not be asked for its databases; if you are not logged in, \
         type `npx wrangler login`; if you have several accounts, name the one to use as \
         account_id in wrangler.toml; then run the same command again",
    )?;
    id_in_list(&answer, name)
}

fn id_in_list(answer: &str, name: &str) -> Result<Option<String>> {
    // Notes of wrangler's may stand before the list.
    let list = answer
        .lines()
        .position(|line| line.starts_with('['))
        .map(|line| answer.lines().skip(line).collect::<String>());
    let list: Vec<Value> = list
        .and_then(|list| serde_json::from_str(&list).ok())
        .context("wrangler d1 list did not answer with a list")?;
    let found = list.iter().find(|database| database["name"] == name);
    found
        .map(|database| {
            let id = database["uuid"].as_str().map(str::to_owned);
            id.context("wrangler d1 list names a database without its id")
        })
        .transpose()
}

/// `wrangler.toml`, as far as it tells of the account and the database.
struct Settings {
    document: DocumentMut,
    database: Table,
}

impl Settings {
    fn read(project: &Project) -> Result<Self> {
        let file = project.path("wrangler.toml");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", file.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let document: DocumentMut = text.parse()?;
        let is_ours = |table: &&Table| table.get("binding").and_then(Item::as_str) == Some(BINDING);
        let databases = document
            .get("d1_databases")
            .and_then(Item::as_array_of_tables);
        let database = databases
            .and_then(|tables| tables.iter().find(is_ours))
            .with_context(|| format!("no [[d1_databases]] in it has the binding \"{BINDING}\""))?
            .clone();
        Ok(Self { document, database })
    }

    fn name(&self) -> Result<&str> {
        self.text("database_name")
            .with_context(|| format!("wrangler.toml: the database {BINDING} has no database_name"))
    }

    fn id(&self) -> Option<&str> {
        self.text("database_id")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.database.get(key).and_then(Item::as_str)
    }

    /// A settings file for this one database, good in whatever folder it lies.
    fn with_id(&self, id: &str, root: &Path) -> Result<String> {
        let migrations = root.join(self.text("migrations_dir").unwrap_or("migrations"));
        let migrations = migrations
            .to_str()
            .context("the name of the project's folder is not Unicode")?;
        let mut database = self.database.clone();
        // Comments about this entry of wrangler.toml.
        database.decor_mut().clear();
        database.insert("database_id", value(id));
        database.insert("migrations_dir", value(migrations));

        let mut settings = DocumentMut::new();
        for key in ACCOUNT_SETTINGS {
            if let Some(text) = self.document.get(key).and_then(Item::as_str) {
                settings.insert(key, value(text));
            }
        }
        let mut databases = ArrayOfTables::new();
        databases.push(database);
        settings.insert("d1_databases", Item::ArrayOfTables(databases));
        Ok(settings.to_string())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
        name = "mine" # the worker
        main = "build/index.js"
        account_id = "a1"
        [[d1_databases]]
        binding = "OTHER"
        database_name = "other"
        # Accounts.
        [[d1_databases]]
        binding = "DB"
        database_name = "people"
        migrations_dir = "migrations"
        [vars]
        SIGN_UP = "on"
    "#;

    #[test]
    fn the_settings_for_the_remote_database_hold_its_id_and_nothing_that_is_not_needed() {
        let text = Settings::parse(SETTINGS)
            .unwrap()
            .with_id("u1", Path::new("/p \"q\""))
            .unwrap();
        let document: DocumentMut = text.parse().unwrap();
        assert_eq!(document["account_id"].as_str(), Some("a1"));
        assert_eq!(document["name"].as_str(), Some("mine"));
        assert!(document.get("main").is_none() && document.get("vars").is_none());
        let databases = document["d1_databases"].as_array_of_tables().unwrap();
        assert_eq!(databases.len(), 1);
        let database = databases.get(0).unwrap();
        assert_eq!(database["database_name"].as_str(), Some("people"));
        assert_eq!(database["database_id"].as_str(), Some("u1"));
        let migrations = Path::new("/p \"q\"").join("migrations");
        assert_eq!(database["migrations_dir"].as_str(), migrations.to_str());
    }

    #[test]
    fn the_project_s_own_settings_name_a_database_without_an_id() {
        let settings = Settings::read(&Project::locate()).unwrap();
        assert_eq!(settings.name().unwrap(), "tokenkeep");
        assert_eq!(settings.id(), None);
    }

    #[test]
    fn settings_without_the_database_are_refused() {
        for text in [
            "",
            "[[d1_databases]]\nbinding = \"OTHER\"",
            "d1_databases = 1",
            "=",
        ] {
            assert!(Settings::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_database_is_found_by_its_name_alone() {
        let list = "A note.\n[\n {\"uuid\":\"u1\",\"name\":\"people2\"},\n {\"uuid\":\"u2\",\"name\":\"people\"}\n]\n";
        assert_eq!(id_in_list(list, "people").unwrap().as_deref(), Some("u2"));
        assert_eq!(id_in_list(list, "u1").unwrap(), None);
        assert_eq!(id_in_list("[]", "people").unwrap(), None);
        assert!(id_in_list("Not logged in", "people").is_err());
        assert!(id_in_list("[{\"name\":\"people\"}]", "people").is_err());
    }
}
