use serde_json::json;

use super::*;

const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuu1oYlAqrmmV2/lmVGVSQQTUS5aQUH2.";

/// The table of users, which understands the two statements of a batch.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<Value>>,
    calls: usize,
}

impl Table {
    fn execute(&mut self, sql: &str) -> Vec<Vec<Value>> {
        self.calls += 1;
        sql.split_terminator(';')
            .map(|statement| {
                let text = statement.split('\'').nth(1).expect("a text");
                let rows: Vec<Vec<Value>> = serde_json::from_str(text).expect("JSON");
                if statement.starts_with("INSERT") {
                    self.insert(rows)
                } else {
                    self.look_up(&rows)
                }
            })
            .collect()
    }

    fn insert(&mut self, rows: Vec<Vec<Value>>) -> Vec<Value> {
        let mut added = Vec::new();
        for row in rows {
            let is_known = |known: &Vec<Value>| known[0] == row[0] || known[1] == row[1];
            if !self.rows.iter().any(is_known) {
                added.push(json!({"id": row[0]}));
                self.rows.push(row);
            }
        }
        added
    }

    fn look_up(&self, lines: &[Vec<Value>]) -> Vec<Value> {
        let mut found = Vec::new();
        for (line, wanted) in lines.iter().enumerate() {
            for row in &self.rows {
                let same = [row[0] == wanted[0], row[1] == wanted[1]].map(i32::from);
                if same != [0, 0] {
                    found.push(json!({"line": line, "same_id": same[0], "same_email": same[1]}));
                }
            }
        }
        found
    }

    fn import(&mut self, file: &str) -> Progress {
        let mut progress = Progress::hidden();
        import(
            Lines::of(file.as_bytes()),
            None,
            &mut |sql| Ok(self.execute(sql)),
            &mut progress,
        )
        .expect("nothing fails");
        progress
    }
}

fn line(email: &str, id: Option<&str>) -> String {
    json!({"email": email, "passwordHash": BCRYPT, "id": id}).to_string() + "\n"
}

fn counts(progress: &Progress) -> [u64; 3] {
    [progress.added, progress.already_there, progress.bad_lines]
}

#[test]
fn the_good_lines_are_loaded_and_the_bad_ones_counted() {
    let file = [
        &line("a@b", None),
        "nonsense\n\n",
        &line("b@b", Some("7")),
        "{\"email\":\"c@b\"}\n",
    ]
    .concat();
    let mut table = Table::default();
    assert_eq!(counts(&table.import(&file)), [2, 0, 2]);
    assert_eq!(table.rows.len(), 2);
    assert_eq!(table.rows[1][0], "7");
    assert_eq!(table.rows[1][3], BCRYPT);
}

#[test]
fn a_second_run_changes_nothing() {
    let file = [line("a@b", None), line("b@b", Some("7"))].concat();
    let mut table = Table::default();
    assert_eq!(counts(&table.import(&file)), [2, 0, 0]);
    let before = table.rows.clone();
    assert_eq!(counts(&table.import(&file)), [0, 2, 0]);
    assert_eq!(table.rows, before);
}

#[test]
fn an_address_or_an_id_that_another_user_has_is_a_bad_line() {
    let mut table = Table::default();
    table.import(&[line("a@b", Some("1")), line("b@b", Some("2"))].concat());
    let file = [
        line("a@b", Some("3")), // the address of 1
        line("c@b", Some("2")), // the id of b@b
        line("b@b", Some("1")), // both, of two users
        line("d@b", None),
    ];
    assert_eq!(counts(&table.import(&file.concat())), [1, 0, 3]);
    assert_eq!(table.rows.len(), 3);
    assert_eq!(counts(&table.import(&line("A@B", None))), [0, 1, 0]);
}

#[test]
fn of_two_lines_with_one_address_or_id_the_first_is_loaded() {
    let file = [
        line("a@b", None),
        line(" A@b", None),
        line("b@b", Some("1")),
        line("c@b", Some("1")),
    ];
    let mut table = Table::default();
    assert_eq!(counts(&table.import(&file.concat())), [2, 0, 2]);
    let reasons: Vec<_> = {
        let mut seen = Seen::default();
        Lines::of(file.concat().as_bytes())
            .filter_map(|line| read(&line.expect("readable"), None, &mut seen)?.err())
            .collect()
    };
    assert_eq!(
        reasons,
        [
            "has the same e-mail address as line 1",
            "has the same id as line 3"
        ]
    );
}

#[test]
fn many_users_travel_in_few_batches_and_none_is_lost() {
    let file: String = (0..6000).map(|n| line(&format!("u{n}@b"), None)).collect();
    let mut sent = Vec::new();
    let mut progress = Progress::hidden();
    let accept_all = &mut |sql: &str| {
        sent.push(sql.len());
        let answers = sql.split_terminator(';').map(|statement| {
            assert!(statement.len() < 100_000);
            let text = statement.split('\'').nth(1).expect("a text");
            let rows: Vec<Vec<Value>> = serde_json::from_str(text).expect("JSON");
            rows.iter().map(|row| json!({"id": row[0]})).collect()
        });
        let mut answers: Vec<Vec<Value>> = answers.collect();
        answers.iter_mut().skip(1).step_by(2).for_each(Vec::clear);
        Ok(answers)
    };
    import(Lines::of(file.as_bytes()), None, accept_all, &mut progress).expect("nothing fails");
    assert_eq!(counts(&progress), [6000, 0, 0]);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.iter().all(|&bytes| bytes < 1_010_000), "{sent:?}");
}

#[test]
fn a_database_that_fails_ends_the_import_and_tells_how_far_it_came() {
    let mut progress = Progress::hidden();
    let file = line("secret@b", None);
    let error = import(
        Lines::of(file.as_bytes()),
        None,
        &mut |_| anyhow::bail!("no"),
        &mut progress,
    )
    .expect_err("it failed");
    let message = format!("{error:#}");
    assert!(message.contains("0 added") && message.contains("same command again"));
    assert!(!message.contains("secret"));
}
