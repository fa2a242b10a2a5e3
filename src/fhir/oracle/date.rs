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

/// What a node says about time: two dates (the same for a single one), or none where it is open-ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub from: Option<PartialDate>,
    pub to: Option<PartialDate>,
}

impl Stretch {
    /// True if a date in it has a zone (`Some(true)`) or lacks one (`Some(false)`).
    pub fn has(&self, zoned: bool) -> bool {
        [&self.from, &self.to]
            .into_iter()
            .flatten()
            .any(|date| date.zone.is_some() == zoned)
    }

    pub fn span(&self, reading: Reading) -> Span {
        Span {
            start: self
                .from
                .as_ref()
                .map_or(i128::MIN, |date| span(date, reading).start),
            end: self
                .to
                .as_ref()
                .map_or(i128::MAX, |date| span(date, reading).end),
        }
    }
}

/// The span of one date.
pub(super) fn span(date: &PartialDate, reading: Reading) -> Span {
    let first = days(date.year, date.month.unwrap_or(1), date.day.unwrap_or(1));
    let zone = i128::from(date.zone.unwrap_or(reading.zone)) * MINUTE;
    let midnight = first * DAY - zone;
    let Some(time) = &date.time else {
        let length = match (date.month, date.day) {
            (_, Some(_)) => 1,
            (Some(month), None) => days_in_month(date.year, month),
            (None, None) => days(date.year, 12, 31) + 1 - first,
        };
        return Span {
            start: midnight,
            end: midnight + length * DAY,
        };
    };
    let (offset, length) = time_of_day(time);
    Span {
        start: midnight + offset,
        end: midnight + offset + if reading.instants { 1 } else { length },
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
        "date" | "dateTime" | "instant" => {
            let date = read(value)?;
            Ok(Some(Stretch {
                from: Some(date.clone()),
                to: Some(date),
            }))
        }
        "Period" => period(value),
        "Timing" => timing(value),
        other => Err(format!("a date parameter on {other} is not defined")),
    }
}

fn read(value: &Value) -> Result<PartialDate, String> {
    let text = value.as_str().ok_or("a date is not a string")?;
    PartialDate::parse(text).map_err(|_| "a stored date cannot be read".to_owned())
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
        ([event], None) => {
            let date = read(event)?;
            Ok(Some(Stretch {
                from: Some(date.clone()),
                to: Some(date),
            }))
        }
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
    let mixed = match query.date.zone {
        Some(_) => stretch.has(false),
        None => stretch.has(true),
    } || (stretch.has(true) && stretch.has(false));
    Match::agreed(
        readings(mixed).flat_map(|reading| {
            let asked = span(&query.date, reading);
            compare(query.prefix, asked, stretch.span(reading))
        }),
        "it depends on the assumed zone or on the precision of a time",
    )
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

/// The rules of <http://hl7.org/fhir/R4/search.html#prefix>; two answers where two readings of a rule are about.
fn compare(prefix: Prefix, asked: Span, known: Span) -> Vec<bool> {
    let contains = asked.start <= known.start && known.end <= asked.end;
    let overlaps = asked.start < known.end && known.start < asked.end;
    let beyond = known.end > asked.end;
    let before = known.start < asked.start;
    match prefix {
        Prefix::Eq => vec![contains],
        Prefix::Ne => vec![!contains],
        Prefix::Gt => vec![beyond],
        Prefix::Lt => vec![before],
        // To the letter, or whatever ends after the start of what is asked for.
        Prefix::Ge => vec![beyond || contains, beyond || overlaps],
        Prefix::Le => vec![before || contains, before || overlaps],
        Prefix::Sa => vec![known.start >= asked.end],
        Prefix::Eb => vec![known.end <= asked.start],
        // How near is approximate, the server decides; what equals is approximate in any case.
        Prefix::Ap => vec![contains, true],
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
        span(&PartialDate::parse(text).unwrap(), reading)
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
