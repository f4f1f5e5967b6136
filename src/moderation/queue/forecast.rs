//! When the queue will be empty, if it goes on as it does.
//!
//! Pure. May import: `types`, `store` (its counts).

use std::time::Duration;

use crate::{store::QueueStats, types::Timestamp};

/// Hours looked back.
const WINDOW_HOURS: f64 = 24.0;
/// Hours after which an hour weighs half: a day's rhythm is seen, and the change
/// of the last hours more so.
const HALF_LIFE_HOURS: f64 = 6.0;
const MICROS_PER_HOUR: f64 = 3_600e6;
/// Rates closer together than this, per hour, are the same.
const SAME: f64 = 0.05;

/// How fast items come and go, and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Items that come in per hour, at least 0.
    pub arrivals_per_hour: f64,
    /// Items decided per hour, at least 0.
    pub decisions_per_hour: f64,
    /// Until nothing waits; `None` when the queue does not shrink.
    pub time_to_empty: Option<Duration>,
    /// Items that will wait in 24 hours.
    pub waiting_in_a_day: u64,
    /// The same in a sentence.
    pub sentence: String,
}

impl Forecast {
    /// The forecast from the counts at `now`: rates are means of the last 24 hours,
    /// each hour weighing half as much as one six hours later (exponential
    /// smoothing, Brown 1956); hours before the first event are not counted as
    /// idle. `O(hours)`.
    #[must_use]
    pub fn of(stats: &QueueStats, now: Timestamp) -> Self {
        let waiting = stats.open + stats.claimed;
        let (arrivals, decisions) = rates(stats, now);
        let shrink = decisions - arrivals;
        let hours = waiting as f64 / shrink;
        let time_to_empty = match waiting {
            0 => Some(Duration::ZERO),
            _ if shrink > SAME => Duration::try_from_secs_f64(hours * 3_600.0).ok(),
            _ => None,
        };
        let in_a_day = (waiting as f64 - shrink * 24.0).max(0.0).round();
        let sentence = match time_to_empty {
            _ if waiting == 0 => "nothing waits".to_owned(),
            Some(_) => format!("done in about {}", words(hours)),
            None if shrink < -SAME => format!(
                "grows by {:.0} an hour: {:.0} come, {:.0} are decided; about {in_a_day:.0} will wait in 24 hours",
                -shrink, arrivals, decisions
            ),
            None => "stays as long as it is: as many come as are decided".to_owned(),
        };
        Self {
            arrivals_per_hour: arrivals,
            decisions_per_hour: decisions,
            time_to_empty,
            waiting_in_a_day: in_a_day as u64,
            sentence,
        }
    }
}

/// Arrivals and decisions per hour.
fn rates(stats: &QueueStats, now: Timestamp) -> (f64, f64) {
    let (mut arrivals, mut decisions, mut oldest) = (0.0, 0.0, 0.0f64);
    for (start, hour) in &stats.hours {
        let age = (now.micros() as f64 - start.micros() as f64) / MICROS_PER_HOUR;
        if (0.0..WINDOW_HOURS).contains(&age) {
            // An hour stands for its middle, the running one for that of its part.
            let weight = decay(age - age.min(1.0) / 2.0);
            arrivals += weight * hour.arrivals() as f64;
            decisions += weight * hour.decisions() as f64;
            oldest = oldest.max(age);
        }
    }
    // The weights of all hours since the first event, busy or idle: an integral
    // from then to now, so that the running hour counts for the part that is over.
    let slope = std::f64::consts::LN_2 / HALF_LIFE_HOURS;
    let span = oldest.max(1.0 / 60.0);
    let total = (1.0 - (-slope * span).exp()) / slope;
    (arrivals / total, decisions / total)
}

fn decay(age_hours: f64) -> f64 {
    (-std::f64::consts::LN_2 * age_hours / HALF_LIFE_HOURS).exp()
}

fn words(hours: f64) -> String {
    match hours {
        h if h < 1.0 => format!("{:.0} minutes", (h * 60.0).ceil()),
        h if h < 48.0 => format!("{h:.0} hours"),
        h => format!("{:.0} days", h / 24.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoredHour;

    const HOUR: i64 = 3_600_000_000;

    fn stats(waiting: u64, hours: &[(i64, u64, u64)]) -> QueueStats {
        let hour = |(ago, added, approved): &(i64, u64, u64)| {
            let hour = StoredHour { added: *added, approved: *approved, ..StoredHour::default() };
            (Timestamp::from_micros(1_000 * HOUR - ago * HOUR), hour)
        };
        QueueStats { open: waiting, hours: hours.iter().map(hour).collect(), ..QueueStats::default() }
    }

    fn check(name: &str, stats: &QueueStats, hours: Option<u64>, sentence: &str) {
        let forecast = Forecast::of(stats, Timestamp::from_micros(1_000 * HOUR));
        let rounded = forecast.time_to_empty.map(|d| d.as_secs_f64() / 3_600.0).map(|h| h.round() as u64);
        assert_eq!(rounded, hours, "{name}: {forecast:?}");
        assert!(forecast.sentence.contains(sentence), "{name}: {}", forecast.sentence);
    }

    #[test]
    fn the_forecast_follows_the_rates() {
        let steady = |come, go| (1..24).map(|ago| (ago, come, go)).collect::<Vec<_>>();
        check("an empty queue", &stats(0, &[]), Some(0), "nothing waits");
        check("nobody decides", &stats(50, &steady(10, 0)), None, "grows by");
        check("nothing happened yet", &stats(50, &[]), None, "stays as long as it is");
        check("twice as fast", &stats(100, &steady(10, 20)), Some(10), "done in about 10 hours");
        check("as fast as they come", &stats(100, &steady(10, 10)), None, "stays as long");
        check("old hours are forgotten", &stats(100, &[(30, 0, 1_000)]), None, "stays as long");
    }

    #[test]
    fn rates_are_per_hour() {
        let forecast = Forecast::of(
            &stats(1, &(1..24).map(|ago| (ago, 12, 6)).collect::<Vec<_>>()),
            Timestamp::from_micros(1_000 * HOUR),
        );
        assert!((forecast.arrivals_per_hour - 12.0).abs() < 1.0, "{forecast:?}");
        assert!((forecast.decisions_per_hour - 6.0).abs() < 0.5, "{forecast:?}");
    }
}
