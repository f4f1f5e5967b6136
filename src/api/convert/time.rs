//! Moments on the wire.
//!
//! May import: `types`.

use std::time::Duration;

use prost_types::{Duration as PbDuration, Timestamp as PbTimestamp};

use crate::types::Timestamp;

/// Seconds from year 1 to the end of year 9999, as protobuf allows.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads a moment; parts of a microsecond are cut off.
///
/// # Errors
///
/// What the field must be.
pub(super) fn read(moment: PbTimestamp) -> Result<Timestamp, &'static str> {
    let PbTimestamp { seconds, nanos } = moment;
    if !SECONDS.contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err("must be a moment of the years 1 to 9999 with 0 to 999999999 nanoseconds");
    }
    Ok(Timestamp::from_micros(seconds * 1_000_000 + i64::from(nanos / 1000)))
}

/// Writes a moment.
pub(in crate::api) fn write(moment: Timestamp) -> PbTimestamp {
    let micros = moment.micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or_default();
    PbTimestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Reads a span of time.
///
/// # Errors
///
/// What the field must be.
pub(super) fn read_duration(span: PbDuration) -> Result<Duration, &'static str> {
    Duration::try_from(span).map_err(|_| "must be a span of time that is not negative")
}

/// Writes a span of time; one longer than protobuf knows becomes the longest.
pub(super) fn write_duration(span: Duration) -> PbDuration {
    // protobuf allows some 10,000 years.
    const LONGEST: Duration = Duration::from_secs(315_576_000_000);
    PbDuration::try_from(span.min(LONGEST)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, -62_135_596_800_000_000] {
            let moment = Timestamp::from_micros(micros);
            assert_eq!(read(write(moment)), Ok(moment));
        }
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
            assert!(read(PbTimestamp { seconds, nanos }).is_err(), "{seconds} {nanos}");
        }
    }
}
