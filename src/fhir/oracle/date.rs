//! Date parameters, <http://hl7.org/fhir/R4/search.html#date>: intervals of instants against intervals of instants.
//! Not calendars: [`PartialDate`] reads the text.
//!
//! Two things R4 leaves to the server: the zone of a date that names none, and whether a time to the second (or minute)
//! is an instant or the whole second. Each comparison is made under every reading, and is open where they differ.

use serde_json::Value;

use super::Match;
use super::extract::{Node, plain_path};
use crate::fhir::query::{DateValue, PartialDate, Prefix, TimeOfDay};

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const DAY: i128 = 24 * 60 * MINUTE;
/// Zones that a server may assume, in minutes east of UTC: all multiples of a quarter hour.
const ZONES: std::ops::RangeInclusive<i32> = -56..=56;

/// From `start` to `end`, the end excluded, in nanoseconds since 1970 in UTC; open ends are the limits of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub start: i128,
    pub end: i128,
}

/// How a date becomes a span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Minutes east of UTC of dates without a zone.
    pub zone: i32,
    /// A time is an instant, however it is written.
    pub instants: bool,
}

/// A date as it lies in UTC, reckoned once for all readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Of a date without a zone: as if its zone were UTC.
    start: i128,
    /// What the written precision covers.
    length: i128,
    has_zone: bool,
    has_time: bool,
}

impl Moment {
    pub fn of(date: &PartialDate) -> Self {
        let first = days(date.year, date.month.unwrap_or(1), date.day.unwrap_or(1));
        let midnight = first * DAY - i128::from(date.zone.unwrap_or(0)) * MINUTE;
        let (offset, length) = match (&date.time, date.month, date.day) {
            (Some(time), _, _) => time_of_day(time),
            (None, _, Some(_)) => (0, DAY),
            (None, Some(month), None) => (0, days_in_month(date.year, month) * DAY),
            (None, None, None) => (0, (days(date.year, 12, 31) + 1 - first) * DAY),
        };
        Moment {
            start: midnight + offset,
            length,
            has_zone: date.zone.is_some(),
            has_time: date.time.is_some(),
        }
    }

    fn span(self, reading: Reading) -> Span {
        let shift = match self.has_zone {
            true => 0,
            false => i128::from(reading.zone) * MINUTE,
        };
        let length = match self.has_time && reading.instants {
            true => 1,
            false => self.length,
        };
        let start = self.start - shift;
        Span {
            start,
            end: start + length,
        }
    }
}

/// What a node says about time: two dates (the same for a single one), or none where it is open-ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    from: Option<Moment>,
    to: Option<Moment>,
}

impl Stretch {
    fn at(moment: Moment) -> Self {
        Stretch {
            from: Some(moment),
            to: Some(moment),
        }
    }

    /// True if a date in it has a zone (`true`) or lacks one (`false`).
    pub fn has(&self, zoned: bool) -> bool {
        [self.from, self.to]
            .into_iter()
            .flatten()
            .any(|moment| moment.has_zone == zoned)
    }

    pub fn span(&self, reading: Reading) -> Span {
        Span {
            start: self.from.map_or(i128::MIN, |date| date.span(reading).start),
            end: self.to.map_or(i128::MAX, |date| date.span(reading).end),
        }
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, by arithmetic: a year that starts in March has its leap day last, and
/// its months' lengths follow 153 days in five months (<https://howardhinnant.github.io/date_algorithms.html>).
fn days(year: i16, month: i8, day: i8) -> i128 {
    let (year, month, day) = (i128::from(year), i128::from(month), i128::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 1970-01-01 is 719468 days after 0000-03-01.
    365 * year + leap_days + day_of_year - 719_468
}

fn days_in_month(year: i16, month: i8) -> i128 {
    i128::from(jiff::civil::date(year, month, 1).days_in_month())
}

/// Nanoseconds since midnight and how many the written precision covers.
fn time_of_day(time: &TimeOfDay) -> (i128, i128) {
    let minutes = i128::from(time.hour) * 60 + i128::from(time.minute);
    let Some(second) = time.second else {
        return (minutes * MINUTE, MINUTE);
    };
    let start = minutes * MINUTE + i128::from(second) * SECOND;
    let mut length = SECOND;
    let mut fraction = 0;
    // Nanoseconds have nine digits; finer ones are cut off.
    for digit in time.fraction.bytes().take(9) {
        length /= 10;
        fraction += i128::from(digit - b'0') * length;
    }
    (start + fraction, length)
}

/// What a node says about time.
///
/// # Errors
/// Why it says nothing that can be compared.
pub(super) fn stretch(node: &Node<'_>) -> Result<Option<Stretch>, String> {
    let Some(value) = node.value.as_deref() else {
        return Ok(None);
    };
    match node.type_name {
        "date" | "dateTime" | "instant" => Ok(Some(Stretch::at(read(value)?))),
        "Period" => period(value),
        "Timing" => timing(value),
        other => Err(format!("a date parameter on {other} is not defined")),
    }
}

fn read(value: &Value) -> Result<Moment, String> {
    let text = value.as_str().ok_or("a date is not a string")?;
    match PartialDate::parse(text) {
        Ok(date) => Ok(Moment::of(&date)),
        Err(_) => Err("a stored date cannot be read".to_owned()),
    }
}

fn period(value: &Value) -> Result<Option<Stretch>, String> {
    let from = value.get("start").map(read).transpose()?;
    let to = value.get("end").map(read).transpose()?;
    if from.is_none() && to.is_none() {
        return Err("a period has neither start nor end".to_owned());
    }
    Ok(Some(Stretch { from, to }))
}

/// Only the outer limits of a schedule count.
fn timing(value: &Value) -> Result<Option<Stretch>, String> {
    let events = plain_path(value, &["event"]);
    let bounds = value
        .get("repeat")
        .and_then(|repeat| repeat.get("boundsPeriod"));
    match (events.as_slice(), bounds) {
        ([], Some(bounds)) => period(bounds),
        ([event], None) => Ok(Some(Stretch::at(read(event)?))),
        _ => Err("the outer limits of the schedule are not plain".to_owned()),
    }
}

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, query: &DateValue) -> Match {
    let stretch = match stretch(node) {
        Ok(Some(stretch)) => stretch,
        Ok(None) => return Match::No,
        Err(reason) => return Match::Open(reason),
    };
    let backwards = |reading| {
        let span = stretch.span(reading);
        span.start >= span.end
    };
    if readings(false).any(backwards) {
        return Match::open("a period ends before it starts");
    }
    let asked = Moment::of(&query.date);
    let mixed = stretch.has(!asked.has_zone) || (stretch.has(true) && stretch.has(false));
    Match::agreed(
        readings(mixed && is_near(asked, stretch))
            .flat_map(|reading| compare(query.prefix, asked.span(reading), stretch.span(reading))),
        "it depends on the assumed zone or on the precision of a time",
    )
}

/// False if no zone changes which of two limits is the earlier: a day is more than any zone and the length of a minute
/// together, and most dates are farther apart.
fn is_near(asked: Moment, stretch: Stretch) -> bool {
    let reading = Reading {
        zone: 0,
        instants: false,
    };
    let (asked, known) = (asked.span(reading), stretch.span(reading));
    [asked.start, asked.end]
        .into_iter()
        .flat_map(|limit| [known.start, known.end].map(|other| limit.abs_diff(other)))
        .any(|distance| distance <= DAY.unsigned_abs())
}

/// The readings that servers may have: of times, and of the zone if zones are mixed.
pub(super) fn readings(zones: bool) -> impl Iterator<Item = Reading> {
    let quarters = if zones { ZONES } else { 0..=0 };
    quarters.flat_map(|quarter| {
        [false, true].map(|instants| Reading {
            zone: quarter * 15,
            instants,
        })
    })
}

/// The rules of <http://hl7.org/fhir/R4/search.html#prefix>; two answers, which differ where two readings of a rule are about.
fn compare(prefix: Prefix, asked: Span, known: Span) -> [bool; 2] {
    let contains = asked.start <= known.start && known.end <= asked.end;
    let overlaps = asked.start < known.end && known.start < asked.end;
    let beyond = known.end > asked.end;
    let before = known.start < asked.start;
    match prefix {
        Prefix::Eq => [contains; 2],
        Prefix::Ne => [!contains; 2],
        Prefix::Gt => [beyond; 2],
        Prefix::Lt => [before; 2],
        // To the letter, or whatever ends after the start of what is asked for.
        Prefix::Ge => [beyond || contains, beyond || overlaps],
        Prefix::Le => [before || contains, before || overlaps],
        Prefix::Sa => [known.start >= asked.end; 2],
        Prefix::Eb => [known.end <= asked.start; 2],
        // How near is approximate, the server decides; what equals is approximate in any case.
        Prefix::Ap => [contains, true],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Span {
        let reading = Reading {
            zone: 0,
            instants: false,
        };
        Moment::of(&PartialDate::parse(text).unwrap()).span(reading)
    }

    #[test]
    fn a_span_is_as_long_as_what_is_written() {
        assert_eq!(of("1970-01-01"), Span { start: 0, end: DAY });
        assert_eq!(of("2012").end - of("2012").start, 366 * DAY);
        assert_eq!(of("2013-02").end - of("2013-02").start, 28 * DAY);
        assert_eq!(of("9999-12").end - of("9999-12").start, 31 * DAY);
        assert_eq!(
            of("1970-01-01T01:00:00.25+01:00"),
            Span {
                start: SECOND / 4,
                end: SECOND / 4 + SECOND / 100
            }
        );
        assert_eq!(of("1970-01-01T00:00").end, MINUTE);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let epoch = jiff::civil::date(1970, 1, 1);
        let mut date = jiff::civil::date(1, 1, 1);
        while date.year() < 9998 {
            let since = i128::from(date.since(epoch).unwrap().get_days());
            assert_eq!(days(date.year(), date.month(), date.day()), since, "{date}");
            date = date.saturating_add(jiff::Span::new().days(29));
        }
        assert_eq!(days(2000, 2, 29) + 1, days(2000, 3, 1));
        assert_eq!(days(1900, 2, 28) + 1, days(1900, 3, 1));
    }

    #[test]
    fn the_year_one_is_before_the_year_1800() {
        assert!(of("0001").end < of("1800").start);
    }
}
