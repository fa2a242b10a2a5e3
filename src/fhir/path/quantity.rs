//! Quantities: units that can be compared without a table of units. Conversion between other units is not done;
//! what would need it is empty.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::Value;

use super::temporal::Precision;
use super::unit;
use super::value::Text;
use crate::fhir::decimal;

/// A value with a unit: a UCUM code, a calendar word (`days`), or `1`.
#[derive(Debug, Clone)]
pub(super) struct Quantity<'a> {
    pub value: Decimal,
    pub unit: Text<'a>,
}

/// Calendar units of date arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CalendarUnit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

const UCUM: &str = "http://unitsofmeasure.org";

/// Calendar words, singular and plural, <http://hl7.org/fhirpath/#time-valued-quantities>.
const CALENDAR: &[(&str, CalendarUnit)] = &[
    ("year", CalendarUnit::Year),
    ("years", CalendarUnit::Year),
    ("month", CalendarUnit::Month),
    ("months", CalendarUnit::Month),
    ("week", CalendarUnit::Week),
    ("weeks", CalendarUnit::Week),
    ("day", CalendarUnit::Day),
    ("days", CalendarUnit::Day),
    ("hour", CalendarUnit::Hour),
    ("hours", CalendarUnit::Hour),
    ("minute", CalendarUnit::Minute),
    ("minutes", CalendarUnit::Minute),
    ("second", CalendarUnit::Second),
    ("seconds", CalendarUnit::Second),
    ("millisecond", CalendarUnit::Millisecond),
    ("milliseconds", CalendarUnit::Millisecond),
];

/// UCUM codes that mean the same as a calendar unit; `a` and `mo` are of another length.
const DEFINITE: &[(&str, CalendarUnit)] = &[
    ("wk", CalendarUnit::Week),
    ("d", CalendarUnit::Day),
    ("h", CalendarUnit::Hour),
    ("min", CalendarUnit::Minute),
    ("s", CalendarUnit::Second),
    ("ms", CalendarUnit::Millisecond),
];

/// True for `day`, `days` and their like.
pub(super) fn is_calendar_word(word: &str) -> bool {
    CALENDAR.iter().any(|(known, _)| *known == word)
}

impl CalendarUnit {
    /// The unit that a quantity adds to a date, if it does.
    pub fn of(unit: &str) -> Option<Self> {
        let mut known = CALENDAR.iter().chain(DEFINITE);
        known.find(|(word, _)| *word == unit).map(|(_, unit)| *unit)
    }

    /// Length in milliseconds where it is always the same.
    fn milliseconds(self) -> Option<i64> {
        Some(match self {
            CalendarUnit::Year | CalendarUnit::Month => return None,
            CalendarUnit::Week => 7 * 86_400_000,
            CalendarUnit::Day => 86_400_000,
            CalendarUnit::Hour => 3_600_000,
            CalendarUnit::Minute => 60_000,
            CalendarUnit::Second => 1_000,
            CalendarUnit::Millisecond => 1,
        })
    }

    /// An amount in a unit that the precision has: hours on a date become whole days, days on a month whole months.
    /// `None` beyond 28 digits.
    pub fn coarsened(
        self,
        amount: Decimal,
        precision: Precision,
    ) -> Option<(Decimal, CalendarUnit)> {
        if precision >= Precision::Hour
            || (precision == Precision::Month && self == CalendarUnit::Year)
        {
            return Some((amount, self));
        }
        let Some(length) = self.milliseconds() else {
            return Some(self.months_or_years(amount, precision));
        };
        let milliseconds = amount.checked_mul(Decimal::from(length))?;
        let days = (milliseconds / Decimal::from(86_400_000)).trunc();
        Some(match precision {
            Precision::Year => ((days / Decimal::from(365)).trunc(), CalendarUnit::Year),
            Precision::Month => ((days / Decimal::from(30)).trunc(), CalendarUnit::Month),
            _ => (days, CalendarUnit::Day),
        })
    }

    fn months_or_years(self, amount: Decimal, precision: Precision) -> (Decimal, CalendarUnit) {
        if self == CalendarUnit::Month && precision == Precision::Year {
            return ((amount / Decimal::from(12)).trunc(), CalendarUnit::Year);
        }
        (amount, self)
    }
}

impl<'a> Quantity<'a> {
    /// A FHIR Quantity by its UCUM code, or by its unit's text if it has neither system nor code. A quantity in
    /// another system is not comparable.
    pub fn of(value: &'a Value) -> Option<Self> {
        let member = |name: &str| value.get(name).and_then(Value::as_str);
        let number = match value.get("value")? {
            Value::Number(number) => decimal::Decimal::parse(number.as_str())?.value(),
            _ => return None,
        };
        let unit = match (member("system"), member("code")) {
            (Some(UCUM), Some(code)) => code,
            (None, None) => member("unit").unwrap_or("1"),
            _ => return None,
        };
        Some(Quantity {
            value: number,
            unit: Text::Borrowed(unit),
        })
    }

    /// A number without unit.
    pub fn plain(value: Decimal) -> Self {
        Quantity {
            value,
            unit: Text::Borrowed("1"),
        }
    }

    /// Reads `1`, `1 day`, `1 'mg'`.
    pub fn parse(text: &str) -> Option<Quantity<'static>> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let length = unsigned
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let sign = if text.starts_with('-') { "-" } else { "" };
        let value = decimal::Decimal::parse(&format!("{sign}{}", &unsigned[..length]))?.value();
        let unit = unsigned[length..].trim();
        let quoted = unit
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        let unit = match quoted {
            Some(code) if !code.is_empty() && !code.contains('\'') => code,
            None if unit.is_empty() => "1",
            None if is_calendar_word(unit) => unit,
            _ => return None,
        };
        Some(Quantity {
            value,
            unit: Text::from(unit.to_owned()),
        })
    }

    /// Order in value; `None` if the units differ and are not fixed lengths of time, or years and months.
    pub fn compare(&self, other: &Quantity<'_>) -> Option<Ordering> {
        if *self.unit == *other.unit {
            return Some(self.value.cmp(&other.value));
        }
        let (factor, other_factor) = factors(&self.unit, &other.unit)?;
        let left = unit::product(self.value, factor)?;
        Some(left.cmp(&unit::product(other.value, other_factor)?))
    }

    /// Both values in the coarser of the two units, for `~`; not exact beyond 28 digits.
    pub fn in_one_unit(&self, other: &Quantity<'_>) -> Option<(Decimal, Decimal)> {
        let (factor, other_factor) = factors(&self.unit, &other.unit)?;
        let coarser = factor.max(other_factor);
        let convert = |value: Decimal, factor| value.checked_mul(factor)?.checked_div(coarser);
        Some((
            convert(self.value, factor)?,
            convert(other.value, other_factor)?,
        ))
    }

    /// True if the two have an order whatever their values are.
    pub fn is_comparable(&self, other: &Quantity<'_>) -> bool {
        *self.unit == *other.unit || factors(&self.unit, &other.unit).is_some()
    }

    /// `1 'wk'`, `1 week`.
    pub fn written(&self) -> String {
        match is_calendar_word(&self.unit) {
            true => format!("{} {}", self.value, &*self.unit),
            false => format!("{} '{}'", self.value, &*self.unit),
        }
    }
}

/// What to multiply two amounts with to have them in one unit of time.
fn factors(unit: &str, other: &str) -> Option<(Decimal, Decimal)> {
    if let Some(factors) = unit::factors(unit, other) {
        return Some(factors);
    }
    let (left, right) = (CalendarUnit::of(unit)?, CalendarUnit::of(other)?);
    let factor = |unit: CalendarUnit| match unit {
        CalendarUnit::Year => Some((12, true)),
        CalendarUnit::Month => Some((1, true)),
        _ => unit.milliseconds().map(|length| (length, false)),
    };
    let ((left, left_months), (right, right_months)) = (factor(left)?, factor(right)?);
    (left_months == right_months).then(|| (Decimal::from(left), Decimal::from(right)))
}
