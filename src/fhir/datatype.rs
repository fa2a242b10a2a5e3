//! Dates and times with partial precision as intervals on the time line. Not calendar arithmetic (see `path`).

use serde_json::Value;

/// A FHIR date, dateTime or instant as the half-open interval of instants that it covers, in nanoseconds of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// First instant, nanoseconds since 1970-01-01T00:00:00Z.
    pub start: i128,
    /// First instant after the interval.
    pub end: i128,
}

impl Interval {
    /// From before all time until after it: the interval of a Period without start and end.
    pub const ALWAYS: Interval = Interval {
        start: i128::MIN,
        end: i128::MAX,
    };

    /// True if the whole of `other` lies in this interval.
    pub fn contains(&self, other: &Interval) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// True if the two share an instant.
    pub fn overlaps(&self, other: &Interval) -> bool {
        self.start < other.end && other.start < self.end
    }
}

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const DAY: i128 = 24 * 60 * MINUTE;

/// Zones lie within 14 hours of UTC, <http://hl7.org/fhir/R4/datatypes.html#dateTime>.
const LARGEST_OFFSET_MINUTES: i32 = 14 * 60;

/// Reads a FHIR date/dateTime/instant of any precision; values without a zone are taken in `zone_offset_minutes`.
///
/// `2015`, `2015-02`, `2015-02-07`, `2015-02-07T13:28` (allowed in searches), `…:17`, `…:17.239`, with `Z` or
/// `±hh:mm` behind a time. Second 60 is the leap second of FHIR's own pattern and the instant after it; `24:00`,
/// the year 0000 and days that the month does not have are refused. Digits beyond nanoseconds are cut off.
pub fn interval(text: &str, zone_offset_minutes: i32) -> Option<Interval> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let days = days_of(date)?;
    let Some(time) = time else {
        let zone = i128::from(zone_offset_minutes) * MINUTE;
        return Some(Interval {
            start: i128::from(days.0) * DAY - zone,
            end: i128::from(days.1) * DAY - zone,
        });
    };
    if date.len() != "2015-02-07".len() {
        return None;
    }
    let (clock, offset) = split_zone(time)?;
    let (since_midnight, width) = clock_of(clock)?;
    let zone = i128::from(offset.unwrap_or(zone_offset_minutes)) * MINUTE;
    let start = i128::from(days.0) * DAY + since_midnight - zone;
    Some(Interval {
        start,
        end: start + width,
    })
}

/// The interval of a FHIR Period: from the first instant of `start` to the last of `end`; what is missing is open.
///
/// `None` if a bound is there and cannot be read, or if the value is no object.
pub fn period_interval(period: &Value, zone_offset_minutes: i32) -> Option<Interval> {
    let period = period.as_object()?;
    let bound = |name: &str| match period.get(name) {
        None | Some(Value::Null) => Some(Interval::ALWAYS),
        Some(value) => interval(value.as_str()?, zone_offset_minutes),
    };
    Some(Interval {
        start: bound("start")?.start,
        end: bound("end")?.end,
    })
}

/// Days since 1970-01-01 of a proleptic Gregorian date (algorithm `days_from_civil` of Howard Hinnant,
/// <https://howardhinnant.github.io/date_algorithms.html>).
pub fn days_since_epoch(year: i32, month: u32, day: u32) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days of a month of the Gregorian calendar.
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// First day of the date and first day after it.
fn days_of(date: &str) -> Option<(i64, i64)> {
    let bytes = date.as_bytes();
    let year = i32::try_from(digits(bytes.get(..4)?)?).ok()?;
    if year == 0 {
        return None;
    }
    if bytes.len() == 4 {
        return Some((
            days_since_epoch(year, 1, 1),
            days_since_epoch(year + 1, 1, 1),
        ));
    }
    let month = pair(bytes, 4, b'-').filter(|month| (1..=12).contains(month))?;
    if bytes.len() == 7 {
        let start = days_since_epoch(year, month, 1);
        return Some((start, start + i64::from(days_in_month(year, month))));
    }
    let day = pair(bytes, 7, b'-').filter(|day| (1..=days_in_month(year, month)).contains(day))?;
    if bytes.len() != 10 {
        return None;
    }
    let start = days_since_epoch(year, month, day);
    Some((start, start + 1))
}

/// Nanoseconds since midnight and the width of the last written unit.
fn clock_of(clock: &str) -> Option<(i128, i128)> {
    let bytes = clock.as_bytes();
    let hour = digits(bytes.get(..2)?).filter(|hour| *hour < 24)?;
    let minute = pair(bytes, 2, b':').filter(|minute| *minute < 60)?;
    let minutes = i128::from(hour * 60 + minute) * MINUTE;
    if bytes.len() == 5 {
        return Some((minutes, MINUTE));
    }
    let second = pair(bytes, 5, b':').filter(|second| *second <= 60)?;
    let seconds = minutes + i128::from(second) * SECOND;
    let Some(fraction) = clock.get(8..).filter(|rest| !rest.is_empty()) else {
        return Some((seconds, SECOND));
    };
    let fraction = fraction.strip_prefix('.').filter(|rest| !rest.is_empty())?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(9)];
    let width = 10i128.pow(9 - u32::try_from(kept.len()).ok()?);
    Some((
        seconds + i128::from(digits(kept.as_bytes())?) * width,
        width,
    ))
}

/// Splits `Z` or `±hh:mm` off a time; minutes east of UTC.
fn split_zone(time: &str) -> Option<(&str, Option<i32>)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, Some(0)));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, None));
    };
    let zone = &time.as_bytes()[at..];
    if zone.len() != "+hh:mm".len() {
        return None;
    }
    let hours = digits(&zone[1..3])?;
    let minutes = pair(zone, 3, b':').filter(|minutes| *minutes < 60)?;
    let offset = i32::try_from(hours * 60 + minutes).ok()?;
    let signed = if zone[0] == b'-' { -offset } else { offset };
    (offset <= LARGEST_OFFSET_MINUTES).then_some((&time[..at], Some(signed)))
}

/// The two digits behind a separator.
fn pair(bytes: &[u8], at: usize, separator: u8) -> Option<u32> {
    if *bytes.get(at)? != separator {
        return None;
    }
    digits(bytes.get(at + 1..at + 3)?)
}

/// The value of up to nine ASCII digits.
fn digits(bytes: &[u8]) -> Option<u32> {
    let all = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    all.then(|| {
        bytes
            .iter()
            .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Start and end in whole seconds.
    fn seconds(text: &str) -> (i128, i128) {
        let interval = interval(text, 0).unwrap();
        (interval.start / SECOND, interval.end / SECOND)
    }

    #[test]
    fn each_precision_covers_its_unit() {
        assert_eq!(seconds("1970"), (0, 365 * 86_400));
        assert_eq!(seconds("1970-01"), (0, 31 * 86_400));
        assert_eq!(seconds("1970-01-02"), (86_400, 2 * 86_400));
        assert_eq!(seconds("1970-01-01T00:01Z"), (60, 120));
        assert_eq!(seconds("1970-01-01T00:01:01Z"), (61, 62));
        assert_eq!(
            interval("1970-01-01T00:00:00.250Z", 0),
            Some(Interval {
                start: 250_000_000,
                end: 251_000_000
            })
        );
        assert_eq!(
            interval("1970-01-01T00:00:00.1234567891Z", 0),
            Some(Interval {
                start: 123_456_789,
                end: 123_456_790
            })
        );
    }

    #[test]
    fn known_instants_are_met() {
        assert_eq!(seconds("2000-03-01T00:00:00Z").0, 951_868_800);
        assert_eq!(seconds("2015-02-07T13:28:17-05:00").0, 1_423_333_697);
        assert_eq!(seconds("0001-01-01").0, -62_135_596_800);
        assert_eq!(seconds("9999-12-31").1, 253_402_300_800);
    }

    #[test]
    fn leap_days_exist_in_leap_years_only() {
        assert!(interval("2024-02-29", 0).is_some());
        assert!(interval("2000-02-29", 0).is_some());
        assert!(interval("2023-02-29", 0).is_none());
        assert!(interval("1900-02-29", 0).is_none());
        let february = seconds("2024-02");
        assert_eq!(february.1 - february.0, 29 * 86_400);
    }

    #[test]
    fn a_value_without_zone_is_taken_in_the_given_zone() {
        assert_eq!(
            interval("2024-05-05", 120),
            Some(Interval {
                start: interval("2024-05-04T22:00:00Z", 0).unwrap().start,
                end: interval("2024-05-05T22:00:00Z", 0).unwrap().start,
            })
        );
        assert_eq!(
            interval("2024-05-05T10:00:00+02:00", -300),
            interval("2024-05-05T08:00:00Z", 0)
        );
    }

    #[test]
    fn a_leap_second_is_the_instant_after_it() {
        assert_eq!(
            seconds("2016-12-31T23:59:60Z").0,
            seconds("2017-01-01T00:00:00Z").0
        );
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "15",
            "0000",
            "2015-13",
            "2015-00",
            "2015-2",
            "2015-02-30",
            "2015-02-7",
            "2015-02-07T",
            "2015-02-07T13",
            "2015-02-07T24:00:00Z",
            "2015-02-07T13:60:00Z",
            "2015-02-07T13:28:61Z",
            "2015-02-07T13:28:17.Z",
            "2015-02-07T13:28:17+15:00",
            "2015-02-07T13:28:17+1:00",
            "2015-02T13:28Z",
            "2015-02-07 13:28",
            "2015-02-07Z",
            "20150207",
            "2015-02-07T13:28:17.5x",
            "２０１５",
            "2015-02-07T13:28:17é",
        ] {
            assert!(interval(text, 0).is_none(), "{text}");
        }
    }

    #[test]
    fn a_period_without_bounds_is_open() {
        let day = interval("2024-05-05", 0).unwrap();
        assert_eq!(
            period_interval(&json!({"start": "2024-05-05", "end": "2024-05-05"}), 0),
            Some(day)
        );
        let from = period_interval(&json!({"start": "2024-05-05"}), 0).unwrap();
        assert_eq!((from.start, from.end), (day.start, i128::MAX));
        assert_eq!(period_interval(&json!({}), 0), Some(Interval::ALWAYS));
        assert_eq!(period_interval(&json!({"end": "soon"}), 0), None);
        assert_eq!(period_interval(&json!("2024"), 0), None);
        assert!(from.contains(&day) && from.overlaps(&day));
    }
}
