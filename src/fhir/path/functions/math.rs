//! Functions on numbers. Exact to 28 digits, but for `exp`, `ln`, `log` and powers that are not whole, which go
//! through floats and are exact to about 15 digits. What has no answer is empty.

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

use super::super::PathError;
use super::super::ast::Call;
use super::super::compare::Scalar;
use super::super::evaluate::{Evaluator, error, single};
use super::super::value::{Collection, Number, Outcome, Val};

/// Newton's iteration doubles the digits each time; this is far more than 28 digits need.
const SQRT_ROUNDS: usize = 200;

/// The number that a function is called on, `None` if there is none.
fn input_number<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Result<Option<Number>, PathError> {
    let Some(val) = single(input, call.position)? else {
        return Ok(None);
    };
    if val.is_without_value() {
        return Ok(None);
    }
    match evaluator.number(&val) {
        Some(number) => Ok(Some(number)),
        None => error(
            call.position,
            format!(
                "`{}` needs a number, not {}",
                call.signature.name,
                val.description()
            ),
        ),
    }
}

fn argument_number<'a>(
    evaluator: &mut Evaluator<'a>,
    call: &Call,
) -> Result<Option<Number>, PathError> {
    let argument = evaluator.argument(call, 0)?;
    input_number(evaluator, argument, call)
}

fn one<'a>(value: Option<Val<'a>>) -> Outcome<'a> {
    Ok(value.into_iter().collect())
}

pub(super) fn abs<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    if let [only] = input.as_slice()
        && let Scalar::Quantity(quantity) = evaluator.scalar(only)
    {
        return Ok(vec![Val::quantity(quantity.value.abs(), quantity.unit)]);
    }
    let number = input_number(evaluator, input, call)?;
    one(number.and_then(|number| match number {
        Number::Integer(integer) => integer.checked_abs().map(Val::Integer),
        Number::Decimal(decimal) => Some(Val::Decimal(decimal.abs())),
    }))
}

/// A function from numbers to integers.
fn to_integer<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    apply: fn(&Decimal) -> Decimal,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    one(number.and_then(|number| apply(&number.decimal()).to_i64().map(Val::Integer)))
}

pub(super) fn ceiling<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    to_integer(evaluator, input, call, Decimal::ceil)
}

pub(super) fn floor<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    to_integer(evaluator, input, call, Decimal::floor)
}

pub(super) fn truncate<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    to_integer(evaluator, input, call, Decimal::trunc)
}

/// Halves go away from zero.
pub(super) fn round<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    let places = evaluator.integer_argument(call, 0)?.unwrap_or(0);
    let Ok(places) = u32::try_from(places) else {
        return error(
            call.position,
            "`round` needs a number of places that is not negative",
        );
    };
    one(number.map(|number| {
        let decimal = number.decimal();
        Val::Decimal(decimal.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero))
    }))
}

pub(super) fn sqrt<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    one(number
        .and_then(|number| square_root(number.decimal()))
        .map(Val::Decimal))
}

/// Newton's iteration from above; `None` for negative numbers.
fn square_root(value: Decimal) -> Option<Decimal> {
    if value.is_sign_negative() && !value.is_zero() {
        return None;
    }
    if value.is_zero() {
        return Some(Decimal::ZERO);
    }
    let guess = Decimal::from_f64(value.to_f64()?.sqrt()).filter(|guess| !guess.is_zero())?;
    let mut root = guess;
    for _ in 0..SQRT_ROUNDS {
        let next = root
            .checked_add(value.checked_div(root)?)?
            .checked_div(Decimal::TWO)?;
        if next == root {
            break;
        }
        let is_settled = (next - root).abs() <= Decimal::new(1, 26);
        root = next;
        if is_settled {
            break;
        }
    }
    // A root that is short enough to be exact is exact.
    let short = root.round_dp(14);
    let is_exact = short.checked_mul(short) == Some(value);
    Some(if is_exact { short.normalize() } else { root })
}

/// A float as the decimal that it prints.
fn of_float<'a>(value: f64) -> Option<Val<'a>> {
    if !value.is_finite() {
        return None;
    }
    Decimal::from_f64(value).map(Val::Decimal)
}

pub(super) fn exp<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    one(number.and_then(|number| of_float(number.decimal().to_f64()?.exp())))
}

pub(super) fn ln<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    one(number.and_then(|number| of_float(number.decimal().to_f64()?.ln())))
}

pub(super) fn log<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    let base = argument_number(evaluator, call)?;
    one(number.zip(base).and_then(|(number, base)| {
        let logarithm = number.decimal().to_f64()?.log(base.decimal().to_f64()?);
        of_float(logarithm)
    }))
}

pub(super) fn power<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = input_number(evaluator, input, call)?;
    let exponent = argument_number(evaluator, call)?;
    one(number
        .zip(exponent)
        .and_then(|(number, exponent)| match (number, exponent) {
            (Number::Integer(base), Number::Integer(exponent)) if exponent >= 0 => base
                .checked_pow(u32::try_from(exponent).ok()?)
                .map(Val::Integer),
            (base, Number::Integer(exponent)) => {
                whole_power(base.decimal(), exponent).map(Val::Decimal)
            }
            (base, exponent) => {
                of_float(base.decimal().to_f64()?.powf(exponent.decimal().to_f64()?))
            }
        }))
}

/// Exact, by squaring.
fn whole_power(base: Decimal, exponent: i64) -> Option<Decimal> {
    let mut remaining = exponent.unsigned_abs();
    let (mut power, mut square) = (Decimal::ONE, base);
    while remaining > 0 {
        if remaining % 2 == 1 {
            power = power.checked_mul(square)?;
        }
        remaining /= 2;
        if remaining > 0 {
            square = square.checked_mul(square)?;
        }
    }
    if exponent < 0 {
        Decimal::ONE.checked_div(power)
    } else {
        Some(power)
    }
}
