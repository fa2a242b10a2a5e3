//! Numbers with units as load suites write them: `99.9%`, `500ms`, `0.5`. Exact: no floating point.

use std::time::Duration;

/// Digits before the point that a number may have.
const MAX_DIGITS: usize = 12;

/// A decimal number times 10^`places`; `None` if it is none, is negative, or has more places.
pub(super) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !whole.is_empty() && is_digits(whole) && is_digits(fraction);
    let ends_in_point = text.ends_with('.');
    if !is_number || ends_in_point || whole.len() > MAX_DIGITS || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

/// `250us`, `500ms`, `1.5s`, `2m`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(split);
    let number = number.trim_end();
    let micros = match unit {
        "us" => decimal(number, 0)?,
        "ms" => decimal(number, 3)?,
        "s" => decimal(number, 6)?,
        "m" => decimal(number, 6)?.checked_mul(60)?,
        _ => return None,
    };
    Some(Duration::from_micros(micros))
}

/// `1%`, `0.01%` in millionths, up to 100 %.
pub(super) fn share(text: &str) -> Option<u32> {
    let ppm = decimal(text.strip_suffix('%')?.trim_end(), 4)?;
    u32::try_from(ppm).ok().filter(|ppm| *ppm <= 1_000_000)
}

/// A share in millionths as people write it: `0.2%`, `99.79%`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let whole = u128::from(whole.max(1));
    let hundredths = (u128::from(part) * 10_000 + whole / 2) / whole;
    let (units, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => format!("{units}%"),
        rest if rest % 10 == 0 => format!("{units}.{}%", rest / 10),
        rest => format!("{units}.{rest:02}%"),
    }
}

/// A latency in microseconds as people read it: `850us`, `12ms`, `1.31s`.
pub(super) fn latency(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros}us"),
        1_000..10_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        10_000..1_000_000 => format!("{}ms", micros / 1_000),
        _ => format!("{}.{:02}s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(time("2m"), Some(Duration::from_secs(120)));
        assert_eq!(time("250us"), Some(Duration::from_micros(250)));
        for wrong in ["", "10", "s", "-1s", "1.s", "1h", "1e3s", "1.2.3s"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn shares_are_exact() {
        assert_eq!(share("1%"), Some(10_000));
        assert_eq!(share("0.01%"), Some(100));
        assert_eq!(share("100%"), Some(1_000_000));
        for wrong in ["1", "%", "100.1%", "0.00001%", "-1%"] {
            assert_eq!(share(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn shares_and_latencies_are_short() {
        assert_eq!(percent(25, 12_000), "0.21%");
        assert_eq!(percent(1, 5), "20%");
        assert_eq!(percent(1, 8), "12.5%");
        assert_eq!(latency(999), "999us");
        assert_eq!(latency(8_450), "8.4ms");
        assert_eq!(latency(187_200), "187ms");
        assert_eq!(latency(1_310_000), "1.31s");
    }
}
