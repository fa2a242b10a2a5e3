//! The lexical forms of `date`, `dateTime`, `instant` and `time`, and whether the day exists.
//! Not intervals or comparison: `fhir::datatype` has those.
//! <http://hl7.org/fhir/R4/datatypes.html#date>

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.len() {
        4 => year(bytes).is_some(),
        7 => year(bytes).is_some() && month(bytes).is_some(),
        10 => is_full_date(bytes),
        _ => false,
    }
}

/// A date, or a full date with a time to the second and a zone.
pub(super) fn is_date_time(text: &str) -> bool {
    text.len() <= 10 && is_date(text) || is_instant(text)
}

/// `YYYY-MM-DDThh:mm:ss.sss+zz:zz`.
pub(super) fn is_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((date, rest)) = bytes.split_at_checked(10) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix(b"T") else {
        return false;
    };
    is_full_date(date) && time(rest).is_some_and(is_zone)
}

/// `hh:mm:ss` with an optional fraction and no zone.
pub(super) fn is_time(text: &str) -> bool {
    time(text.as_bytes()).is_some_and(<[u8]>::is_empty)
}

fn is_full_date(bytes: &[u8]) -> bool {
    let (Some(year), Some(month)) = (year(bytes), month(bytes)) else {
        return false;
    };
    bytes[7] == b'-'
        && two_digits(&bytes[8..]).is_some_and(|day| (1..=days(year, month)).contains(&day))
}

/// R4 has the years 0001 to 9999.
fn year(bytes: &[u8]) -> Option<u16> {
    let (century, rest) = (two_digits(bytes)?, two_digits(&bytes[2..])?);
    let year = u16::from(century) * 100 + u16::from(rest);
    (year > 0).then_some(year)
}

fn month(bytes: &[u8]) -> Option<u8> {
    let month = two_digits(bytes.get(5..)?)?;
    (bytes[4] == b'-' && (1..=12).contains(&month)).then_some(month)
}

fn days(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads `hh:mm:ss` and a fraction; gives what follows. 60 seconds are allowed for leap seconds, 24 hours are not.
fn time(bytes: &[u8]) -> Option<&[u8]> {
    let (clock, mut rest) = bytes.split_at_checked(8)?;
    let is_clock = two_digits(clock)? <= 23
        && clock[2] == b':'
        && two_digits(&clock[3..])? <= 59
        && clock[5] == b':'
        && two_digits(&clock[6..])? <= 60;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        rest = &fraction[digits..];
    }
    is_clock.then_some(rest)
}

/// `Z`, or `+hh:mm` and `-hh:mm` up to 14:00.
fn is_zone(bytes: &[u8]) -> bool {
    match bytes {
        b"Z" => true,
        [b'+' | b'-', hour_1, hour_2, b':', minute_1, minute_2] => {
            match (
                two_digits(&[*hour_1, *hour_2]),
                two_digits(&[*minute_1, *minute_2]),
            ) {
                (Some(hour), Some(minute)) => {
                    hour <= 13 && minute <= 59 || (hour, minute) == (14, 0)
                }
                _ => false,
            }
        }
        _ => false,
    }
}

fn two_digits(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_three_precisions_and_exist_in_the_calendar() {
        for text in [
            "2024",
            "2024-02",
            "2024-02-29",
            "0001",
            "9999-12-31",
            "2000-02-29",
        ] {
            assert!(is_date(text), "{text}");
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "",
            "24",
            "0000",
            "2024-13",
            "2024-00",
            "2024-2",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-01-00",
            "2024-01-32",
            "2024/01/01",
            "2024-01-01 ",
            "2024-01-01Z",
            "20240101",
            "2024-1-011",
            "２０24",
        ] {
            assert!(!is_date(text), "{text}");
            assert!(!is_date_time(text), "{text}");
        }
    }

    #[test]
    fn instants_have_seconds_and_a_zone() {
        for text in [
            "2024-02-29T00:00:00Z",
            "2024-12-31T23:59:60Z",
            "2024-01-01T12:30:15.123456789+14:00",
            "2024-01-01T12:30:15-03:30",
            "2024-01-01T12:30:15.1-00:00",
        ] {
            assert!(is_instant(text), "{text}");
            assert!(is_date_time(text), "{text}");
        }
        for text in [
            "2024-01-01T12:30Z",
            "2024-01-01T12:30:15",
            "2024-01-01T24:00:00Z",
            "2024-01-01T12:60:00Z",
            "2024-01-01T12:30:61Z",
            "2024-01-01T12:30:15.Z",
            "2024-01-01T12:30:15+14:01",
            "2024-01-01T12:30:15+1400",
            "2024-01-01t12:30:15z",
            "2023-02-29T12:30:15Z",
            "2024-01-01T12:30:15ZZ",
            "2024-01T12:30:15Z",
            "2024-01-01T",
        ] {
            assert!(!is_instant(text), "{text}");
            assert!(!is_date_time(text), "{text}");
        }
        assert!(!is_instant("2024-01-01"));
    }

    #[test]
    fn times_have_seconds_and_no_zone() {
        for text in ["00:00:00", "23:59:60", "12:30:15.5"] {
            assert!(is_time(text), "{text}");
        }
        for text in ["", "12:30", "24:00:00", "12:30:15Z", "12:30:15.", "1:30:15"] {
            assert!(!is_time(text), "{text}");
        }
    }
}
