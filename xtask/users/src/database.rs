//! The database, reached through a program that takes SQL on its standard input and answers with
//! JSON: for each statement `{"results":[row, …]}`.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// How to start the program.
#[derive(Deserialize)]
pub struct Database {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    folder: PathBuf,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Value>,
}

impl Database {
    /// Executes the statements, and returns the rows of each.
    pub fn execute(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(&self.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} did not start", self.program))?;
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
    fn a_failing_program_is_an_error_and_a_long_text_no_dead_end() {
        let shell = |script: &str| Database {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::new(),
            folder: "/".into(),
        };
        let long = "x".repeat(1_000_000);
        assert!(shell("exit 1").execute(&long).is_err());
        let echo = shell("printf '[{\"results\":[\"'; cat; printf '\"]}]'");
        assert_eq!(echo.execute(&long).expect("good"), [[json!(long)]]);
    }
}
