//! The range that a value of limited precision stands for, <http://hl7.org/fhirpath/#lowboundaryprecision-integer>.

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::ast::Call;
use super::super::compare::Scalar;
use super::super::evaluate::{Evaluator, error, single};
use super::super::temporal::Kind;
use super::super::value::{Collection, Outcome, Val};

/// Places of a decimal boundary if none are asked for.
const DECIMAL_PLACES: i64 = 8;
/// More places than exact decimals have.
const MOST_PLACES: i64 = 28;

pub(super) fn low<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    boundary(evaluator, input, call, false)
}

pub(super) fn high<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    boundary(evaluator, input, call, true)
}

fn boundary<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    high: bool,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    let places = evaluator.integer_argument(call, 0)?;
    let Some(item) = item.filter(|item| !item.is_without_value()) else {
        return Ok(Vec::new());
    };
    let boundary = match evaluator.scalar(&item) {
        Scalar::Number(number) => of_decimal(number.decimal(), places, high).map(Val::Decimal),
        Scalar::Quantity(quantity) => of_decimal(quantity.value, places, high)
            .map(|value| Val::quantity(value, quantity.unit)),
        Scalar::Temporal(temporal) => {
            let digits = places.unwrap_or(match temporal.kind {
                Kind::Date => 8,
                Kind::DateTime => 17,
                Kind::Time => 9,
            });
            temporal.boundary(high, digits).map(Val::from)
        }
        _ => {
            return error(
                call.position,
                format!(
                    "`{}` needs a number, a quantity or a date, not {}",
                    call.signature.name,
                    item.description()
                ),
            );
        }
    };
    Ok(boundary.into_iter().collect())
}

/// Half a unit of the last digit away, rounded outwards to the places.
fn of_decimal(value: Decimal, places: Option<i64>, high: bool) -> Option<Decimal> {
    let places = places.unwrap_or(DECIMAL_PLACES);
    if !(0..=MOST_PLACES).contains(&places) {
        return None;
    }
    let half = Decimal::try_new(5, value.scale() + 1).ok()?;
    let (edge, strategy) = match high {
        true => (
            value.checked_add(half)?,
            RoundingStrategy::ToPositiveInfinity,
        ),
        false => (
            value.checked_sub(half)?,
            RoundingStrategy::ToNegativeInfinity,
        ),
    };
    let places = u32::try_from(places).ok()?;
    let mut edge = edge.round_dp_with_strategy(places, strategy);
    edge.rescale(places);
    Some(edge)
}

/// Digits of a decimal, or of a date without punctuation.
pub(super) fn precision<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some(item) = single(input, call.position)? else {
        return Ok(Vec::new());
    };
    let digits = match evaluator.scalar(&item) {
        Scalar::Number(number) => i64::from(number.decimal().scale()),
        Scalar::Temporal(temporal) => temporal.digits(),
        _ => {
            return error(
                call.position,
                format!(
                    "`precision` needs a number or a date, not {}",
                    item.description()
                ),
            );
        }
    };
    Ok(vec![Val::Integer(digits)])
}
