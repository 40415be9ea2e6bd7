//! Where in the year, the week and the day does a point in time lie?
//!
//! Times have no zone here: those that name an offset are in UTC, the others on their own clock.

use std::f64::consts::TAU;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Seconds of a day.
pub(super) const DAY: f64 = 86_400.0;

/// The days of the week, from the first.
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Where a point in time lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calendar {
    /// The share of its year that is over: (days since the first of January, with fraction) / (365 or 366).
    pub(super) year: f64,
    /// The share of its day that is over.
    pub(super) day: f64,
    /// From 0, Monday, to 6, Sunday.
    pub(super) weekday: u8,
}

impl Calendar {
    /// Of a point in time, in seconds since 1970-01-01 00:00, a Thursday.
    pub(super) fn of(seconds: f64) -> Self {
        let days = (seconds / DAY).floor();
        let day = seconds.rem_euclid(DAY) / DAY;
        let year = Timestamp::from_second(seconds.floor() as i64).map_or(0.0, |time| {
            let date = TimeZone::UTC.to_datetime(time).date();
            (f64::from(date.day_of_year() - 1) + day) / f64::from(date.days_in_year())
        });
        Self { year, day, weekday: (days + 3.0).rem_euclid(7.0) as u8 }
    }
}

/// Sine and cosine of a share of a round, so that its end lies beside its beginning.
pub(super) fn round(share: f64) -> [f64; 2] {
    let (sine, cosine) = (TAU * share).sin_cos();
    [sine, cosine]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::times;

    #[test]
    fn parts_are_those_of_the_calendar() {
        let of = |text: &str| Calendar::of(times::parse(text).unwrap());
        assert_eq!(of("1970-01-01"), Calendar { year: 0.0, day: 0.0, weekday: 3 });
        assert_eq!(of("2024-02-29T18:00"), Calendar { year: 59.75 / 366.0, day: 0.75, weekday: 3 });
        assert_eq!(of("2023-12-31T12:00"), Calendar { year: 364.5 / 365.0, day: 0.5, weekday: 6 });
        assert_eq!(of("1969-12-31T23:59:59.5").weekday, 2);
    }

    #[test]
    fn the_end_of_a_round_lies_beside_its_beginning() {
        assert_eq!(round(0.0).map(f64::to_bits), [0.0_f64, 1.0].map(f64::to_bits));
        let [sine, cosine] = round(0.25);
        assert!((sine - 1.0).abs() < 1e-15 && cosine.abs() < 1e-15);
        assert!(round(0.999)[0].abs() < 0.01);
    }
}
