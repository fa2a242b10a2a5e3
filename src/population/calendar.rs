//! Civil days and moments with the offset of a United States time zone. Never the wall clock.

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::{SignedDuration, ToSpan};

/// The population's today: nothing in a generated record is later. A constant, so that the same seed gives
/// the same bytes in every year.
pub const TODAY: Date = date(2025, 12, 1);

/// A time zone by its standard offset in hours, with the daylight rule in force since 2007 (15 U.S.C. 260a);
/// the few older moments of a record use the same rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone(pub(super) i8);

impl Zone {
    /// The offset at a civil time, in hours: daylight time from the second Sunday in March to the first
    /// Sunday in November, both at 02:00.
    fn offset(self, at: DateTime) -> i8 {
        let year = at.year();
        let from = sunday_from(date(year, 3, 8)).at(2, 0, 0, 0);
        let to = sunday_from(date(year, 11, 1)).at(2, 0, 0, 0);
        self.0 + i8::from(from <= at && at < to)
    }
}

fn sunday_from(day: Date) -> Date {
    let ahead = match day.weekday() {
        Weekday::Sunday => 0,
        other => 7 - i32::from(other.to_monday_one_offset()),
    };
    add_days(day, ahead)
}

/// A civil time in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) civil: DateTime,
    pub(super) zone: Zone,
}

impl Moment {
    /// `minute` minutes after midnight of a day.
    pub(super) fn new(day: Date, minute: i32, zone: Zone) -> Self {
        let midnight = Moment {
            civil: day.at(0, 0, 0, 0),
            zone,
        };
        midnight.plus(minute)
    }

    /// The moment `minutes` later.
    pub(super) fn plus(self, minutes: i32) -> Self {
        Moment {
            civil: self
                .civil
                .saturating_add(SignedDuration::from_mins(i64::from(minutes))),
            zone: self.zone,
        }
    }

    /// The civil day.
    pub(super) fn day(self) -> Date {
        self.civil.date()
    }

    /// FHIR dateTime and instant: `2024-03-10T09:35:00-04:00`.
    pub(super) fn text(self) -> String {
        let offset = self.zone.offset(self.civil);
        let sign = if offset < 0 { '-' } else { '+' };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:00",
            self.civil.year(),
            self.civil.month(),
            self.civil.day(),
            self.civil.hour(),
            self.civil.minute(),
            self.civil.second(),
            offset.unsigned_abs(),
        )
    }
}

/// The day `days` later, or earlier if negative.
pub(super) fn add_days(day: Date, days: i32) -> Date {
    day.saturating_add(days.days())
}

/// Days from `from` to `to`.
pub(super) fn days_between(from: Date, to: Date) -> i32 {
    let days = to.duration_since(from).as_hours() / 24;
    i32::try_from(days).expect("four-digit years are less than four million days apart")
}

/// Age in years with its fraction.
pub(super) fn age(birth: Date, at: Date) -> f64 {
    f64::from(days_between(birth, at)) / 365.25
}

/// The day itself, or the Monday after a weekend.
pub(super) fn workday(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => add_days(day, 2),
        Weekday::Sunday => add_days(day, 1),
        _ => day,
    }
}

/// FHIR date with full precision.
pub(super) fn day_text(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_daylight_saving_time() {
        let eastern = Zone(-5);
        let text = |day, minute| Moment::new(day, minute, eastern).text();
        assert_eq!(text(date(2024, 3, 10), 119), "2024-03-10T01:59:00-05:00");
        assert_eq!(text(date(2024, 3, 10), 180), "2024-03-10T03:00:00-04:00");
        assert_eq!(text(date(2024, 11, 3), 119), "2024-11-03T01:59:00-04:00");
        assert_eq!(text(date(2024, 11, 3), 120), "2024-11-03T02:00:00-05:00");
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(days_between(date(2023, 3, 1), date(2024, 3, 1)), 366);
        assert_eq!(add_days(date(2024, 2, 28), 1), date(2024, 2, 29));
        assert_eq!(workday(date(2025, 11, 29)), date(2025, 12, 1));
    }
}
