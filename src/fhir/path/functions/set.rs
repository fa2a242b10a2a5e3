//! Functions on collections as wholes: size, parts, sets.

use super::super::PathError;
use super::super::ast::Call;
use super::super::evaluate::{Evaluator, error};
use super::super::value::{Collection, Outcome, Val};

fn truth<'a>(value: bool) -> Outcome<'a> {
    Ok(vec![Val::Boolean(value)])
}

pub(super) fn empty<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    _: &Call,
) -> Outcome<'a> {
    let is_empty = input.is_empty();
    evaluator.recycle(input);
    Ok(evaluator.one(Val::Boolean(is_empty)))
}

pub(super) fn count<'a>(_: &mut Evaluator<'a>, input: Collection<'a>, _: &Call) -> Outcome<'a> {
    let count = i64::try_from(input.len()).expect("a collection fits into memory");
    Ok(vec![Val::Integer(count)])
}

pub(super) fn first<'a>(_: &mut Evaluator<'a>, mut input: Collection<'a>, _: &Call) -> Outcome<'a> {
    input.truncate(1);
    Ok(input)
}

pub(super) fn last<'a>(_: &mut Evaluator<'a>, mut input: Collection<'a>, _: &Call) -> Outcome<'a> {
    Ok(input.pop().into_iter().collect())
}

pub(super) fn tail<'a>(_: &mut Evaluator<'a>, input: Collection<'a>, _: &Call) -> Outcome<'a> {
    Ok(input.into_iter().skip(1).collect())
}

pub(super) fn skip<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let number = length(evaluator, call)?;
    Ok(input.into_iter().skip(number).collect())
}

pub(super) fn take<'a>(
    evaluator: &mut Evaluator<'a>,
    mut input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    input.truncate(length(evaluator, call)?);
    Ok(input)
}

/// A number of items; none for a negative one.
fn length(evaluator: &mut Evaluator<'_>, call: &Call) -> Result<usize, PathError> {
    let number = evaluator.integer_argument(call, 0)?.unwrap_or(0);
    Ok(usize::try_from(number).unwrap_or(0))
}

pub(super) fn single_item<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    match input.len() {
        0 | 1 => Ok(input),
        several => error(call.position, format!("`single` found {several} items")),
    }
}

pub(super) fn distinct<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    evaluator.distinct(input, call.position)
}

pub(super) fn is_distinct<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let count = input.len();
    truth(evaluator.distinct(input, call.position)?.len() == count)
}

pub(super) fn subset_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let other = evaluator.argument(call, 0)?;
    truth(is_subset(evaluator, &input, &other, call)?)
}

pub(super) fn superset_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let other = evaluator.argument(call, 0)?;
    truth(is_subset(evaluator, &other, &input, call)?)
}

fn is_subset<'a>(
    evaluator: &mut Evaluator<'a>,
    part: &[Val<'a>],
    whole: &[Val<'a>],
    call: &Call,
) -> Result<bool, PathError> {
    for item in part {
        if !evaluator.has(whole, item, call.position)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn intersect<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let other = evaluator.argument(call, 0)?;
    let mut both = Vec::new();
    for item in input {
        if evaluator.has(&other, &item, call.position)? {
            both.push(item);
        }
    }
    evaluator.distinct(both, call.position)
}

pub(super) fn exclude<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let other = evaluator.argument(call, 0)?;
    let mut left = Vec::new();
    for item in input {
        if !evaluator.has(&other, &item, call.position)? {
            left.push(item);
        }
    }
    Ok(left)
}

pub(super) fn union<'a>(
    evaluator: &mut Evaluator<'a>,
    mut input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    input.extend(evaluator.argument(call, 0)?);
    evaluator.distinct(input, call.position)
}

pub(super) fn combine<'a>(
    evaluator: &mut Evaluator<'a>,
    mut input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    input.extend(evaluator.argument(call, 0)?);
    Ok(input)
}
