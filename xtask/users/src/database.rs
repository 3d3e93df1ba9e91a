//! The database, reached through a program that takes SQL on its standard input and answers with
//! JSON: for each statement `{"results":[row, …]}`.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Answer {
    results: Vec<Value>,
}

/// Lets this program with its arguments execute the statements, and returns the rows of each.
pub fn execute(program: &[String], sql: &str) -> Result<Vec<Vec<Value>>> {
    let (program, arguments) = program.split_first().context("no program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} did not start"))?;
    let input = child.stdin.take();
    let output = thread::scope(|scope| {
        // Written while the answer is read, or both could wait for each other. A program that
        // stops reading has failed, and its status says so.
        scope.spawn(move || input.map(|mut input| input.write_all(sql.as_bytes())));
        child.wait_with_output()
    })?;
    let answer = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        eprint!("{answer}{}", String::from_utf8_lossy(&output.stderr));
        bail!("the database did not take the users; the message is above");
    }
    rows(&answer).context("the database's answer cannot be read")
}

/// Notes may stand before the JSON.
fn rows(answer: &str) -> Result<Vec<Vec<Value>>> {
    let start = answer
        .match_indices('[')
        .map(|(start, _)| start)
        .find(|&start| start == 0 || answer[..start].ends_with('\n'))
        .context("no JSON in it")?;
    let answers: Vec<Answer> = serde_json::from_str(&answer[start..])?;
    Ok(answers.into_iter().map(|answer| answer.results).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_found_behind_a_note() {
        let answer = "A note [of a kind].\n[\n{\"results\":[{\"id\":\"1\"}],\"success\":true},{\"results\":[]}]\n";
        assert_eq!(
            rows(answer).expect("good"),
            [vec![json!({"id": "1"})], vec![]]
        );
        assert!(rows("").is_err());
        assert!(rows("{\"error\":[]}").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_program_is_an_error_and_a_long_text_does_not_block() {
        let shell =
            |script: &str, sql: &str| execute(&["sh", "-c", script].map(str::to_owned), sql);
        let long = "x".repeat(1_000_000);
        assert!(shell("exit 1", &long).is_err());
        let echo = "printf '[{\"results\":[\"'; cat; printf '\"]}]'";
        assert_eq!(shell(echo, &long).expect("valid"), [[json!(long)]]);
    }
}
