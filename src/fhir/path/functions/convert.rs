//! Conversions, types and the clock. What cannot be converted is empty.

use rust_decimal::Decimal;

use super::super::PathError;
use super::super::ast::Call;
use super::super::compare::{Scalar, quantity};
use super::super::evaluate::{Evaluator, not_evaluated, single};
use super::super::quantity::Quantity;
use super::super::temporal::{Kind, Temporal};
use super::super::types::system_name;
use super::super::value::{Collection, Number, Outcome, Val};
use crate::fhir::decimal;

/// Converts one item.
type Convert = for<'a> fn(&mut Evaluator<'a>, &Val<'a>) -> Option<Val<'a>>;

fn convert<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    apply: Convert,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    Ok(item
        .and_then(|item| apply(evaluator, &item))
        .into_iter()
        .collect())
}

/// True if a conversion gives something; empty for empty.
fn converts<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    apply: Convert,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    Ok(item
        .map(|item| Val::Boolean(apply(evaluator, &item).is_some()))
        .into_iter()
        .collect())
}

macro_rules! conversions {
    ($($to:ident, $converts:ident, $apply:ident;)*) => {$(
        pub(super) fn $to<'a>(evaluator: &mut Evaluator<'a>, input: Collection<'a>, call: &Call) -> Outcome<'a> {
            convert(evaluator, input, call, $apply)
        }

        pub(super) fn $converts<'a>(evaluator: &mut Evaluator<'a>, input: Collection<'a>, call: &Call) -> Outcome<'a> {
            converts(evaluator, input, call, $apply)
        }
    )*};
}

conversions! {
    to_boolean, converts_to_boolean, boolean_of;
    to_integer, converts_to_integer, integer_of;
    to_decimal, converts_to_decimal, decimal_of;
    to_string, converts_to_string, string_of;
    to_date, converts_to_date, date_of;
    to_date_time, converts_to_date_time, date_time_of;
    to_time, converts_to_time, time_of;
    to_quantity, converts_to_quantity, quantity_of;
}

fn boolean_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    let boolean = match evaluator.scalar(val) {
        Scalar::Boolean(boolean) => boolean,
        Scalar::Number(number) if number.decimal() == Decimal::ONE => true,
        Scalar::Number(number) if number.decimal().is_zero() => false,
        Scalar::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => true,
            "false" | "f" | "no" | "n" | "0" | "0.0" => false,
            _ => return None,
        },
        _ => return None,
    };
    Some(Val::Boolean(boolean))
}

fn integer_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    let integer = match evaluator.scalar(val) {
        Scalar::Boolean(boolean) => i64::from(boolean),
        Scalar::Number(Number::Integer(integer)) => integer,
        Scalar::String(text) => text.parse().ok()?,
        // A string of digits may look like a year.
        Scalar::Temporal(_) => val.as_text()?.parse().ok()?,
        _ => return None,
    };
    Some(Val::Integer(integer))
}

fn decimal_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    let text = match evaluator.scalar(val) {
        Scalar::Boolean(boolean) => return Some(Val::Decimal(Decimal::from(u8::from(boolean)))),
        Scalar::Number(number) => return Some(Val::Decimal(number.decimal())),
        Scalar::String(_) | Scalar::Temporal(_) => val.as_text()?,
        _ => return None,
    };
    let unsigned = text.strip_prefix('+').unwrap_or(&text);
    let plain = unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let parsed = decimal::Decimal::parse(unsigned).filter(|_| plain)?;
    Some(Val::Decimal(parsed.value()))
}

fn string_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    if let Some(text) = val.as_text() {
        return Some(Val::String(text));
    }
    Some(Val::text(match evaluator.scalar(val) {
        Scalar::Boolean(boolean) => boolean.to_string(),
        Scalar::Number(Number::Integer(integer)) => integer.to_string(),
        Scalar::Number(Number::Decimal(decimal)) => decimal.to_string(),
        Scalar::Temporal(temporal) => temporal.to_string(),
        Scalar::Quantity(quantity) => quantity.written(),
        Scalar::Complex(node) => node.value.and_then(Quantity::of)?.written(),
        Scalar::String(text) => return Some(Val::String(text)),
        Scalar::Opaque => return None,
    }))
}

/// A value of the kind from a temporal value or a text.
fn temporal_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>, kind: Kind) -> Option<Temporal> {
    match evaluator.scalar(val) {
        Scalar::Temporal(temporal) => match (temporal.kind, kind) {
            (from, to) if from == to => Some(temporal),
            (Kind::DateTime, Kind::Date) => Some(temporal.to_date()),
            (Kind::Date, Kind::DateTime) => Some(temporal.to_date_time()),
            _ => None,
        },
        Scalar::String(text) => Temporal::parse(kind, &text),
        _ => None,
    }
}

fn date_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    temporal_of(evaluator, val, Kind::Date).map(Val::from)
}

fn date_time_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    temporal_of(evaluator, val, Kind::DateTime).map(Val::from)
}

fn time_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    temporal_of(evaluator, val, Kind::Time).map(Val::from)
}

fn quantity_of<'a>(evaluator: &mut Evaluator<'a>, val: &Val<'a>) -> Option<Val<'a>> {
    let quantity = match evaluator.scalar(val) {
        Scalar::Quantity(quantity) => quantity,
        Scalar::Number(number) => Quantity::plain(number.decimal()),
        Scalar::Boolean(boolean) => Quantity::plain(Decimal::from(u8::from(boolean))),
        Scalar::String(text) => Quantity::parse(&text)?,
        Scalar::Complex(node) => Quantity::of(node.value?)?,
        _ => return None,
    };
    Some(Val::Quantity(Box::new(quantity)))
}

/// True if two quantities have units that compare.
pub(super) fn comparable<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    let (Some(left), Some(right)) = (item, evaluator.single_argument(call, 0)?) else {
        return Ok(Vec::new());
    };
    let (left, right) = (evaluator.scalar(&left), evaluator.scalar(&right));
    let comparable = quantity(left)
        .zip(quantity(right))
        .is_some_and(|(left, right)| left.is_comparable(&right));
    Ok(vec![Val::Boolean(comparable)])
}

pub(super) fn is_type<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    let is = item
        .zip(call.type_name.as_ref())
        .map(|(item, type_name)| evaluator.types.is(&item, type_name));
    Ok(is.map(Val::Boolean).into_iter().collect())
}

/// One item, if it is of the type.
pub(super) fn as_type<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    of_type(evaluator, item.into_iter().collect(), call)
}

/// The items of the type.
pub(super) fn of_type<'a>(
    evaluator: &mut Evaluator<'a>,
    mut input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    if let Some(type_name) = &call.type_name {
        input.retain(|item| evaluator.types.is_as(item, type_name));
    }
    Ok(input)
}

/// Namespace and name of each item's type; items of unknown type are left out.
pub(super) fn type_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    _: &Call,
) -> Outcome<'a> {
    let of = |item: &Val<'a>| match item {
        Val::Node(node) => match evaluator.types.of(node) {
            "" => None,
            name => Some(Val::type_info("FHIR", name)),
        },
        computed => system_name(computed).map(|name| Val::type_info("System", name)),
    };
    Ok(input.iter().filter_map(of).collect())
}

fn moment(evaluator: &Evaluator<'_>, call: &Call) -> Result<Temporal, PathError> {
    match evaluator.world.now() {
        Some(now) => Ok(Temporal::at(now)),
        None => not_evaluated(call.position, "the time"),
    }
}

pub(super) fn now<'a>(
    evaluator: &mut Evaluator<'a>,
    _: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    Ok(vec![Val::from(moment(evaluator, call)?)])
}

pub(super) fn today<'a>(
    evaluator: &mut Evaluator<'a>,
    _: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    Ok(vec![Val::from(moment(evaluator, call)?.to_date())])
}

pub(super) fn time_of_day<'a>(
    evaluator: &mut Evaluator<'a>,
    _: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    Ok(vec![Val::from(moment(evaluator, call)?.to_time())])
}
