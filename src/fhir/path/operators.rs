//! Binary operators and signs on collections, with the empty collection as the third truth value.

use std::cmp::Ordering;
use std::collections::HashSet;

use rust_decimal::Decimal;

use super::PathError;
use super::ast::Operator;
use super::compare::Scalar;
use super::evaluate::{Evaluator, error, single, truth};
use super::quantity::{CalendarUnit, Quantity};
use super::temporal::{Kind, Temporal};
use super::value::{Collection, Number, Outcome, Text, Val};

/// True for a string that cannot be a date or time.
fn is_plain_text(val: &Val<'_>) -> bool {
    let may_be_temporal = |text: &str| {
        text.as_bytes()
            .get(..2)
            .is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit))
    };
    match val {
        Val::String(_) => true,
        Val::Node(_) => val.as_text().is_some_and(|text| {
            !may_be_temporal(&text)
                || (Temporal::parse(Kind::DateTime, &text).is_none()
                    && Temporal::parse(Kind::Time, &text).is_none())
        }),
        _ => false,
    }
}

/// A truth value as a collection.
pub(super) fn boolean<'a>(value: Option<bool>) -> Collection<'a> {
    value.map(Val::Boolean).into_iter().collect()
}

impl<'a> Evaluator<'a> {
    /// Applies an operator to its operands.
    pub fn binary(
        &mut self,
        operator: Operator,
        left: Collection<'a>,
        right: Collection<'a>,
        position: usize,
    ) -> Outcome<'a> {
        match operator {
            Operator::And | Operator::Or | Operator::Xor | Operator::Implies => {
                let answer = logic(operator, truth(&left, position)?, truth(&right, position)?);
                Ok(self.answer(answer, left, right))
            }
            Operator::Equal => {
                let equal = self.equal_collections(&left, &right, position)?;
                Ok(self.answer(equal, left, right))
            }
            Operator::NotEqual => {
                let equal = self.equal_collections(&left, &right, position)?;
                Ok(self.answer(equal.map(|equal| !equal), left, right))
            }
            Operator::Equivalent => Ok(boolean(Some(
                self.equivalent_collections(&left, &right, position)?,
            ))),
            Operator::NotEquivalent => Ok(boolean(Some(
                !self.equivalent_collections(&left, &right, position)?,
            ))),
            Operator::In => self.membership(left, &right, position),
            Operator::Contains => self.membership(right, &left, position),
            Operator::Union => {
                let mut union = left;
                union.extend(right);
                self.distinct(union, position)
            }
            Operator::Concatenate => {
                let (left, right) = (
                    self.string_or_empty(left, position)?,
                    self.string_or_empty(right, position)?,
                );
                Ok(vec![self.joined(&left, &right, position)?])
            }
            _ => {
                let (Some(left), Some(right)) = (single(left, position)?, single(right, position)?)
                else {
                    return Ok(Vec::new());
                };
                self.on_single_items(operator, &left, &right, position)
            }
        }
    }

    /// A truth value about two collections that nobody reads again.
    fn answer(
        &mut self,
        value: Option<bool>,
        left: Collection<'a>,
        right: Collection<'a>,
    ) -> Collection<'a> {
        self.recycle(left);
        self.recycle(right);
        self.boolean(value)
    }

    fn on_single_items(
        &mut self,
        operator: Operator,
        left: &Val<'a>,
        right: &Val<'a>,
        position: usize,
    ) -> Outcome<'a> {
        let accepts: fn(Ordering) -> bool = match operator {
            Operator::Less => Ordering::is_lt,
            Operator::LessOrEqual => Ordering::is_le,
            Operator::Greater => Ordering::is_gt,
            Operator::GreaterOrEqual => Ordering::is_ge,
            _ => return self.arithmetic(operator, left, right, position),
        };
        let order = self.order(left, right, position)?;
        Ok(self.boolean(order.map(accepts)))
    }

    fn equal_collections(
        &mut self,
        left: &[Val<'a>],
        right: &[Val<'a>],
        position: usize,
    ) -> Result<Option<bool>, PathError> {
        if left.is_empty() || right.is_empty() {
            return Ok(None);
        }
        if left.len() != right.len() {
            return Ok(Some(false));
        }
        self.spend(left.len(), position)?;
        let mut equal = Some(true);
        for (left, right) in left.iter().zip(right) {
            match self.equal(left, right) {
                Some(false) => return Ok(Some(false)),
                Some(true) => {}
                None => equal = None,
            }
        }
        Ok(equal)
    }

    fn equivalent_collections(
        &mut self,
        left: &[Val<'a>],
        right: &[Val<'a>],
        position: usize,
    ) -> Result<bool, PathError> {
        if left.len() != right.len() {
            return Ok(false);
        }
        let mut open: Vec<&Val<'a>> = right.iter().collect();
        for left in left {
            self.spend(open.len(), position)?;
            match open.iter().position(|right| self.equivalent(left, right)) {
                Some(found) => open.swap_remove(found),
                None => return Ok(false),
            };
        }
        Ok(true)
    }

    fn membership(
        &mut self,
        item: Collection<'a>,
        collection: &[Val<'a>],
        position: usize,
    ) -> Outcome<'a> {
        match single(item, position)? {
            Some(item) => Ok(vec![Val::Boolean(self.has(collection, &item, position)?)]),
            None => Ok(Vec::new()),
        }
    }

    /// True if the collection has an equal item.
    pub fn has(
        &mut self,
        collection: &[Val<'a>],
        item: &Val<'a>,
        position: usize,
    ) -> Result<bool, PathError> {
        self.spend(collection.len(), position)?;
        Ok(collection
            .iter()
            .any(|other| self.equal(other, item) == Some(true)))
    }

    /// The first of each set of equal items, in order.
    pub fn distinct(&mut self, collection: Collection<'a>, position: usize) -> Outcome<'a> {
        if collection.iter().all(is_plain_text) {
            return self.distinct_texts(collection, position);
        }
        let mut distinct: Collection<'a> = Vec::with_capacity(collection.len());
        for item in collection {
            if !self.has(&distinct, &item, position)? {
                distinct.push(item);
            }
        }
        Ok(distinct)
    }

    /// The ids of a large bundle in one pass: texts that are no dates are equal if their letters are.
    fn distinct_texts(&mut self, mut collection: Collection<'a>, position: usize) -> Outcome<'a> {
        self.spend(collection.len(), position)?;
        let mut seen = HashSet::with_capacity(collection.len());
        collection.retain(|item| {
            item.as_text()
                .is_some_and(|text| seen.insert(text.to_string()))
        });
        Ok(collection)
    }

    fn string_or_empty(
        &mut self,
        operand: Collection<'a>,
        position: usize,
    ) -> Result<Text<'a>, PathError> {
        match single(operand, position)? {
            None => Ok(Text::Borrowed("")),
            Some(val) if val.is_without_value() => Ok(Text::Borrowed("")),
            Some(val) => match val.as_text() {
                Some(text) => Ok(text),
                None => error(
                    position,
                    format!("`&` joins strings, not {}", val.description()),
                ),
            },
        }
    }

    /// Costs its length, so that no expression can double a text for ever.
    fn joined(&mut self, left: &str, right: &str, position: usize) -> Result<Val<'a>, PathError> {
        self.spend(left.len() + right.len(), position)?;
        Ok(Val::text(format!("{left}{right}")))
    }

    /// `-x`, `+x`.
    pub fn polarity(
        &mut self,
        negative: bool,
        operand: Collection<'a>,
        position: usize,
    ) -> Outcome<'a> {
        let Some(operand) = single(operand, position)? else {
            return Ok(Vec::new());
        };
        let sign = if negative {
            Decimal::NEGATIVE_ONE
        } else {
            Decimal::ONE
        };
        Ok(match self.scalar(&operand) {
            Scalar::Number(Number::Integer(integer)) => {
                let signed = if negative {
                    integer.checked_neg()
                } else {
                    Some(integer)
                };
                signed.map(Val::Integer).into_iter().collect()
            }
            Scalar::Number(Number::Decimal(decimal)) => vec![Val::Decimal(decimal * sign)],
            Scalar::Quantity(quantity) => vec![Val::quantity(quantity.value * sign, quantity.unit)],
            _ => return error(position, format!("{} has no sign", operand.description())),
        })
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Val<'a>,
        right: &Val<'a>,
        position: usize,
    ) -> Outcome<'a> {
        if left.is_without_value() || right.is_without_value() {
            return Ok(Vec::new());
        }
        let result = match (self.scalar(left), self.scalar(right)) {
            (Scalar::Number(left), Scalar::Number(right)) => numbers(operator, left, right),
            (Scalar::Temporal(temporal), amount) => match self.amount(amount, right) {
                Some(amount) => shift(operator, temporal, &amount, position)?,
                None => return mismatch(left, right, position),
            },
            (Scalar::String(left), Scalar::String(right)) if operator == Operator::Add => {
                Some(self.joined(&left, &right, position)?)
            }
            (left_scalar, right_scalar) => {
                let is_text =
                    |scalar: &Scalar<'_>| matches!(scalar, Scalar::String(_) | Scalar::Temporal(_));
                if is_text(&left_scalar) || is_text(&right_scalar) {
                    return mismatch(left, right, position);
                }
                match (operand(left_scalar), operand(right_scalar)) {
                    (Some(left), Some(right)) => quantities(operator, left, right),
                    _ => return mismatch(left, right, position),
                }
            }
        };
        Ok(result.into_iter().collect())
    }

    /// What is added to a date: a quantity with a unit.
    fn amount(&self, scalar: Scalar<'a>, val: &Val<'a>) -> Option<Quantity<'a>> {
        match scalar {
            Scalar::Quantity(quantity) => Some(quantity),
            Scalar::Complex(_) => match val {
                Val::Node(node) => node.value.and_then(Quantity::of),
                _ => None,
            },
            _ => None,
        }
    }
}

fn mismatch<T>(left: &Val<'_>, right: &Val<'_>, position: usize) -> Result<T, PathError> {
    error(
        position,
        format!(
            "no such operation on {} and {}",
            left.description(),
            right.description()
        ),
    )
}

/// A quantity, or a number as one without unit.
fn operand(scalar: Scalar<'_>) -> Option<Quantity<'_>> {
    match scalar {
        Scalar::Quantity(quantity) => Some(quantity),
        Scalar::Number(number) => Some(Quantity::plain(number.decimal())),
        Scalar::Complex(node) => node.value.and_then(Quantity::of),
        _ => None,
    }
}

/// Three-valued logic, <http://hl7.org/fhirpath/#boolean-logic>.
fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match operator {
        Operator::And => match (left, right) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Operator::Or => match (left, right) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Operator::Xor => Some(left? != right?),
        _ => match (left, right) {
            (Some(false), _) | (_, Some(true)) => Some(true),
            (Some(true), right) => right,
            (None, _) => None,
        },
    }
}

/// Arithmetic of numbers; `None` (empty) for overflow and division by zero.
fn numbers<'a>(operator: Operator, left: Number, right: Number) -> Option<Val<'a>> {
    if let (Number::Integer(left), Number::Integer(right)) = (left, right) {
        return match operator {
            Operator::Add => left.checked_add(right).map(Val::Integer),
            Operator::Subtract => left.checked_sub(right).map(Val::Integer),
            Operator::Multiply => left.checked_mul(right).map(Val::Integer),
            Operator::Div => left.checked_div(right).map(Val::Integer),
            Operator::Mod => left.checked_rem(right).map(Val::Integer),
            _ => Decimal::from(left)
                .checked_div(Decimal::from(right))
                .map(Val::Decimal),
        };
    }
    let (left, right) = (left.decimal(), right.decimal());
    match operator {
        Operator::Add => left.checked_add(right).map(Val::Decimal),
        Operator::Subtract => left.checked_sub(right).map(Val::Decimal),
        Operator::Multiply => left.checked_mul(right).map(Val::Decimal),
        Operator::Div => {
            let quotient = left.checked_div(right)?.trunc();
            i64::try_from(quotient).ok().map(Val::Integer)
        }
        Operator::Mod => left.checked_rem(right).map(Val::Decimal),
        _ => left.checked_div(right).map(Val::Decimal),
    }
}

/// Arithmetic of quantities as far as it needs no table of units; `None` (empty) beyond.
fn quantities<'a>(operator: Operator, left: Quantity<'a>, right: Quantity<'a>) -> Option<Val<'a>> {
    let same = *left.unit == *right.unit;
    let (value, unit) = match operator {
        Operator::Add if same => (left.value.checked_add(right.value)?, left.unit),
        Operator::Subtract if same => (left.value.checked_sub(right.value)?, left.unit),
        Operator::Multiply if &*right.unit == "1" => {
            (left.value.checked_mul(right.value)?, left.unit)
        }
        Operator::Multiply if &*left.unit == "1" => {
            (left.value.checked_mul(right.value)?, right.unit)
        }
        Operator::Divide if &*right.unit == "1" => {
            (left.value.checked_div(right.value)?, left.unit)
        }
        Operator::Divide if same => (left.value.checked_div(right.value)?, Text::Borrowed("1")),
        _ => return None,
    };
    Some(Val::quantity(value, unit))
}

/// A date plus or minus an amount of time.
fn shift<'a>(
    operator: Operator,
    temporal: Temporal,
    amount: &Quantity<'_>,
    position: usize,
) -> Result<Option<Val<'a>>, PathError> {
    let value = match operator {
        Operator::Add => amount.value,
        Operator::Subtract => -amount.value,
        _ => return error(position, "dates are added to and subtracted from only"),
    };
    match CalendarUnit::of(&amount.unit) {
        Some(unit) => Ok(temporal.add(value, unit).map(Val::from)),
        None => error(position, format!("`{}` is no calendar unit", &*amount.unit)),
    }
}
