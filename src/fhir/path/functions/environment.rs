//! Functions that only the environment can answer. What it does not answer is an error, never an empty collection.

use super::super::PathError;
use super::super::ast::Call;
use super::super::environment::Environment;
use super::super::evaluate::{Evaluator, not_evaluated, single};
use super::super::value::{Collection, Outcome, Val};
use super::super::{Item, items};

/// A question about an item and a canonical.
type Ask = fn(&dyn Environment, &Item<'_>, &str) -> Option<bool>;

/// Asks about the only item; empty if there is none, or no canonical.
fn ask<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
    question: Ask,
) -> Outcome<'a> {
    let item = single(input, call.position)?;
    let canonical = evaluator.text_argument(call, 0)?;
    let (Some(item), Some(canonical)) = (item, canonical) else {
        return Ok(Vec::new());
    };
    let environment = evaluator.world.environment();
    let items = items(evaluator, vec![item]);
    let answer = items
        .first()
        .and_then(|item| question(environment, item, &canonical));
    answered(answer, call).map(|answer| vec![answer])
}

fn answered<'a>(answer: Option<bool>, call: &Call) -> Result<Val<'a>, PathError> {
    match answer {
        Some(answer) => Ok(Val::Boolean(answer)),
        None => not_evaluated(call.position, &format!("`{}`", call.signature.name)),
    }
}

pub(super) fn member_of<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    ask(evaluator, input, call, |environment, item, value_set| {
        environment.member_of(item, value_set)
    })
}

pub(super) fn conforms_to<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    ask(evaluator, input, call, |environment, item, profile| {
        environment.conforms_to(item, profile)
    })
}

/// Asks about the text of the only item.
pub(super) fn html_checks<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some(div) = evaluator.text(input, call.position)? else {
        return Ok(Vec::new());
    };
    let answer = evaluator.world.environment().html_checks(&div);
    answered(answer, call).map(|answer| vec![answer])
}
