//! UCUM units that convert exactly, <https://ucum.org/ucum>: a table of common units, with their prefixes written out.
//! Not a parser of UCUM: a unit that is not in the table is comparable with itself only.

use rust_decimal::Decimal;

/// Code, dimension, and the length in the dimension's base as mantissa and decimal places.
const UNITS: &[(&str, char, i64, u32)] = &[
    ("kg", 'M', 1000, 0),
    ("g", 'M', 1, 0),
    ("mg", 'M', 1, 3),
    ("ug", 'M', 1, 6),
    ("ng", 'M', 1, 9),
    ("pg", 'M', 1, 12),
    ("[lb_av]", 'M', 45_359_237, 5),
    ("[oz_av]", 'M', 28_349_523_125, 9),
    ("km", 'L', 1000, 0),
    ("m", 'L', 1, 0),
    ("cm", 'L', 1, 2),
    ("mm", 'L', 1, 3),
    ("um", 'L', 1, 6),
    ("nm", 'L', 1, 9),
    ("[in_i]", 'L', 254, 4),
    ("[ft_i]", 'L', 3048, 4),
    ("[mi_i]", 'L', 1_609_344, 3),
    ("L", 'V', 1, 0),
    ("l", 'V', 1, 0),
    ("dL", 'V', 1, 1),
    ("dl", 'V', 1, 1),
    ("mL", 'V', 1, 3),
    ("ml", 'V', 1, 3),
    ("uL", 'V', 1, 6),
    ("ul", 'V', 1, 6),
    ("d", 'T', 86_400, 0),
    ("wk", 'T', 604_800, 0),
    ("h", 'T', 3600, 0),
    ("min", 'T', 60, 0),
    ("s", 'T', 1, 0),
    ("ms", 'T', 1, 3),
    ("mol", 'N', 1, 0),
    ("mmol", 'N', 1, 3),
    ("umol", 'N', 1, 6),
    ("nmol", 'N', 1, 9),
    ("kPa", 'P', 1000, 0),
    ("Pa", 'P', 1, 0),
    ("mm[Hg]", 'P', 133_322, 3),
    ("mol/L", 'C', 1, 0),
    ("mmol/L", 'C', 1, 3),
    ("umol/L", 'C', 1, 6),
    ("nmol/L", 'C', 1, 9),
    ("g/L", 'D', 1, 0),
    ("mg/L", 'D', 1, 3),
    ("g/dL", 'D', 10, 0),
    ("mg/dL", 'D', 1, 2),
    ("mg/mL", 'D', 1, 0),
    ("ug/mL", 'D', 1, 3),
    ("ug/L", 'D', 1, 6),
    ("ng/mL", 'D', 1, 6),
];

/// What to multiply two amounts with to have them in one unit; `None` if the table does not have both, or they
/// measure different things.
pub(super) fn factors(unit: &str, other: &str) -> Option<(Decimal, Decimal)> {
    let find = |code: &str| UNITS.iter().find(|(known, ..)| *known == code);
    let (left, right) = (find(unit)?, find(other)?);
    let factor = |row: &(&str, char, i64, u32)| Decimal::new(row.2, row.3);
    (left.1 == right.1).then(|| (factor(left), factor(right)))
}

/// The product, if it has no more digits than can be kept.
pub(super) fn product(value: Decimal, factor: Decimal) -> Option<Decimal> {
    let (value, factor) = (value.normalize(), factor.normalize());
    let product = value.checked_mul(factor)?;
    (value.is_zero() || product.scale() == value.scale() + factor.scale()).then_some(product)
}
