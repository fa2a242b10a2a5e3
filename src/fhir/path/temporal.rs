//! FHIRPath dates, dateTimes and times: partial precision, comparison that may stay open, calendar arithmetic.
//! Not search intervals (see `datatype`).

use std::cmp::Ordering;
use std::fmt;

use jiff::civil;
use rust_decimal::prelude::ToPrimitive;

use super::quantity::CalendarUnit;
use crate::fhir::datatype::{days_in_month, days_since_epoch};

/// The three temporal types of FHIRPath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Date,
    DateTime,
    Time,
}

/// The last written unit; a fraction keeps its number of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction(u8),
}

/// A date, dateTime or time; fields beyond the precision are at their lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Temporal {
    pub kind: Kind,
    pub precision: Precision,
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of UTC.
    pub offset: Option<i32>,
}

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const DAY: i128 = 24 * 60 * MINUTE;
/// A time without zone lies within 14 hours of the same reading in UTC.
const LARGEST_OFFSET: i128 = 14 * 60 * MINUTE;

impl Temporal {
    /// What stands behind `@`: `2015-02` is a Date, `2015T` a DateTime, `T14:34` a Time.
    pub fn literal(text: &str) -> Option<Self> {
        if let Some(time) = text.strip_prefix('T') {
            return Self::parse(Kind::Time, time);
        }
        let kind = if text.contains('T') {
            Kind::DateTime
        } else {
            Kind::Date
        };
        Self::parse(kind, text)
    }

    /// Reads a text as one of the kinds; a date is a DateTime of day precision.
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        let mut temporal = Temporal::lowest(kind);
        if kind == Kind::Time {
            temporal.read_clock(text)?;
            return Some(temporal);
        }
        let (date, clock) = match text.split_once('T') {
            Some(_) if kind == Kind::Date => return None,
            Some((date, clock)) => (date, clock),
            None => (text, ""),
        };
        temporal.read_date(date)?;
        if clock.is_empty() {
            return Some(temporal);
        }
        if temporal.precision != Precision::Day {
            return None;
        }
        let clock = temporal.read_zone(clock)?;
        temporal.read_clock(clock)?;
        Some(temporal)
    }

    /// A moment in UTC with milliseconds.
    pub fn at(now: jiff::Timestamp) -> Self {
        let moment = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let mut temporal = Temporal::lowest(Kind::DateTime);
        temporal.set(moment);
        temporal.nanosecond = temporal.nanosecond / 1_000_000 * 1_000_000;
        temporal.precision = Precision::Fraction(3);
        temporal.offset = Some(0);
        temporal
    }

    /// The date of a dateTime.
    pub fn to_date(self) -> Self {
        Temporal {
            kind: Kind::Date,
            offset: None,
            ..self.cut(self.precision.min(Precision::Day))
        }
    }

    /// The time of a dateTime.
    pub fn to_time(self) -> Self {
        Temporal {
            kind: Kind::Time,
            year: 1970,
            month: 1,
            day: 1,
            offset: None,
            ..self
        }
    }

    /// A date as dateTime, with the precision that it has.
    pub fn to_date_time(self) -> Self {
        Temporal {
            kind: Kind::DateTime,
            ..self
        }
    }

    fn lowest(kind: Kind) -> Self {
        Temporal {
            kind,
            precision: Precision::Year,
            year: 1970,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset: None,
        }
    }

    fn read_date(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split('-');
        self.year = number(parts.next()?, 4).filter(|year| *year > 0)? as i32;
        if let Some(month) = parts.next() {
            self.month = number(month, 2).filter(|month| (1..=12).contains(month))?;
            self.precision = Precision::Month;
        }
        if let Some(day) = parts.next() {
            let days = days_in_month(self.year, self.month);
            self.day = number(day, 2).filter(|day| (1..=days).contains(day))?;
            self.precision = Precision::Day;
        }
        parts.next().is_none().then_some(())
    }

    fn read_clock(&mut self, text: &str) -> Option<()> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut parts = whole.split(':');
        self.hour = number(parts.next()?, 2).filter(|hour| *hour < 24)?;
        self.precision = Precision::Hour;
        if let Some(minute) = parts.next() {
            self.minute = number(minute, 2).filter(|minute| *minute < 60)?;
            self.precision = Precision::Minute;
        }
        if let Some(second) = parts.next() {
            self.second = number(second, 2).filter(|second| *second <= 60)?;
            self.precision = Precision::Second;
        }
        if parts.next().is_some() {
            return None;
        }
        match fraction {
            Some(fraction) if self.precision == Precision::Second => self.read_fraction(fraction),
            Some(_) => None,
            None => Some(()),
        }
    }

    fn read_fraction(&mut self, digits: &str) -> Option<()> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let kept = &digits[..digits.len().min(9)];
        self.nanosecond = kept.parse::<u32>().ok()? * 10u32.pow(9 - kept.len() as u32);
        self.precision = Precision::Fraction(kept.len() as u8);
        Some(())
    }

    /// Takes the zone off a clock text.
    fn read_zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(clock) = text.strip_suffix('Z') {
            self.offset = Some(0);
            return Some(clock);
        }
        let Some(at) = text.find(['+', '-']) else {
            return Some(text);
        };
        let (hours, minutes) = text[at + 1..].split_once(':')?;
        let minutes = number(minutes, 2).filter(|minutes| *minutes < 60)?;
        let offset = (number(hours, 2)? * 60 + minutes) as i32;
        self.offset = Some(if text[at..].starts_with('-') {
            -offset
        } else {
            offset
        });
        (i128::from(offset) * MINUTE <= LARGEST_OFFSET).then_some(&text[..at])
    }

    /// The same with fields beyond the precision at their lowest.
    fn cut(mut self, precision: Precision) -> Self {
        let keep = |unit, field: u32, lowest| if precision >= unit { field } else { lowest };
        self.month = keep(Precision::Month, self.month, 1);
        self.day = keep(Precision::Day, self.day, 1);
        self.hour = keep(Precision::Hour, self.hour, 0);
        self.minute = keep(Precision::Minute, self.minute, 0);
        self.second = keep(Precision::Second, self.second, 0);
        self.nanosecond = match precision {
            Precision::Fraction(digits) => {
                let unit = 10u32.pow(9 - u32::from(digits.min(9)));
                self.nanosecond / unit * unit
            }
            _ => 0,
        };
        self.precision = precision;
        self
    }

    /// Nanoseconds of UTC, zoneless readings taken as UTC: first moment, and first moment after the last written
    /// unit. From seconds on a value is a point, <http://hl7.org/fhirpath/#comparison>.
    fn extent(&self) -> (i128, i128) {
        let days = days_since_epoch(self.year, self.month, self.day);
        let clock = i128::from(self.hour * 60 + self.minute) * MINUTE
            + i128::from(self.second) * SECOND
            + i128::from(self.nanosecond);
        let zone = i128::from(self.offset.unwrap_or(0)) * MINUTE;
        let start = i128::from(days) * DAY + clock - zone;
        let width = match self.precision {
            Precision::Year => i128::from(days_since_epoch(self.year + 1, 1, 1) - days) * DAY,
            Precision::Month => i128::from(days_in_month(self.year, self.month)) * DAY,
            Precision::Day => DAY,
            Precision::Hour => 60 * MINUTE,
            Precision::Minute => MINUTE,
            Precision::Second | Precision::Fraction(_) => 0,
        };
        (start, start + width)
    }

    /// Seconds and fractions are one precision.
    fn rank(&self) -> Precision {
        self.precision.min(Precision::Second)
    }

    /// True if the two can be compared at all: a time only with a time.
    pub fn is_comparable(&self, other: &Temporal) -> bool {
        (self.kind == Kind::Time) == (other.kind == Kind::Time)
    }

    /// Order in time; `None` where precision or a missing zone leaves it open.
    pub fn compare(&self, other: &Temporal) -> Option<Ordering> {
        let same_zoning = self.offset.is_some() == other.offset.is_some();
        let slack = if same_zoning { 0 } else { LARGEST_OFFSET };
        let (start, end) = self.extent();
        let (other_start, other_end) = other.extent();
        if same_zoning && self.rank() == other.rank() && start == other_start {
            return Some(Ordering::Equal);
        }
        let is_before = |end: i128, point: bool, start: i128| match point {
            true => end + slack < start,
            false => end + slack <= start,
        };
        if is_before(end, self.rank() == Precision::Second, other_start) {
            return Some(Ordering::Less);
        }
        is_before(other_end, other.rank() == Precision::Second, start).then_some(Ordering::Greater)
    }

    /// True if both have the same precision and mean the same moment (`~`).
    pub fn is_equivalent(&self, other: &Temporal) -> bool {
        self.is_comparable(other) && self.compare(other) == Some(Ordering::Equal)
    }

    /// Adds an amount of a calendar unit; `None` beyond the years 1 to 9999.
    ///
    /// Fractions count for seconds and milliseconds only; a unit finer than the precision is converted to it with
    /// 365 days a year and 30 days a month; the day is cut to the length of the month,
    /// <http://hl7.org/fhirpath/#datetime-arithmetic>.
    pub fn add(&self, amount: rust_decimal::Decimal, unit: CalendarUnit) -> Option<Temporal> {
        let (amount, unit) = if self.kind == Kind::Time {
            (amount, unit)
        } else {
            unit.coarsened(amount, self.precision)?
        };
        let whole = amount.trunc().to_i64()?;
        let span = match unit {
            CalendarUnit::Year => jiff::Span::new().try_years(whole),
            CalendarUnit::Month => jiff::Span::new().try_months(whole),
            CalendarUnit::Week => jiff::Span::new().try_weeks(whole),
            CalendarUnit::Day => jiff::Span::new().try_days(whole),
            CalendarUnit::Hour => jiff::Span::new().try_hours(whole),
            CalendarUnit::Minute => jiff::Span::new().try_minutes(whole),
            CalendarUnit::Second | CalendarUnit::Millisecond => {
                let scale = if unit == CalendarUnit::Second { 9 } else { 6 };
                let nanoseconds =
                    amount.checked_mul(rust_decimal::Decimal::from(10u64.pow(scale)))?;
                jiff::Span::new().try_nanoseconds(nanoseconds.trunc().to_i64()?)
            }
        };
        self.shifted(span.ok()?)
    }

    fn shifted(&self, span: jiff::Span) -> Option<Temporal> {
        let moment = civil::DateTime::new(
            i16::try_from(self.year).ok()?,
            self.month as i8,
            self.day as i8,
            self.hour as i8,
            self.minute as i8,
            self.second.min(59) as i8,
            self.nanosecond as i32,
        )
        .ok()?;
        let mut shifted = *self;
        if self.kind == Kind::Time {
            let time = moment.time().wrapping_add(span);
            shifted.set(civil::date(1970, 1, 1).to_datetime(time));
        } else {
            shifted.set(moment.checked_add(span).ok()?);
        }
        (shifted.year > 0).then(|| shifted.cut(self.precision))
    }

    fn set(&mut self, moment: civil::DateTime) {
        self.year = i32::from(moment.year());
        self.month = moment.month().unsigned_abs().into();
        self.day = moment.day().unsigned_abs().into();
        self.hour = moment.hour().unsigned_abs().into();
        self.minute = moment.minute().unsigned_abs().into();
        self.second = moment.second().unsigned_abs().into();
        self.nanosecond = moment.subsec_nanosecond().unsigned_abs();
    }

    /// Digits of the written value without punctuation and zone: `2014` has 4, `2014-01-05T10:30:00.000` has 17.
    pub fn digits(&self) -> i64 {
        let digits = match self.precision {
            Precision::Year => 4,
            Precision::Month => 6,
            Precision::Day => 8,
            Precision::Hour => 10,
            Precision::Minute => 12,
            Precision::Second => 14,
            Precision::Fraction(digits) => 14 + i64::from(digits),
        };
        if self.kind == Kind::Time {
            digits - 8
        } else {
            digits
        }
    }

    /// The earliest or latest value of so many digits (see [`Temporal::digits`]) that this may stand for; `None` if
    /// the kind has no such precision. A dateTime without zone gets `+14:00` or `-12:00`.
    pub fn boundary(&self, high: bool, digits: i64) -> Option<Temporal> {
        let digits = if self.kind == Kind::Time {
            digits + 8
        } else {
            digits
        };
        let precision = match (digits, self.kind) {
            (4, Kind::Date | Kind::DateTime) => Precision::Year,
            (6, Kind::Date | Kind::DateTime) => Precision::Month,
            (8, Kind::Date | Kind::DateTime) => Precision::Day,
            (10, Kind::DateTime | Kind::Time) => Precision::Hour,
            (12, Kind::DateTime | Kind::Time) => Precision::Minute,
            (14, Kind::DateTime | Kind::Time) => Precision::Second,
            (17, Kind::DateTime | Kind::Time) => Precision::Fraction(3),
            _ => return None,
        };
        let mut boundary = if high { self.filled() } else { *self };
        if self.kind == Kind::DateTime && self.offset.is_none() && precision >= Precision::Hour {
            boundary.offset = Some(if high { -12 * 60 } else { 14 * 60 });
        }
        Some(boundary.cut(precision))
    }

    /// The same with fields beyond the precision at their highest.
    fn filled(mut self) -> Self {
        if self.precision < Precision::Month {
            self.month = 12;
        }
        if self.precision < Precision::Day {
            self.day = days_in_month(self.year, self.month);
        }
        if self.precision < Precision::Hour {
            self.hour = 23;
        }
        if self.precision < Precision::Minute {
            self.minute = 59;
        }
        if self.precision < Precision::Second {
            self.second = 59;
        }
        if self.precision <= Precision::Second {
            self.nanosecond = 999_000_000;
        }
        self
    }
}

impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != Kind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.precision < Precision::Hour {
                return Ok(());
            }
            f.write_str("T")?;
        }
        write!(f, "{:02}", self.hour)?;
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if let Precision::Fraction(digits) = self.precision {
            let nanoseconds = format!("{:09}", self.nanosecond);
            write!(f, ".{}", &nanoseconds[..usize::from(digits.min(9))])?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
