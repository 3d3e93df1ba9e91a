//! Tables, on the screen and in `docs/performance.md`.

use std::time::Duration;

use anyhow::Result;

use crate::{
    bundle::{Bundles, gzipped_bytes},
    contender::Contender,
    growth::{BySessions, MANY_SESSIONS, Part},
    login::Login,
    price,
    refresh::Measured,
    stage::{Cost, Costs},
    start::Started,
};

/// A table in Markdown whose columns stand below each other also as plain text.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads; the first column is text, the others are numbers.
    #[must_use]
    pub fn new(heads: &[&str]) -> Self {
        Self {
            rows: vec![heads.iter().map(ToString::to_string).collect()],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as text.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default().max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            text += &line(row, &widths);
            if index == 0 {
                text += &rule(&widths);
            }
        }
        text
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate();
    let cells: Vec<String> = cells
        .map(|(column, (cell, width))| match column {
            0 => format!(" {cell:<width$} "),
            _ => format!(" {cell:>width$} "),
        })
        .collect();
    format!("|{}|\n", cells.join("|"))
}

fn rule(widths: &[usize]) -> String {
    let cells = widths.iter().enumerate();
    let cells: Vec<String> = cells
        .map(|(column, width)| match column {
            0 => "-".repeat(width + 2),
            _ => format!("{}:", "-".repeat(width + 1)),
        })
        .collect();
    format!("|{}|\n", cells.join("|"))
}

/// The middle of several values.
#[must_use]
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// Median in microseconds.
fn median_us(durations: impl IntoIterator<Item = Duration>) -> f64 {
    median(durations.into_iter().map(|it| it.as_secs_f64() * 1e6))
}

impl Measured {
    /// Median CPU time a request in µs, with so many connections (the place in `CONNECTIONS`).
    #[must_use]
    pub fn cpu_us(&self, place: usize) -> f64 {
        median_us(self.series[place].iter().map(|it| it.cpu))
    }

    /// The CPU time of another as a part of this one's, with sixteen connections: the median over
    /// the rounds, because what else a computer does changes from round to round.
    fn ratio_of(&self, other: &Self) -> f64 {
        let pairs = other.series[1].iter().zip(&self.series[1]);
        median(pairs.map(|(other, this)| other.cpu.as_secs_f64() / this.cpu.as_secs_f64()))
    }
}

/// CPU time and latency of a refresh.
#[must_use]
pub fn refresh_table(all: &[Measured]) -> String {
    let mut table = Table::new(&[
        "16 connections, then 1",
        "CPU µs",
        "Tokenkeep ÷ this",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU µs, 1",
        "requests/s, 1",
        "p50 ms, 1",
        "p99 ms, 1",
    ]);
    let ours = all.iter().find(|it| it.contender == Contender::Tokenkeep);
    for measured in all {
        let ratio = ours.map_or(f64::NAN, |ours| measured.ratio_of(ours));
        let mut cells = vec![measured.contender.title().to_owned()];
        for (place, series) in measured.series.iter().enumerate().rev() {
            cells.push(format!("{:.0}", measured.cpu_us(place)));
            if place == 1 {
                cells.push(format!("{ratio:.2}"));
            }
            let milliseconds = |us: f64| format!("{:.2}", us / 1e3);
            cells.push(format!("{:.0}", median(series.iter().map(|it| it.rate))));
            cells.push(milliseconds(median_us(series.iter().map(|it| it.p50))));
            cells.push(milliseconds(median_us(series.iter().map(|it| it.p99))));
        }
        table.row(cells);
    }
    table.text()
}

/// What a refresh asks of KV and of objects, and what a million of them cost.
#[must_use]
pub fn price_table(all: &[Measured]) -> String {
    let mut table = Table::new(&[
        "A refresh",
        "read calls",
        "keys read",
        "keys written",
        "objects asked",
        "rows written",
        "$ a million",
        "free a day",
    ]);
    for measured in all {
        let title = measured.contender.title();
        let mut row = |title: String, cost: Cost| {
            table.row(vec![
                title,
                format!("{:.2}", cost.each(|it| it.read_calls)),
                format!("{:.2}", cost.each(|it| it.keys_read)),
                format!("{:.2}", cost.each(|it| it.writes)),
                cost.objects.requests.to_string(),
                cost.objects.rows_written.to_string(),
                format!("{:.2}", price::dollars_a_million(cost, measured.cpu_us(1))),
                thousands(price::free_refreshes_a_day(cost)),
            ]);
        };
        let Costs { first_use, again } = measured.costs;
        if first_use.tally != again.tally || first_use.objects != again.objects {
            row(format!("{title}, first use"), first_use);
        }
        row(title.to_owned(), again);
    }
    table.text()
}

/// Size, first answer and memory.
///
/// # Errors
/// A file of a worker cannot be read.
pub fn start_table(all: &[Started], bundles: &Bundles) -> Result<String> {
    let mut table = Table::new(&[
        "Alone in workerd",
        "KiB gzipped",
        "first answer ms",
        "CPU ms of it",
        "CPU ms since the start",
        "peak memory MiB",
    ]);
    for started in all {
        let bytes = gzipped_bytes(&started.contender.files(bundles))?;
        let milliseconds =
            |durations: &[Duration]| format!("{:.1}", median_us(durations.iter().copied()) / 1e3);
        table.row(vec![
            started.contender.title().to_owned(),
            bytes.div_ceil(1024).to_string(),
            milliseconds(&started.first_answers),
            milliseconds(&started.first_answer_cpu),
            milliseconds(&started.cpu),
            mebibytes(started.peak_memory),
        ]);
    }
    Ok(table.text())
}

/// A user's sessions, and the life of an isolate.
#[must_use]
pub fn growth_tables(by_sessions: &BySessions, life: &[Part]) -> String {
    let mut sessions = Table::new(&["Sessions of the user", "CPU µs a refresh"]);
    let many = thousands(f64::from(
        u32::try_from(MANY_SESSIONS).expect("some thousands"),
    ));
    for (count, cpu) in [
        ("1".to_owned(), &by_sessions.one),
        (many, &by_sessions.many),
    ] {
        sessions.row(vec![
            count,
            format!("{:.0}", median_us(cpu.iter().copied())),
        ]);
    }
    let mut served = Table::new(&["Refreshes served", "CPU µs a refresh", "memory MiB"]);
    for part in life {
        let count = u32::try_from(part.served).map_or(f64::NAN, f64::from);
        served.row(vec![
            thousands(count),
            format!("{:.0}", median_us([part.cpu])),
            mebibytes(part.memory),
        ]);
    }
    format!("{}\n{}", sessions.text(), served.text())
}

/// A login with and without its hash.
#[must_use]
pub fn login_table(login: &Login) -> String {
    let mut table = Table::new(&["A login", "CPU ms"]);
    for (what, cpu) in [
        ("Worker, guard and argon2id", &login.whole),
        (
            "Worker, and a stub in the guard's place",
            &login.without_hash,
        ),
    ] {
        let milliseconds = median_us(cpu.iter().copied()) / 1e3;
        table.row(vec![what.into(), format!("{milliseconds:.2}")]);
    }
    table.text()
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1024.0 / 1024.0)
}

/// A whole number with a comma at every thousand.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert!(median([].into_iter()).is_nan());
    }

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["who", "µs"]);
        table.row(vec!["Tokenkeep".into(), "1,234".into()]);
        assert_eq!(
            table.text(),
            "| who       |    µs |\n|-----------|------:|\n| Tokenkeep | 1,234 |\n"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (1.0, "1"),
            (999.0, "999"),
            (33_333.0, "33,333"),
            (1e6, "1,000,000"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
