use rusqlite::{Connection, Row, types::ValueRef};
use serde_json::json;

use super::*;

const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuu1oYlAqrmmV2/lmVGVSQQTUS5aQUH2.";

/// The table of users, in `SQLite`.
struct Table(Connection);

impl Table {
    fn new() -> Self {
        let database = Connection::open_in_memory().expect("memory");
        for migration in [
            include_str!("../../../../migrations/0001_users.sql"),
            include_str!("../../../../migrations/0002_deleted.sql"),
            include_str!("../../../../migrations/0003_sign_ups.sql"),
            include_str!("../../../../migrations/0005_email_verified.sql"),
        ] {
            database.execute_batch(migration).expect("SQL");
        }
        Self(database)
    }

    /// The rows of each statement.
    fn execute(&self, sql: &str) -> Vec<Vec<Value>> {
        sql.split_terminator(';')
            .map(|sql| self.rows(sql))
            .collect()
    }

    fn rows(&self, sql: &str) -> Vec<Value> {
        let mut statement = self.0.prepare(sql).expect("SQL");
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let object = |row: &Row| {
            let cells = names.iter().enumerate().map(|(index, name)| {
                let cell = match row.get_ref(index)? {
                    ValueRef::Integer(number) => number.into(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
                    _ => Value::Null,
                };
                Ok((name.clone(), cell))
            });
            cells.collect::<rusqlite::Result<Value>>()
        };
        let rows = statement.query_map([], object).expect("a table");
        rows.map(|row| row.expect("a row")).collect()
    }

    fn users(&self) -> Vec<Value> {
        self.rows("SELECT * FROM users ORDER BY rowid")
    }

    fn import(&self, file: &str) -> Progress {
        self.import_with(false, file)
    }

    fn import_with(&self, replace_signed_up: bool, file: &str) -> Progress {
        let mut progress = Progress::hidden();
        let execute = &mut |sql: &str| Ok(self.execute(sql));
        import(
            file.as_bytes(),
            None,
            replace_signed_up,
            execute,
            &mut progress,
        )
        .expect("nothing fails");
        progress
    }

    /// Somebody signs up.
    fn sign_up(&self, id: &str, email: &str) {
        let sql = "INSERT INTO users VALUES (?1, ?2, NULL, '$argon2id$x', 1, 1, 0)";
        self.0.execute(sql, [id, email]).expect("a free address");
    }
}

fn line(email: &str, id: Option<&str>) -> String {
    json!({"email": email, "passwordHash": BCRYPT, "id": id}).to_string() + "\n"
}

fn counts(progress: &Progress) -> [u64; 3] {
    [progress.added, progress.already_there, progress.bad_lines]
}

#[test]
fn valid_lines_are_imported_and_bad_ones_counted() {
    let file = [
        &line("a@b", None),
        "nonsense\n\n",
        &line("b@b", Some("7")),
        "{\"email\":\"c@b\"}\n",
    ]
    .concat();
    let table = Table::new();
    assert_eq!(counts(&table.import(&file)), [2, 0, 2]);
    let users = table.users();
    assert_eq!(users.len(), 2);
    assert_eq!(users[1]["id"], "7");
    assert_eq!(users[1]["password_hash"], BCRYPT);
}

#[test]
fn an_address_that_was_verified_stays_so_and_a_second_run_verifies_none() {
    let user = |email: &str, is_verified: bool| {
        let user = json!({"email": email, "passwordHash": BCRYPT, "emailVerified": is_verified});
        user.to_string() + "\n"
    };
    let table = Table::new();
    let file = [user("a@b", true), user("b@b", false), line("c@b", None)].concat();
    assert_eq!(counts(&table.import(&file)), [3, 0, 0]);
    assert_eq!(counts(&table.import(&user("b@b", true))), [0, 1, 0]);
    let users = table.users();
    let verified: Vec<&Value> = users.iter().map(|user| &user["email_verified"]).collect();
    assert_eq!(verified, [1, 0, 0]);
}

#[test]
fn a_second_run_changes_nothing() {
    let file = [line("a@b", None), line("b@b", Some("7"))].concat();
    let table = Table::new();
    assert_eq!(counts(&table.import(&file)), [2, 0, 0]);
    let before = table.users();
    assert_eq!(counts(&table.import(&file)), [0, 2, 0]);
    assert_eq!(table.users(), before);
}

#[test]
fn an_address_or_an_id_that_another_user_has_is_a_bad_line() {
    let table = Table::new();
    table.import(&[line("a@b", Some("1")), line("b@b", Some("2"))].concat());
    let file = [
        line("a@b", Some("3")), // the address of 1
        line("c@b", Some("2")), // the id of b@b
        line("b@b", Some("1")), // both, of two users
        line("d@b", None),
    ];
    assert_eq!(counts(&table.import(&file.concat())), [1, 0, 3]);
    assert_eq!(table.users().len(), 3);
    assert_eq!(counts(&table.import(&line("A@B", None))), [0, 1, 0]);
}

#[test]
fn an_address_that_somebody_has_signed_up_with_is_a_bad_line_and_stays_theirs() {
    let table = Table::new();
    table.sign_up("s1", "a@b");
    table.sign_up("s2", "b@b");
    let before = table.users();
    let file = [line("a@b", None), line("b@b", Some("7")), line("c@b", None)].concat();
    assert_eq!(counts(&table.import(&file)), [1, 0, 2]);
    assert_eq!(table.users()[..2], before);
}

#[test]
fn with_replace_signed_up_the_imported_user_gets_the_address_with_another_id() {
    let table = Table::new();
    table.sign_up("s1", "a@b");
    table.sign_up("s2", "b@b");
    table.sign_up("s3", "c@b");
    let file = [line("a@b", None), line("b@b", Some("7"))].concat();
    assert_eq!(counts(&table.import_with(true, &file)), [2, 0, 0]);
    let users = table.users();
    let ids: Vec<&str> = users
        .iter()
        .filter_map(|user| user["id"].as_str())
        .collect();
    assert!(!ids.contains(&"s1") && !ids.contains(&"s2") && ids.contains(&"s3"));
    assert!(ids.contains(&"7"));
    let deleted = table.rows("SELECT id FROM deleted ORDER BY id");
    assert_eq!(deleted, [json!({"id": "s1"}), json!({"id": "s2"})]);
    // Whoever was imported is not replaced by a second run.
    assert_eq!(counts(&table.import_with(true, &file)), [0, 2, 0]);
    assert_eq!(table.users(), users);
}

#[test]
fn of_two_lines_with_one_address_or_id_the_first_is_imported() {
    let file = [
        line("a@b", None),
        line(" A@b", None),
        line("b@b", Some("1")),
        line("c@b", Some("1")),
    ];
    let table = Table::new();
    assert_eq!(counts(&table.import(&file.concat())), [2, 0, 2]);
    let mut seen = Seen::default();
    let lines = (1..).zip(&file);
    let reasons: Vec<_> = lines
        .filter_map(|(number, line)| read(number, line.as_bytes(), None, &mut seen)?.err())
        .collect();
    assert_eq!(
        reasons,
        [
            "has the same e-mail address as line 1",
            "has the same id as line 3"
        ]
    );
}

#[test]
fn lines_of_every_system_are_read_and_text_that_is_none_spoils_no_other_line() {
    let ada = "\u{feff}".to_owned() + line("a@b", None).trim() + "\r\n\r\n";
    let file = [
        ada.as_bytes(),
        b"\xff\n",
        line("b@b", None).trim().as_bytes(),
    ]
    .concat();
    let table = Table::new();
    let mut progress = Progress::hidden();
    let execute = &mut |sql: &str| Ok(table.execute(sql));
    import(file.as_slice(), None, false, execute, &mut progress).expect("nothing fails");
    assert_eq!(counts(&progress), [2, 0, 1]);
}

#[test]
fn many_users_travel_in_few_batches_and_none_is_lost() {
    let file: String = (0..6000).map(|n| line(&format!("u{n}@b"), None)).collect();
    let table = Table::new();
    let mut sent = Vec::new();
    let mut progress = Progress::hidden();
    let execute = &mut |sql: &str| {
        sent.push(sql.len());
        let statements = sql.split_terminator(';');
        assert!(statements.map(str::len).all(|bytes| bytes < 100_000));
        Ok(table.execute(sql))
    };
    import(file.as_bytes(), None, false, execute, &mut progress).expect("nothing fails");
    assert_eq!(counts(&progress), [6000, 0, 0]);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.iter().all(|&bytes| bytes < 1_010_000), "{sent:?}");
}

#[test]
fn a_database_that_fails_ends_the_import_and_says_how_far_it_came() {
    let mut progress = Progress::hidden();
    let file = line("secret@b", None);
    let error = import(
        file.as_bytes(),
        None,
        false,
        &mut |_| anyhow::bail!("no"),
        &mut progress,
    )
    .expect_err("it failed");
    let message = format!("{error:#}");
    assert!(message.contains("0 added") && message.contains("same command again"));
    assert!(!message.contains("secret"));
}
