//! Other forms of a search value: a month of a day, a code without its system, other letters, another zone. So that a
//! case can relate searches by values that only the execution knows. Text to text; what the forms must match is said
//! by the properties.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::fhir::datatype::days_in_month;

/// A form of a value. A value that has no such form gives none, and the search is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The code of `system|code`, whatever the system.
    Code,
    /// `|code`: the code without a system.
    Bare,
    /// `system|`: any code of the system.
    System,
    /// The year of a date.
    Year,
    /// The month of a date.
    Month,
    /// The twelve months of a date's year, as alternatives.
    Months,
    /// The first day of a date's month.
    FirstDay,
    /// The last day of a date's month.
    LastDay,
    /// Noon UTC of a day, in the zone that is so many minutes ahead of UTC.
    Noon(i16),
    /// The day so many days later, for days in the first 28 of a month it stays in the month.
    Later(u8),
    /// Capital letters.
    Upper,
    /// Small letters.
    Lower,
    /// Without accents and other combining characters.
    Plain,
    /// The first so many letters.
    Start(u8),
    /// The number of `number|system|code`.
    Number,
    /// `number||code` of `number|system|code`.
    AnySystem,
    /// A number with one more zero behind the point: the same value, more precise.
    Finer,
    /// A number in exponential notation with the same digits.
    Exponent,
}

impl Form {
    /// The value in this form.
    pub fn of(self, value: &str) -> Option<String> {
        match self {
            Form::Code => code_of(value).map(str::to_owned),
            Form::Bare => Some(format!("|{}", code_of(value).unwrap_or(value))),
            Form::System => Some(format!("{}|", split(value)?.0)),
            Form::Year => Some(date(value)?.0.to_owned()),
            Form::Month => month(value),
            Form::Months => {
                let year = date(value)?.0;
                let months: Vec<String> =
                    (1..=12).map(|month| format!("{year}-{month:02}")).collect();
                Some(months.join(","))
            }
            Form::FirstDay => Some(format!("{}-01", month(value)?)),
            Form::LastDay => {
                let (year, rest) = date(value)?;
                let number: u32 = rest.get(1..3)?.parse().ok()?;
                let last = days_in_month(year.parse().ok()?, number);
                Some(format!("{}-{last:02}", month(value)?))
            }
            Form::Noon(zone) => noon(value, zone),
            Form::Later(days) => {
                let number: u8 = day(value)?.get(8..10)?.parse().ok()?;
                let later = number.checked_add(days).filter(|later| *later <= 28)?;
                Some(format!("{}-{later:02}", month(value)?))
            }
            Form::Upper => changed(value, value.to_uppercase()),
            Form::Lower => changed(value, value.to_lowercase()),
            Form::Plain => {
                let base = value.nfd().filter(|letter| !is_combining_mark(*letter));
                changed(value, base.nfc().collect())
            }
            Form::Start(letters) => {
                let start: String = value.chars().take(usize::from(letters)).collect();
                (!start.is_empty()).then_some(start)
            }
            Form::Number => Some(value.split('|').next()?.to_owned()),
            Form::AnySystem => {
                let (number, unit) = value.split_once('|')?;
                let (_, code) = unit.split_once('|').filter(|(_, code)| !code.is_empty())?;
                Some(format!("{number}||{code}"))
            }
            Form::Finer => {
                let point = if value.contains('.') { "" } else { "." };
                plain_number(value).map(|number| format!("{number}{point}0"))
            }
            Form::Exponent => exponent(plain_number(value)?),
        }
    }
}

/// A form that is no other than the value says nothing.
fn changed(value: &str, other: String) -> Option<String> {
    (other != value).then_some(other)
}

/// System and code of `system|code` with neither of them empty; separators in either are escaped.
fn split(value: &str) -> Option<(&str, &str)> {
    let (system, code) = value.rsplit_once('|')?;
    let whole = !system.is_empty() && !code.is_empty() && !system.ends_with('\\');
    whole.then_some((system, code))
}

fn code_of(value: &str) -> Option<&str> {
    split(value).map(|(_, code)| code)
}

/// Year and rest of a date.
fn date(value: &str) -> Option<(&str, &str)> {
    let (year, rest) = value.split_at_checked(4)?;
    let is_year = year.bytes().all(|digit| digit.is_ascii_digit());
    (is_year && (rest.is_empty() || rest.starts_with('-'))).then_some((year, rest))
}

fn month(value: &str) -> Option<String> {
    let (year, rest) = date(value)?;
    Some(format!("{year}{}", rest.get(..3)?))
}

fn day(value: &str) -> Option<&str> {
    date(value)?;
    value.get(..10)
}

/// Noon UTC of a day in a zone; zones that make another day of it give none.
fn noon(value: &str, zone: i16) -> Option<String> {
    let day = day(value)?;
    let minutes = 12 * 60 + i32::from(zone);
    if !(0..24 * 60).contains(&minutes) {
        return None;
    }
    let (hour, minute) = (minutes / 60, minutes % 60);
    let sign = if zone < 0 { '-' } else { '+' };
    let ahead = zone.unsigned_abs();
    let offset = match ahead {
        0 => "Z".to_owned(),
        _ => format!("{sign}{:02}:{:02}", ahead / 60, ahead % 60),
    };
    Some(format!("{day}T{hour:02}:{minute:02}:00{offset}"))
}

/// A number without exponent.
fn plain_number(value: &str) -> Option<&str> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let plain = !digits.is_empty()
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1;
    plain.then_some(value)
}

/// `100` is `1.00e2`: the digits stay, so the precision does.
fn exponent(number: &str) -> Option<String> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.starts_with('0') || whole.len() < 2 {
        return None;
    }
    let (first, rest) = whole.split_at(1);
    Some(format!("{sign}{first}.{rest}{fraction}e{}", rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(form: Form, value: &str) -> String {
        form.of(value).unwrap_or_else(|| "none".to_owned())
    }

    #[test]
    fn tokens_lose_their_system_or_their_code() {
        assert_eq!(form(Form::Code, "http://loinc.org|8867-4"), "8867-4");
        assert_eq!(
            form(Form::System, "http://loinc.org|8867-4"),
            "http://loinc.org|"
        );
        assert_eq!(form(Form::Bare, "http://loinc.org|8867-4"), "|8867-4");
        assert_eq!(form(Form::Bare, "final"), "|final");
        assert_eq!(form(Form::Code, "a\\|b"), "none");
    }

    #[test]
    fn dates_become_wider_and_instants() {
        assert_eq!(form(Form::Year, "1980-02-29"), "1980");
        assert_eq!(form(Form::Month, "1980-02-29"), "1980-02");
        assert_eq!(form(Form::Month, "1980"), "none");
        assert_eq!(form(Form::FirstDay, "1980-02"), "1980-02-01");
        assert_eq!(form(Form::LastDay, "1980-02-03"), "1980-02-29");
        assert_eq!(form(Form::Later(2), "1980-02-03"), "1980-02-05");
        assert_eq!(form(Form::Later(2), "1980-02-28"), "none");
        assert!(form(Form::Months, "1980").ends_with("1980-11,1980-12"));
        assert_eq!(form(Form::Noon(0), "2021-06-01"), "2021-06-01T12:00:00Z");
        assert_eq!(
            form(Form::Noon(330), "2021-06-01"),
            "2021-06-01T17:30:00+05:30"
        );
        assert_eq!(
            form(Form::Noon(-300), "2021-06-01"),
            "2021-06-01T07:00:00-05:00"
        );
        assert_eq!(form(Form::Noon(720), "2021-06-01"), "none");
    }

    #[test]
    fn letters_change_or_there_is_no_such_form() {
        assert_eq!(form(Form::Upper, "Ansel"), "ANSEL");
        assert_eq!(form(Form::Plain, "Änsel"), "Ansel");
        assert_eq!(form(Form::Plain, "Ansel"), "none");
        assert_eq!(form(Form::Start(3), "Änsel"), "Äns");
    }

    #[test]
    fn numbers_keep_their_value() {
        let mass = "5.4|http://unitsofmeasure.org|mg";
        assert_eq!(form(Form::Number, mass), "5.4");
        assert_eq!(form(Form::AnySystem, mass), "5.4||mg");
        assert_eq!(form(Form::Finer, "5.4"), "5.40");
        assert_eq!(form(Form::Finer, "100"), "100.0");
        assert_eq!(form(Form::Exponent, "100"), "1.00e2");
        assert_eq!(form(Form::Exponent, "-99.6"), "-9.96e1");
        assert_eq!(form(Form::Exponent, "0.4"), "none");
    }
}
