//! From what a refresh uses to what it costs, by Cloudflare's published prices
//! (<https://developers.cloudflare.com/workers/platform/pricing/>).
//!
//! Paid plan, beyond what it includes: a million requests $0.30, a million milliseconds of CPU
//! $0.02, a million keys read $0.50 (each key of a bulk read counts), a million keys written,
//! deleted or lists $5.00; a million requests to Durable Objects $0.15, rows read $0.001, rows written
//! $1.00. (What an object's memory costs while it is awake is left out: less than a cent.) Free plan, a
//! day: 100,000 requests, 100,000 keys read, 1,000 written; 100,000 requests to objects, 5,000,000 rows
//! read, 100,000 written.

use crate::stage::Cost;

const REQUESTS: f64 = 0.30;
const CPU_MS: f64 = 0.02;
const KEYS_READ: f64 = 0.50;
const KEYS_WRITTEN: f64 = 5.00;
const OBJECT_REQUESTS: f64 = 0.15;
const ROWS_READ: f64 = 0.001;
const ROWS_WRITTEN: f64 = 1.00;

const FREE_REQUESTS_A_DAY: f64 = 100_000.0;
const FREE_KEYS_READ_A_DAY: f64 = 100_000.0;
const FREE_WRITES_A_DAY: f64 = 1_000.0;
const FREE_OBJECT_REQUESTS_A_DAY: f64 = 100_000.0;
const FREE_ROWS_READ_A_DAY: f64 = 5_000_000.0;
const FREE_ROWS_WRITTEN_A_DAY: f64 = 100_000.0;

/// Dollars for a million refreshes, each with this much CPU time.
#[must_use]
pub fn dollars_a_million(cost: Cost, cpu_us: f64) -> f64 {
    let changes = cost.each(|it| it.writes + it.deletes + it.lists);
    REQUESTS
        + cpu_us / 1000.0 * CPU_MS
        + cost.each(|it| it.keys_read) * KEYS_READ
        + changes * KEYS_WRITTEN
        + f64::from(cost.objects.requests) * OBJECT_REQUESTS
        + f64::from(cost.objects.rows_read) * ROWS_READ
        + f64::from(cost.objects.rows_written) * ROWS_WRITTEN
}

/// Refreshes a day on the free plan: whichever of its limits is reached first.
#[must_use]
pub fn free_refreshes_a_day(cost: Cost) -> f64 {
    let within = |limit: f64, each: f64| {
        if each > 0.0 {
            limit / each
        } else {
            f64::INFINITY
        }
    };
    FREE_REQUESTS_A_DAY
        .min(within(FREE_KEYS_READ_A_DAY, cost.each(|it| it.keys_read)))
        .min(within(FREE_WRITES_A_DAY, cost.each(|it| it.writes)))
        .min(within(
            FREE_OBJECT_REQUESTS_A_DAY,
            cost.objects.requests.into(),
        ))
        .min(within(FREE_ROWS_READ_A_DAY, cost.objects.rows_read.into()))
        .min(within(
            FREE_ROWS_WRITTEN_A_DAY,
            cost.objects.rows_written.into(),
        ))
        .floor()
}

#[cfg(test)]
mod tests {
    use tokenkeep_workerd_tests::kv::Tally;

    use super::*;
    use crate::{contender::Contender, stage::Objects};

    fn cost(keys_read: u64, writes: u64) -> Cost {
        Cost {
            requests: 10,
            tally: Tally {
                keys_read: keys_read * 10,
                writes: writes * 10,
                ..Tally::default()
            },
            objects: Objects::default(),
        }
    }

    #[test]
    fn objects_meet_the_prices_and_the_free_plan_that_were_promised() {
        for (contender_use, most) in [(0, 1.50), (1, 0.50)] {
            let cost = Cost {
                objects: Contender::InObjects.objects()[contender_use],
                ..cost(0, 0)
            };
            assert!(dollars_a_million(cost, 1_000.0) <= most);
            assert!((free_refreshes_a_day(cost) - 100_000.0).abs() < 0.5);
        }
    }

    #[test]
    fn a_refresh_of_three_keys_costs_less_than_two_dollars_a_million() {
        let dollars = dollars_a_million(cost(3, 0), 250.0);
        assert!((dollars - 1.805).abs() < 1e-9, "{dollars}");
    }

    #[test]
    fn a_write_costs_ten_reads() {
        let dollars = dollars_a_million(cost(2, 2), 0.0);
        assert!((dollars - 11.30).abs() < 1e-9, "{dollars}");
    }

    #[test]
    fn the_free_plan_ends_at_the_first_of_its_limits() {
        for (cost, refreshes) in [
            (cost(3, 0), 33_333.0),
            (cost(0, 0), 100_000.0),
            (cost(2, 2), 500.0),
        ] {
            assert!((free_refreshes_a_day(cost) - refreshes).abs() < 0.5);
        }
    }
}
