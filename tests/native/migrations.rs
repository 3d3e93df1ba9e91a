//! How the worker makes and upgrades its tables: in `SQLite`, the engine behind D1.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::Path,
};

use pollster::block_on;
use rusqlite::Connection;
use tokenkeep::{
    account::migration::{APPLIED, Database, EVERY_COLUMN, MIGRATIONS, upgrade, wants_tables},
    port::Fault,
};

/// As wrangler 4.164 has it.
const RECORDS: &str = r#"CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);"#;

const ADA: &str = "INSERT INTO users (id, email, name, password_hash, created_at) \
    VALUES ('1', 'ada@example.com', 'Ada', '$2b$04$x', 7)";

/// A step of an upgrade.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    Question,
    Transaction,
}

struct Sqlite {
    connection: Connection,
    /// What was executed, and whether it succeeded.
    executed: RefCell<Vec<(Vec<String>, bool)>>,
    is_down: Cell<bool>,
    /// When somebody else makes the tables.
    is_overtaken: Cell<Option<Moment>>,
}

impl Sqlite {
    fn empty() -> Self {
        Self {
            connection: Connection::open_in_memory().expect("memory"),
            executed: RefCell::default(),
            is_down: Cell::new(false),
            is_overtaken: Cell::new(None),
        }
    }

    fn with(sql: &str) -> Self {
        let sqlite = Self::empty();
        sqlite.execute_all(sql);
        sqlite
    }

    /// As `wrangler d1 migrations apply` leaves it, with so many files.
    fn migrated_by_wrangler(files: usize) -> Self {
        let sqlite = Self::with(RECORDS);
        for file in &MIGRATIONS[..files] {
            sqlite.execute_all(&format!(
                "{}\nINSERT INTO \"d1_migrations\" (name)\nvalues ('{}');",
                file.sql, file.name
            ));
        }
        sqlite
    }

    fn execute_all(&self, sql: &str) {
        self.connection.execute_batch(sql).expect(sql);
    }

    async fn begin(&self, moment: Moment) {
        if self.is_overtaken.get() == Some(moment) {
            self.is_overtaken.set(None);
            Box::pin(upgrade(self)).await.expect("the other one");
        }
    }

    fn upgrade(&self) -> Result<(), Fault> {
        block_on(upgrade(self))
    }

    fn column(&self, sql: &str) -> Vec<String> {
        let mut statement = self.connection.prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| row.get(0));
        rows.expect(sql).collect::<Result<_, _>>().expect("text")
    }

    /// Every table and index but wrangler's own, word by word.
    fn schema(&self) -> Vec<String> {
        let sql = self.column(
            "SELECT sql FROM sqlite_schema \
            WHERE sql IS NOT NULL AND name NOT IN ('d1_migrations', 'sqlite_sequence') \
            ORDER BY name",
        );
        let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        sql.into_iter().map(words).collect()
    }

    /// What was recorded, in the order of the numbers.
    fn recorded(&self) -> Vec<String> {
        self.column(
            "SELECT id || ' ' || name FROM d1_migrations WHERE applied_at IS NOT NULL ORDER BY id",
        )
    }

    fn assert_complete(&self) {
        let by_wrangler = Self::migrated_by_wrangler(MIGRATIONS.len());
        assert_eq!(self.schema(), by_wrangler.schema());
        assert_eq!(self.recorded(), by_wrangler.recorded());
        let columns = "SELECT name || type || pk || \"notnull\" || coalesce(dflt_value, '') \
            FROM pragma_table_info('d1_migrations')";
        assert_eq!(self.column(columns), by_wrangler.column(columns));
    }
}

impl Database for Sqlite {
    async fn applied(&self) -> Result<Vec<String>, String> {
        if self.is_down.get() {
            return Err("Network connection lost.".into());
        }
        self.begin(Moment::Question).await;
        let mut statement = self.connection.prepare(APPLIED).map_err(in_d1)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(in_d1)?;
        rows.collect::<Result<_, _>>().map_err(in_d1)
    }

    async fn execute(&self, statements: &[String]) -> Result<(), String> {
        self.begin(Moment::Transaction).await;
        let transaction = self.connection.unchecked_transaction().map_err(in_d1)?;
        let executed = statements.iter().try_for_each(|sql| {
            let mut statement = self.connection.prepare(sql)?;
            statement.query([])?.next().map(|_| ())
        });
        let executed = executed.and_then(|()| transaction.commit());
        let entry = (statements.to_vec(), executed.is_ok());
        self.executed.borrow_mut().push(entry);
        executed.map_err(in_d1)
    }
}

/// An error, as D1 passes it on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn in_d1(error: rusqlite::Error) -> String {
    format!("{error}: SQLITE_ERROR")
}

#[test]
fn every_file_of_the_folder_is_compiled_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    files.sort();
    assert_eq!(files, MIGRATIONS.each_ref().map(|file| file.name));
}

#[test]
fn an_empty_database_gets_in_one_transaction_what_wrangler_would_give_it() {
    let sqlite = Sqlite::empty();
    assert_eq!(sqlite.upgrade(), Ok(()));
    sqlite.assert_complete();
    assert_eq!(sqlite.executed.borrow().len(), 1);
}

#[test]
fn each_earlier_state_of_the_tables_is_upgraded_and_keeps_its_rows() {
    for files in 1..MIGRATIONS.len() {
        let sqlite = Sqlite::migrated_by_wrangler(files);
        sqlite.execute_all(ADA);
        assert_eq!(sqlite.upgrade(), Ok(()), "{files}");
        sqlite.assert_complete();
        let ada = sqlite.column(
            "SELECT id || email || name || password_hash || created_at || signed_up FROM users",
        );
        assert_eq!(ada, ["1ada@example.comAda$2b$04$x70"]);
    }
}

#[test]
fn what_was_done_without_a_record_is_recorded_and_the_rest_done() {
    let whole = Sqlite::empty();
    assert_eq!(whole.upgrade(), Ok(()));
    let statements = whole.executed.take().remove(0).0;
    let statements: Vec<_> = statements[1..statements.len() - 1]
        .iter()
        .filter(|sql| !sql.contains("d1_migrations"))
        .collect();
    assert_eq!(statements.len(), 8);
    for done in 1..=statements.len() {
        let sqlite = Sqlite::empty();
        for sql in &statements[..done] {
            sqlite.execute_all(sql);
        }
        sqlite.execute_all(ADA);
        assert_eq!(sqlite.upgrade(), Ok(()), "{done}");
        sqlite.assert_complete();
        assert_eq!(sqlite.column("SELECT id FROM users"), ["1"]);
    }
}

#[test]
fn the_tables_of_another_program_stay_as_they_are() {
    for foreign in [
        "CREATE TABLE users (id INTEGER, login TEXT)",
        "CREATE TABLE deleted (id TEXT)",
        "CREATE TABLE meta (id TEXT, signed_up INTEGER)",
        "CREATE TABLE d1_migrations (id TEXT)",
    ] {
        let sqlite = Sqlite::with(foreign);
        assert_eq!(sqlite.upgrade(), Err(Fault::NoTables), "{foreign}");
        assert_eq!(sqlite.column("SELECT sql FROM sqlite_schema"), [foreign]);
    }
}

#[test]
fn a_database_that_takes_no_tables_is_a_fault_until_it_does() {
    let sqlite = Sqlite::with("PRAGMA query_only = ON");
    assert_eq!(sqlite.upgrade(), Err(Fault::NoTables));
    sqlite.execute_all("PRAGMA query_only = OFF");
    assert_eq!(sqlite.upgrade(), Ok(()));
    sqlite.assert_complete();

    let sqlite = Sqlite::empty();
    sqlite.is_down.set(true);
    assert_eq!(sqlite.upgrade(), Err(Fault::Failed));
}

#[test]
fn of_two_upgrades_at_once_one_does_it_and_both_succeed() {
    let moments = [(Moment::Question, 1), (Moment::Transaction, 2)];
    for (moment, transactions) in moments {
        for files in 0..MIGRATIONS.len() {
            let sqlite = Sqlite::migrated_by_wrangler(files);
            sqlite.is_overtaken.set(Some(moment));
            assert_eq!(sqlite.upgrade(), Ok(()), "{files}");
            sqlite.assert_complete();
            let executed = sqlite.executed.take();
            assert_eq!(executed.len(), transactions);
            assert_eq!(executed.iter().filter(|(_, is_done)| *is_done).count(), 1);
        }
    }
}

#[test]
fn records_of_newer_migrations_and_of_other_programs_are_left_alone() {
    let newer = "INSERT INTO d1_migrations (name) VALUES ('9999_newer.sql'), (NULL)";
    let sqlite = Sqlite::migrated_by_wrangler(2);
    sqlite.execute_all(newer);
    assert_eq!(sqlite.upgrade(), Ok(()));
    let names = sqlite.column("SELECT coalesce(name, '-') FROM d1_migrations ORDER BY id");
    let later = MIGRATIONS[2..].iter().map(|file| file.name);
    let expected: Vec<&str> = ["9999_newer.sql", "-"].into_iter().chain(later).collect();
    assert_eq!(names[2..], expected);

    // An older worker on newer tables has nothing to do.
    let sqlite = Sqlite::migrated_by_wrangler(MIGRATIONS.len());
    sqlite.execute_all(newer);
    sqlite.execute_all("ALTER TABLE users ADD COLUMN newer TEXT");
    assert!(sqlite.connection.prepare(EVERY_COLUMN).is_ok());
    assert_eq!(sqlite.upgrade(), Ok(()));
    assert!(sqlite.executed.take().is_empty());
}

#[test]
fn health_sees_each_column_and_each_error_for_want_of_one_is_understood() {
    let names = "SELECT s.name || ' ' || c.name FROM sqlite_schema s, pragma_table_info(s.name) c \
        WHERE s.type = 'table' AND s.name NOT IN ('d1_migrations', 'sqlite_sequence')";
    let columns = Sqlite::migrated_by_wrangler(MIGRATIONS.len()).column(names);
    assert_eq!(columns.len(), 14);
    for name in &columns {
        let (table, column) = name.split_once(' ').expect("two names");
        let sqlite = Sqlite::migrated_by_wrangler(MIGRATIONS.len());
        sqlite.execute_all(&format!(
            "ALTER TABLE {table} RENAME COLUMN {column} TO gone"
        ));
        let error = sqlite.connection.prepare(EVERY_COLUMN).expect_err(name);
        assert!(wants_tables(&in_d1(error)), "{name}");
        sqlite.execute_all(&format!("DROP TABLE {table}"));
        let error = sqlite.connection.prepare(EVERY_COLUMN).expect_err(name);
        assert!(wants_tables(&in_d1(error)), "{name}");
    }
    let sqlite = Sqlite::migrated_by_wrangler(2);
    let insert = "INSERT INTO users (id, signed_up) VALUES (1, 1)";
    let error = sqlite
        .connection
        .prepare(insert)
        .expect_err("no such column");
    assert!(wants_tables(&in_d1(error)));
    for other in [
        "UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT",
        "attempt to write a readonly database: SQLITE_READONLY",
        "table users already exists at offset 13: SQLITE_ERROR",
        "Network connection lost.",
    ] {
        assert!(!wants_tables(other), "{other}");
    }
}
