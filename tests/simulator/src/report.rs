//! The report: what is guaranteed, and what was seen.

use std::{fmt::Write as _, time::Duration};

use crate::{
    run::{Totals, percentile},
    schedule::Thief,
};

/// Dollars for a million keys read from KV, above what the paid plan includes. This price and the
/// next ones: Cloudflare's documentation, "Workers KV: Pricing" and "Workers: Pricing".
pub const MILLION_READS: f64 = 0.50;
/// Dollars for a million keys written to KV.
pub const MILLION_WRITES: f64 = 5.00;
/// Dollars for a million keys deleted from KV.
pub const MILLION_DELETES: f64 = 5.00;
/// Dollars for a million requests to objects, for a million rows read, and for a million written.
pub const MILLION_OBJECT_REQUESTS: f64 = 0.15;
/// See [`MILLION_OBJECT_REQUESTS`].
pub const MILLION_ROWS_READ: f64 = 0.001;
/// See [`MILLION_OBJECT_REQUESTS`].
pub const MILLION_ROWS_WRITTEN: f64 = 1.00;
/// Dollars for a million requests to a Worker.
pub const MILLION_REQUESTS: f64 = 0.30;

/// The interval of a client's refreshes in the stories of thieves.
pub const INTERVAL_MS: u64 = 3_600_000;

/// What a thief's own schedule may cost at maximum until he is found out, in intervals: median, p99.
pub const DETECTION_LIMITS: (u64, u64) = (3, 8);

/// How long a thief who shares the session stays in after a change of the password, at maximum: its
/// grace, KV's minute, and clocks that differ.
pub const EVICTION_LIMIT_MS: u64 = 65_000 + 60_000 + 5_000;

/// What came of one rule.
pub struct Column {
    /// The rule's name.
    pub name: &'static str,
    /// Honest stories.
    pub honest: Totals,
    /// Thefts by kind, as [`crate::run::detections`] gives them.
    pub thefts: Vec<(Thief, Vec<Option<u64>>)>,
    /// How long the honest stories took.
    pub took: Duration,
}

impl Column {
    /// Whether every guarantee was kept, that of detection included.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.honest.is_clean()
            && self
                .thefts
                .iter()
                .all(|(thief, found)| is_found_in_time(*thief, found))
    }
}

/// Whether thieves of this kind are found out as soon as guaranteed. Nothing is guaranteed of one who
/// keeps in step.
#[must_use]
pub fn is_found_in_time(thief: Thief, found: &[Option<u64>]) -> bool {
    let within =
        |hundredths, limit_ms| percentile(found, hundredths).is_some_and(|after| after <= limit_ms);
    let (median, maximum) = DETECTION_LIMITS;
    match thief {
        _ if found.is_empty() => true,
        Thief::InStep => true,
        Thief::Sharing => within(100, EVICTION_LIMIT_MS),
        _ => within(50, median * INTERVAL_MS) && within(99, maximum * INTERVAL_MS),
    }
}

/// The report as a table, a column for each rule.
#[must_use]
pub fn table(columns: &[Column], horizon_intervals: u64) -> String {
    let mut table = String::new();
    let mut row = |title: &str, cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().map(|column| format!("{:>24}", cell(column)));
        let cells: String = cells.collect();
        writeln!(table, "{title:<44}{cells}").expect("a string takes text");
    };
    row("", &|column| column.name.into());
    row("honest sessions", &|column| number(column.honest.sessions));
    row("refreshes in them", &|column| {
        number(column.honest.operations.refreshes)
    });
    row("false logouts", &|column| number(column.honest.logged_out));
    row("revived sessions", &|column| number(column.honest.revived));
    row("answers outside the contract", &|column| {
        number(column.honest.strange)
    });
    row("run out after a note was lost twice", &|column| {
        number(column.honest.lost_to_a_note)
    });
    for (index, thief) in Thief::ALL.into_iter().enumerate() {
        row(title(thief), &|column| {
            let found = column.thefts.get(index).map(|(_, found)| found.as_slice());
            match (thief, found) {
                (_, None) => String::new(),
                (Thief::Sharing, Some(found)) => eviction(found),
                (_, Some(found)) => spread(found, horizon_intervals),
            }
        });
    }
    row("keys read for a refresh", &|column| {
        per_refresh(column, column.honest.operations.reads)
    });
    row("keys written for a refresh", &|column| {
        per_refresh(column, column.honest.operations.writes)
    });
    row("object requests for a refresh", &|column| {
        per_refresh(column, column.honest.operations.objects)
    });
    row("rows written for a refresh", &|column| {
        per_refresh(column, column.honest.operations.rows_written)
    });
    row("dollars for a million refreshes", &|column| {
        format!("{:.2}", dollars(&column.honest))
    });
    row("refreshes simulated in a second", &|column| {
        format!(
            "{:.0}",
            float(column.honest.operations.refreshes) / column.took.as_secs_f64().max(1e-9)
        )
    });
    table.push_str("Detection: median / p99, in refresh intervals of an hour from the first use of the copy.\n");
    table.push_str("Dollars: KV, objects and requests on the paid plan, above what it includes.\n");
    table
}

/// What a million refreshes cost, logins and logouts of their sessions included.
#[must_use]
pub fn dollars(totals: &Totals) -> f64 {
    let operations = totals.operations;
    let spent = float(operations.reads) * MILLION_READS
        + float(operations.writes) * MILLION_WRITES
        + float(operations.deletes) * MILLION_DELETES
        + float(operations.objects) * MILLION_OBJECT_REQUESTS
        + float(operations.rows_read) * MILLION_ROWS_READ
        + float(operations.rows_written) * MILLION_ROWS_WRITTEN
        + float(operations.requests) * MILLION_REQUESTS;
    spent / float(operations.refreshes.max(1))
}

fn title(thief: Thief) -> &'static str {
    match thief {
        Thief::Early => "detection, thief plays at once",
        Thief::OwnSchedule => "detection, thief on his own schedule",
        Thief::Elsewhere => "detection, the same, from another place",
        Thief::Late => "detection, thief plays days later",
        Thief::InStep => "detection, thief in step with the owner",
        Thief::Sharing => "thief out after a password change, seconds",
    }
}

/// Median and p99 in intervals.
fn spread(found: &[Option<u64>], horizon_intervals: u64) -> String {
    let intervals = |hundredths| {
        percentile(found, hundredths).map_or_else(
            || format!(">{horizon_intervals}"),
            |after| format!("{:.1}", float(after) / float(INTERVAL_MS)),
        )
    };
    if found.is_empty() {
        return String::new();
    }
    format!("{} / {}", intervals(50), intervals(99))
}

/// Median and maximum in seconds.
fn eviction(after: &[Option<u64>]) -> String {
    let seconds = |hundredths| {
        percentile(after, hundredths).map_or_else(
            || "?".to_owned(),
            |after| format!("{:.1}", float(after) / 1_000.0),
        )
    };
    format!("{} / {}", seconds(50), seconds(100))
}

fn per_refresh(column: &Column, keys: u64) -> String {
    let refreshes = column.honest.operations.refreshes.max(1);
    format!("{:.3}", float(keys) / float(refreshes))
}

fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut spaced = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            spaced.push(',');
        }
        spaced.push(digit);
    }
    spaced
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader: a report shows four digits"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn great_numbers_are_readable() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
    }

    #[test]
    fn a_thief_who_was_not_found_counts_as_late() {
        let hour = Some(INTERVAL_MS);
        assert!(is_found_in_time(Thief::Late, &[hour, hour]));
        assert!(!is_found_in_time(Thief::Late, &[hour, None]));
        assert!(is_found_in_time(Thief::InStep, &[None]));
    }
}
