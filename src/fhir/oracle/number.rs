//! Number parameters and the values of quantities, <http://hl7.org/fhir/R4/search.html#number>.
//! Not units: see `quantity`.

use serde_json::Value;

use super::Match;
use super::extract::Node;
use crate::fhir::decimal::Decimal;
use crate::fhir::query::{NumberValue, Prefix};

type Exact = rust_decimal::Decimal;

/// Whether a node matches one alternative.
pub(super) fn judge(node: &Node<'_>, query: &NumberValue) -> Match {
    match node.type_name {
        "integer" | "positiveInt" | "unsignedInt" => match node.value.as_deref() {
            Some(value) => compared(value, Extent::Point, query.prefix, &query.number),
            None => Match::No,
        },
        "decimal" => match node.value.as_deref() {
            Some(value) => compare(value, query.prefix, &query.number),
            None => Match::No,
        },
        other => Match::open(format!("a number parameter on {other} is not defined")),
    }
}

/// What a stored number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Itself: of integers R4 says that the significance issues cancel out.
    Point,
    /// Itself, or all that its digits leave open: R4 has both readings, see [`equal`].
    Digits,
}

/// Compares a stored decimal with the number of a query.
pub(super) fn compare(stored: &Value, prefix: Prefix, number: &str) -> Match {
    compared(stored, Extent::Digits, prefix, number)
}

fn compared(stored: &Value, extent: Extent, prefix: Prefix, number: &str) -> Match {
    let Value::Number(text) = stored else {
        return Match::open("the value is not a number");
    };
    let (Some(stored), Some(asked)) = (Decimal::parse(&text.to_string()), Decimal::parse(number))
    else {
        return Match::open("a number has more digits than can be compared exactly");
    };
    let (known, exact) = (stored.value(), asked.value());
    match prefix {
        Prefix::Eq => equal(&stored, extent, &asked),
        Prefix::Ne => equal(&stored, extent, &asked).negated(),
        Prefix::Ap => match equal(&stored, extent, &asked) {
            Match::Yes => Match::Yes,
            _ => Match::open("how near is approximate, the server decides"),
        },
        // The implicit precision counts for equality alone: "less than exactly 100".
        Prefix::Lt => Match::from(known < exact),
        Prefix::Le => Match::from(known <= exact),
        Prefix::Gt => Match::from(known > exact),
        Prefix::Ge => Match::from(known >= exact),
        Prefix::Sa => Match::agreed(
            [
                known > exact,
                stored.implicit_range().0 >= asked.implicit_range().1,
            ],
            "the ranges of both numbers overlap",
        ),
        Prefix::Eb => Match::agreed(
            [
                known < exact,
                stored.implicit_range().1 <= asked.implicit_range().0,
            ],
            "the ranges of both numbers overlap",
        ),
    }
}

/// Whether a stored number lies within the range of the one that is asked for. R4 says it twice: "values in the range
/// [99.5 ... 100.5)" of `100` (search.html#number), and "the range of the search value fully contains the range of the
/// target value", of which "the number 2.0 has an implicit range of 1.95 to 2.05" (search.html#prefix). By the first
/// 99.5 is found by `100`, by the second it is not; what they do not agree on is open.
fn equal(stored: &Decimal, extent: Extent, asked: &Decimal) -> Match {
    let known = stored.value();
    let as_points = ranges(asked)
        .into_iter()
        .map(|(low, high)| low <= known && known < high);
    let as_range = (extent == Extent::Digits).then(|| {
        let ((from, to), (low, high)) = (stored.implicit_range(), asked.implicit_range());
        low <= from && to <= high
    });
    Match::agreed(
        as_points.chain(as_range),
        "R4 gives numbers with an exponent two precisions, and stored ones a range or none",
    )
}

/// The ranges that a number of a query may stand for: one, but for numbers with an exponent. There the examples of R4
/// (`1e2` is 95 to 105, `5.40e-3` is ±0.00005) fit no single rule.
fn ranges(asked: &Decimal) -> Vec<(Exact, Exact)> {
    let range = asked.implicit_range();
    if !asked.text().contains(['e', 'E']) {
        return vec![range];
    }
    let half = range.1 - asked.value();
    let factors = [Exact::new(1, 1), Exact::ONE, Exact::TEN];
    factors
        .into_iter()
        .filter_map(|factor| half.checked_mul(factor))
        .filter_map(|half| {
            Some((
                asked.value().checked_sub(half)?,
                asked.value().checked_add(half)?,
            ))
        })
        .collect()
}
