//! Dates as they stand in a search, <http://hl7.org/fhir/R4/search.html#date>: any precision from year to fraction.
//! Not an interval of instants: what a missing zone means is for the reader to decide.

/// A date of partial precision: `2013`, `2013-01`, `2013-01-14`, `2013-01-14T10:00`, with seconds, fraction and zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialDate {
    /// 1 to 9999.
    pub year: i16,
    /// 1 to 12.
    pub month: Option<i8>,
    /// 1 to 31, a day that the month has.
    pub day: Option<i8>,
    /// Only with a day.
    pub time: Option<TimeOfDay>,
    /// Minutes east of UTC, −840 to 840, if written; only with a time.
    pub zone: Option<i32>,
}

/// A time to the minute or finer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
    /// 0 to 60 (a leap second).
    pub second: Option<i8>,
    /// Digits after the point, as written; only with a second.
    pub fraction: String,
}

const NOT_A_DATE: &str =
    "is not a date (YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.fff]][Z|±hh:mm])";

impl PartialDate {
    /// Reads a date, dateTime or instant; minutes without seconds are allowed, as in a search.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year: i16 = digits(parts.next(), 4).ok_or(NOT_A_DATE)?;
        let month = optional(parts.next())?;
        let day = optional(parts.next())?;
        if parts.next().is_some() {
            return Err(NOT_A_DATE.to_owned());
        }
        if jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).is_err() || year == 0
        {
            return Err("is a day that no calendar has".to_owned());
        }
        let (time, zone) = match (time, day) {
            (None, _) => (None, None),
            (Some(_), None) => return Err(NOT_A_DATE.to_owned()),
            (Some(time), Some(_)) => {
                let (time, zone) = split_zone(time)?;
                (Some(time_of_day(time)?), zone)
            }
        };
        Ok(PartialDate {
            year,
            month,
            day,
            time,
            zone,
        })
    }
}

fn optional(part: Option<&str>) -> Result<Option<i8>, String> {
    part.map(|part| digits(Some(part), 2).ok_or(NOT_A_DATE.to_owned()))
        .transpose()
}

/// A number of exactly so many ASCII digits.
fn digits<T: std::str::FromStr>(text: Option<&str>, length: usize) -> Option<T> {
    let text = text?;
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn split_zone(time: &str) -> Result<(&str, Option<i32>), String> {
    if let Some(time) = time.strip_suffix('Z') {
        return Ok((time, Some(0)));
    }
    let Some(position) = time.find(['+', '-']) else {
        return Ok((time, None));
    };
    let (time, zone) = time.split_at(position);
    let (hours, minutes) = zone[1..].split_once(':').ok_or(NOT_A_DATE)?;
    let hours: i32 = digits(Some(hours), 2).ok_or(NOT_A_DATE)?;
    let minutes: i32 = digits(Some(minutes), 2).ok_or(NOT_A_DATE)?;
    let offset = hours * 60 + minutes;
    if minutes > 59 || offset > 14 * 60 {
        return Err("has a zone that no place has".to_owned());
    }
    Ok((
        time,
        Some(if zone.starts_with('-') {
            -offset
        } else {
            offset
        }),
    ))
}

fn time_of_day(text: &str) -> Result<TimeOfDay, String> {
    let mut parts = text.split(':');
    let hour: i8 = digits(parts.next(), 2).ok_or(NOT_A_DATE)?;
    let minute: i8 = digits(parts.next(), 2).ok_or(NOT_A_DATE)?;
    let (second, fraction) = match parts.next() {
        None => (None, ""),
        Some(second) => match second.split_once('.') {
            None => (Some(second), ""),
            Some((_, "")) => return Err(NOT_A_DATE.to_owned()),
            Some((second, fraction)) => (Some(second), fraction),
        },
    };
    let second = optional(second)?;
    let plain = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !plain {
        return Err(NOT_A_DATE.to_owned());
    }
    if hour > 23 || minute > 59 || second.is_some_and(|second| second > 60) {
        return Err("is a time that no day has".to_owned());
    }
    Ok(TimeOfDay {
        hour,
        minute,
        second,
        fraction: fraction.to_owned(),
    })
}
