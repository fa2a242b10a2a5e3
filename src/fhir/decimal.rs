//! Exact decimals that remember how they were written: FHIR gives the digits of `0.010` a meaning that floats lose.
//! Not arithmetic: that is done on [`Decimal::value`].

use std::fmt;

/// Most digits that an exact value can have in every case; `rust_decimal` has 96 bits.
pub const DIGITS: usize = 28;

/// A decimal with its text: `0.010` and `0.01` are equal in value and differ in text.
///
/// `==` asks for both; compare [`Decimal::value`] for equality in value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    text: String,
    value: rust_decimal::Decimal,
    /// Power of ten of the last written digit: `100` has 0, `1.50` has -2, `1e2` has 2.
    unit: i32,
}

impl Decimal {
    /// Reads a JSON number's text, exponent included; `None` if it is none or beyond 28 digits.
    ///
    /// The grammar is that of <https://www.rfc-editor.org/rfc/rfc8259#section-6>, which is also that of the FHIR
    /// decimal: no plus sign, no leading zeros, digits on both sides of the point.
    pub fn parse(text: &str) -> Option<Self> {
        let number = Number::split(text)?;
        let unit = number
            .exponent
            .checked_sub(i32::try_from(number.fraction.len()).ok()?)?;
        Some(Decimal {
            text: text.to_owned(),
            value: number.value(unit)?,
            unit,
        })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Exact value.
    pub fn value(&self) -> rust_decimal::Decimal {
        self.value
    }

    /// Power of ten of the last written digit: `100` has 0, `1.50` has -2, `1e2` has 2.
    pub fn unit(&self) -> i32 {
        self.unit
    }

    /// Half of the unit of the last written digit: `100` is 99.5 to 100.5 (search.html#number), the end excluded.
    ///
    /// By the same rule `1e2` is 50 to 150, which other releases of FHIR say; the R4 text says 95 to 105 and
    /// calls that "1 significant figures precision". Whoever judges a server should leave what lies between the
    /// two open. With 28 digits behind the point half a unit cannot be written, and the range is the value itself.
    pub fn implicit_range(&self) -> (rust_decimal::Decimal, rust_decimal::Decimal) {
        let half = scaled(5, self.unit.saturating_sub(1)).unwrap_or_default();
        let clamp = |edge: Option<rust_decimal::Decimal>, limit| edge.unwrap_or(limit);
        (
            clamp(self.value.checked_sub(half), rust_decimal::Decimal::MIN),
            clamp(self.value.checked_add(half), rust_decimal::Decimal::MAX),
        )
    }
}

impl From<rust_decimal::Decimal> for Decimal {
    /// A computed value, written with as many digits as it has.
    fn from(value: rust_decimal::Decimal) -> Self {
        Decimal {
            text: value.to_string(),
            unit: -i32::try_from(value.scale()).expect("the scale is 28 at most"),
            value,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parts of a number's text.
struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Number<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
            None => (rest, 0),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_whole = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        (is_whole && is_digits(whole) && is_digits(fraction)).then_some(Number {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The value, if it has no more digits than can be kept exactly; `unit` is the power of ten of the last digit.
    fn value(&self, unit: i32) -> Option<rust_decimal::Decimal> {
        let digits = || self.whole.bytes().chain(self.fraction.bytes());
        let zeros = digits().rev().take_while(|digit| *digit == b'0').count();
        let written = self.whole.len() + self.fraction.len();
        if zeros == written {
            let scale = u32::try_from(unit.saturating_neg()).unwrap_or(0);
            return Some(rust_decimal::Decimal::new(0, scale.min(DIGITS as u32)));
        }
        // Zeros at the end are kept where they fit, since they are the precision, and dropped where they do not.
        exact(digits(), self.negative, unit).or_else(|| {
            let unit = unit.checked_add(i32::try_from(zeros).ok()?)?;
            exact(digits().take(written - zeros), self.negative, unit)
        })
    }
}

fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn exact(
    digits: impl Iterator<Item = u8>,
    negative: bool,
    unit: i32,
) -> Option<rust_decimal::Decimal> {
    let mut mantissa: i128 = 0;
    for digit in digits {
        mantissa = mantissa
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    scaled(if negative { -mantissa } else { mantissa }, unit)
}

/// `mantissa` times ten to the power of `unit`.
fn scaled(mantissa: i128, unit: i32) -> Option<rust_decimal::Decimal> {
    if unit <= 0 {
        let scale = unit.unsigned_abs();
        return rust_decimal::Decimal::try_from_i128_with_scale(mantissa, scale).ok();
    }
    let shifted = 10i128
        .checked_pow(unit.unsigned_abs())?
        .checked_mul(mantissa)?;
    rust_decimal::Decimal::try_from_i128_with_scale(shifted, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        Decimal::parse(text).unwrap().value().to_string()
    }

    fn range(text: &str) -> (String, String) {
        let (low, high) = Decimal::parse(text).unwrap().implicit_range();
        (low.normalize().to_string(), high.normalize().to_string())
    }

    #[test]
    fn text_and_scale_are_kept() {
        let decimal = Decimal::parse("185.100").unwrap();
        assert_eq!(decimal.text(), "185.100");
        assert_eq!(decimal.value().scale(), 3);
        assert_eq!(decimal.value().to_string(), "185.100");
        assert_ne!(decimal, Decimal::parse("185.1").unwrap());
        assert_eq!(decimal.value(), Decimal::parse("185.1").unwrap().value());
    }

    #[test]
    fn a_tenth_is_a_tenth() {
        let sum = Decimal::parse("0.1").unwrap().value() + Decimal::parse("0.2").unwrap().value();
        assert_eq!(sum, Decimal::parse("0.3").unwrap().value());
    }

    #[test]
    fn exponents_are_read_exactly() {
        assert_eq!(value("1.2E+2"), "120");
        assert_eq!(value("1.20e1"), "12.0");
        assert_eq!(value("-5e-3"), "-0.005");
        assert_eq!(value("0e5"), "0");
        assert_eq!(value("1e28"), "10000000000000000000000000000");
        assert_eq!(value("1e-28"), "0.0000000000000000000000000001");
    }

    #[test]
    fn digits_beyond_the_limit_are_refused_and_zeros_are_not_digits() {
        assert_eq!(
            value("1234567890123456789012345678"),
            "1234567890123456789012345678"
        );
        assert!(Decimal::parse("123456789012345678901234567890").is_none());
        assert!(Decimal::parse("0.00000000000000000000000000001").is_none());
        assert!(Decimal::parse("1e29").is_none());
        assert!(Decimal::parse("1e99999999999").is_none());
        assert_eq!(value("1.00000000000000000000000000000000"), "1");
        assert_eq!(value("0.000e-99"), "0.0000000000000000000000000000");
    }

    #[test]
    fn what_json_refuses_is_refused() {
        for text in [
            "", "-", ".5", "5.", "+1", "01", "1.2.3", "1e", "1e+", "0x1", " 1", "1 ", "NaN", "1_0",
            "--1",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_implicit_range_is_half_a_unit_of_the_last_digit() {
        assert_eq!(range("100"), ("99.5".into(), "100.5".into()));
        assert_eq!(range("100.00"), ("99.995".into(), "100.005".into()));
        assert_eq!(range("-5.4"), ("-5.45".into(), "-5.35".into()));
        assert_eq!(range("0"), ("-0.5".into(), "0.5".into()));
        assert_eq!(range("1e2"), ("50".into(), "150".into()));
        assert_eq!(range("1.00e2"), ("99.5".into(), "100.5".into()));
    }
}
