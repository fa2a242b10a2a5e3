//! Functions whose argument is evaluated for each item, and those on truth values.

use std::cmp::Ordering;

use super::super::PathError;
use super::super::ast::{Call, Expr, ExprKind};
use super::super::evaluate::{Evaluator, error, single, truth};
use super::super::operators::boolean;
use super::super::value::{Collection, Outcome, Val};

/// The truth of an argument for one item; empty is not true.
fn holds<'a>(
    evaluator: &mut Evaluator<'a>,
    item: &Val<'a>,
    index: usize,
    expression: &Expr,
) -> Result<bool, PathError> {
    let outcome = evaluator.with_item(item.clone(), index, expression)?;
    let holds = truth(&outcome, expression.position)? == Some(true);
    evaluator.recycle(outcome);
    Ok(holds)
}

pub(super) fn filter<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut kept = evaluator.fresh();
    for (index, item) in input.iter().enumerate() {
        if holds(evaluator, item, index, &call.arguments[0])? {
            kept.push(item.clone());
        }
    }
    evaluator.recycle(input);
    Ok(kept)
}

pub(super) fn exists<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some(criterion) = call.arguments.first() else {
        let exists = !input.is_empty();
        evaluator.recycle(input);
        return Ok(evaluator.one(Val::Boolean(exists)));
    };
    for (index, item) in input.iter().enumerate() {
        if holds(evaluator, item, index, criterion)? {
            return Ok(vec![Val::Boolean(true)]);
        }
    }
    Ok(vec![Val::Boolean(false)])
}

pub(super) fn all<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    for (index, item) in input.iter().enumerate() {
        if !holds(evaluator, item, index, &call.arguments[0])? {
            return Ok(vec![Val::Boolean(false)]);
        }
    }
    Ok(vec![Val::Boolean(true)])
}

pub(super) fn select<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut selected = Vec::new();
    for (index, item) in input.into_iter().enumerate() {
        selected.extend(evaluator.with_item(item, index, &call.arguments[0])?);
    }
    Ok(selected)
}

/// Items that the argument gives, and gives for those, each kept once; the step limit ends what does not end.
pub(super) fn repeat<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut found: Collection<'a> = Vec::new();
    let mut open = std::collections::VecDeque::from(input);
    while let Some(item) = open.pop_front() {
        for next in evaluator.with_item(item, 0, &call.arguments[0])? {
            if !evaluator.has(&found, &next, call.position)? {
                found.push(next.clone());
                open.push_back(next);
            }
        }
    }
    Ok(found)
}

pub(super) fn aggregate<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let initial = evaluator.argument(call, 1)?;
    let outer = std::mem::replace(&mut evaluator.scope.total, initial);
    let mut outcome = Ok(());
    for (index, item) in input.into_iter().enumerate() {
        match evaluator.with_item(item, index, &call.arguments[0]) {
            Ok(total) => evaluator.scope.total = total,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    let total = std::mem::replace(&mut evaluator.scope.total, outer);
    outcome.map(|()| total)
}

/// Only the branch that is taken is evaluated; the criterion must be a boolean.
pub(super) fn iif<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    let mut run = |expression: &Expr| match &item {
        Some(item) => evaluator.with_this(item.clone(), expression),
        None => evaluator.expression(expression),
    };
    let criterion = &call.arguments[0];
    let holds = match single(run(criterion)?, criterion.position)? {
        None => false,
        Some(val) => match val.as_boolean() {
            Some(boolean) => boolean,
            None => {
                return error(
                    criterion.position,
                    format!("`iif` needs a boolean, not {}", val.description()),
                );
            }
        },
    };
    match call.arguments.get(if holds { 1 } else { 2 }) {
        Some(branch) => run(branch),
        None => Ok(Vec::new()),
    }
}

/// By the arguments as keys, a leading minus for descending; items without a key come last, or first when
/// descending.
pub(super) fn sort<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut rows = Vec::with_capacity(input.len());
    for (index, item) in input.into_iter().enumerate() {
        let mut keys = Vec::with_capacity(call.arguments.len().max(1));
        for argument in &call.arguments {
            let (expression, _) = sort_key(argument);
            let key = evaluator.with_item(item.clone(), index, expression)?;
            keys.push(single(key, expression.position)?);
        }
        if call.arguments.is_empty() {
            keys.push(Some(item.clone()));
        }
        rows.push((keys, item));
    }
    let mut failure = None;
    rows.sort_by(|(left, _), (right, _)| {
        let keys = left.iter().zip(right).enumerate();
        for (index, (left, right)) in keys {
            let ordering = match (left, right) {
                (Some(left), Some(right)) => evaluator
                    .order(left, right, call.position)
                    .unwrap_or_else(|error| {
                        failure.get_or_insert(error);
                        None
                    }),
                (left, right) => Some(left.is_none().cmp(&right.is_none())),
            };
            let descending = call
                .arguments
                .get(index)
                .is_some_and(|argument| sort_key(argument).1);
            match ordering.unwrap_or(Ordering::Equal) {
                Ordering::Equal => {}
                ordering if descending => return ordering.reverse(),
                ordering => return ordering,
            }
        }
        Ordering::Equal
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(rows.into_iter().map(|(_, item)| item).collect()),
    }
}

fn sort_key(argument: &Expr) -> (&Expr, bool) {
    match &argument.kind {
        ExprKind::Polarity { negative, operand } => (operand, *negative),
        _ => (argument, false),
    }
}

pub(super) fn not<'a>(_: &mut Evaluator<'a>, input: Collection<'a>, call: &Call) -> Outcome<'a> {
    Ok(boolean(truth(&input, call.position)?.map(|value| !value)))
}

/// The booleans of a collection that must have nothing else.
fn booleans(input: &[Val<'_>], call: &Call) -> Result<Vec<bool>, PathError> {
    let of = |item: &Val<'_>| match item.as_boolean() {
        Some(boolean) => Ok(boolean),
        None => error(
            call.position,
            format!(
                "`{}` needs booleans, not {}",
                call.signature.name,
                item.description()
            ),
        ),
    };
    input.iter().map(of).collect()
}

pub(super) fn all_true<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let all = booleans(&input, call)?.into_iter().all(|value| value);
    Ok(vec![Val::Boolean(all)])
}

pub(super) fn any_true<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let any = booleans(&input, call)?.into_iter().any(|value| value);
    Ok(vec![Val::Boolean(any)])
}

pub(super) fn all_false<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let all = booleans(&input, call)?.into_iter().all(|value| !value);
    Ok(vec![Val::Boolean(all)])
}

pub(super) fn any_false<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let any = booleans(&input, call)?.into_iter().any(|value| !value);
    Ok(vec![Val::Boolean(any)])
}
