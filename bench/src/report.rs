//! Tables, on the screen and in `docs/performance.md`.

use std::time::Duration;

use crate::{contender::Contender, refresh::Measured};

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

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

impl Measured {
    /// Median CPU time a request in µs, with so many connections (the place in `CONNECTIONS`).
    #[must_use]
    pub fn cpu_us(&self, place: usize) -> f64 {
        median(self.series[place].iter().map(|it| microseconds(it.cpu)))
    }
}

/// CPU time and latency of a refresh.
#[must_use]
pub fn refresh_table(all: &[Measured]) -> String {
    let mut table = Table::new(&[
        "A refresh",
        "CPU µs",
        "of hono + jose",
        "CPU µs, 1 conn.",
        "requests/s, 1",
        "p50 ms, 1",
        "p99 ms, 1",
        "requests/s, 16",
        "p50 ms, 16",
        "p99 ms, 16",
    ]);
    let yardstick = all
        .iter()
        .find(|it| it.contender == Contender::HonoJose)
        .map(|it| it.cpu_us(1));
    for measured in all {
        let cpu = measured.cpu_us(1);
        let mut cells = vec![
            measured.contender.title().to_owned(),
            format!("{cpu:.0}"),
            yardstick.map_or_else(String::new, |yardstick| format!("{:.2}", cpu / yardstick)),
            format!("{:.0}", measured.cpu_us(0)),
        ];
        for series in &measured.series {
            let milliseconds = |of: Vec<Duration>| {
                format!("{:.2}", median(of.into_iter().map(microseconds)) / 1e3)
            };
            cells.push(format!("{:.0}", median(series.iter().map(|it| it.rate))));
            cells.push(milliseconds(series.iter().map(|it| it.p50).collect()));
            cells.push(milliseconds(series.iter().map(|it| it.p99).collect()));
        }
        table.row(cells);
    }
    table.text()
}
