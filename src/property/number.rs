//! Comparing the text of JSON numbers without floats: same value, same precision. Not arithmetic.

/// Digits longer than this are compared as text only.
const MAX_DIGITS: usize = 400;

/// A number text taken apart: value is `digits` times ten to the minus `scale`.
struct Parts {
    negative: bool,
    digits: String,
    scale: i64,
}

fn parts(text: &str) -> Option<Parts> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches(['-', '+']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits.len() <= MAX_DIGITS).then(|| Parts {
        negative,
        digits,
        scale: fraction.len() as i64 - exponent,
    })
}

/// True if two number texts denote the same value (`1.0` and `1`, `1e2` and `100`).
pub fn same_value(left: &str, right: &str) -> bool {
    match (parts(left), parts(right)) {
        (Some(left), Some(right)) => normal(&left) == normal(&right),
        _ => left == right,
    }
}

/// True if two number texts denote the same value to the same last digit. An exponent may be written out:
/// `1.2E2` against `120` is a change of spelling that R4's `decimal` does not rule out.
pub fn same_precision(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let (Some(one), Some(other)) = (parts(left), parts(right)) else {
        return false;
    };
    let spelled_out = left.contains(['e', 'E']) != right.contains(['e', 'E']);
    normal(&one) == normal(&other) && (one.scale == other.scale || spelled_out)
}

/// Sign, digits without zeros at either end, and scale of the last digit kept; zero has no sign.
fn normal(parts: &Parts) -> (bool, String, i64) {
    let kept = parts.digits.trim_end_matches('0');
    let scale = parts.scale - (parts.digits.len() - kept.len()) as i64;
    let digits = kept.trim_start_matches('0');
    if digits.is_empty() {
        return (false, String::new(), 0);
    }
    (parts.negative, digits.to_owned(), scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_exactly() {
        assert!(same_value("0.10", "0.1"));
        assert!(same_value("1.2E+2", "120"));
        assert!(same_value("-0.0", "0"));
        assert!(!same_value("12345678901234.5678", "12345678901234.568"));
        assert!(!same_value("1", "-1"));
    }

    #[test]
    fn precision_is_the_last_digit() {
        assert!(same_precision("0.10", "0.10"));
        assert!(!same_precision("0.10", "0.1"));
        assert!(!same_precision("1", "1.0"));
        assert!(same_precision("1e2", "100"));
        assert!(!same_precision("0.3", "0.30000000000000004"));
    }
}
