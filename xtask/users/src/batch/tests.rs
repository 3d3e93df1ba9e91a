use serde_json::json as value;

use super::*;

const AWKWARD: &str = "O'Hara \"x\" \\ ; -- /* */ $a$ BEGIN TRANSACTION;\r\n\0\u{7f} ü 用 👩‍🚀";

#[test]
fn a_text_means_the_same_after_it_was_written_without_any_sign_of_sql() {
    let json = json(AWKWARD);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "\"\\@._+=/,".contains(c);
    assert!(json.chars().all(is_plain), "{json}");
    assert_eq!(
        serde_json::from_str::<String>(&json).expect("JSON"),
        AWKWARD
    );
}

fn user(fields: &Value) -> User {
    let mut line = value!({"email": "a@b", "passwordHash": "$2b$04$abcdefghijklmnopqrstuuu1oYlAqrmmV2/lmVGVSQQTUS5aQUH2."});
    for (field, value) in fields.as_object().expect("an object") {
        line[field] = value.clone();
    }
    User::parse(&line.to_string(), None).expect("good")
}

#[test]
fn the_sql_is_two_statements_with_one_text_each() {
    let mut batch = Batch::default();
    batch.add(1, user(&value!({"id": "1", "name": AWKWARD})), 5);
    batch.add(2, user(&value!({"id": "2", "email": "o'hara@b"})), 5);
    let sql = batch.sql().to_owned();
    assert_eq!(sql.matches(';').count(), 2);
    assert_eq!(sql.matches('\'').count(), 4);
    assert!(sql.contains(r#"["2","o\u0027hara@b",null,"#), "{sql}");
    assert!(sql.ends_with(LOOK_UP[1]));
    assert_eq!(batch.sql(), sql, "asked again, it is the same");
}

#[test]
fn an_answer_that_fits_no_line_is_an_error() {
    let mut batch = Batch::default();
    batch.add(1, user(&value!({})), 5);
    batch.sql();
    assert!(batch.outcomes(&[]).is_err());
    assert!(batch.outcomes(&[vec![], vec![]]).is_err());
    assert!(batch.outcomes(&[vec![], vec![value!({})]]).is_err());
    let known = value!({"line": 0, "same_id": 0, "same_email": 1});
    let outcomes = batch.outcomes(&[vec![], vec![known]]).expect("good");
    assert_eq!(outcomes, [(1, Outcome::AlreadyThere)]);
}
