//! Functions that walk the resource, and those that FHIR adds, <http://hl7.org/fhir/R4/fhirpath.html#functions>.

use serde_json::Value;

use super::super::ast::Call;
use super::super::evaluate::{Evaluator, single};
use super::super::value::{Collection, Number, Outcome, Text, Val};

/// Room for the descendants of an ordinary resource, made at once.
const DESCENDANTS: usize = 128;

pub(super) fn children<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut children = Vec::new();
    for node in input.iter().filter_map(Val::as_node) {
        evaluator.children(node, call.position, &mut children)?;
    }
    Ok(children)
}

/// All levels of children, level by level: what `repeat(children())` gives.
pub(super) fn descendants<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let mut descendants: Collection<'a> = Vec::with_capacity(DESCENDANTS);
    for root in input.iter().filter_map(Val::as_node) {
        evaluator.children(root, call.position, &mut descendants)?;
    }
    let mut visited = 0;
    while let Some(&node) = descendants.get(visited).and_then(Val::as_node) {
        evaluator.children(&node, call.position, &mut descendants)?;
        visited += 1;
    }
    Ok(descendants)
}

/// The extensions with a URL.
pub(super) fn extension<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let Some(url) = evaluator.text_argument(call, 0)? else {
        return Ok(Vec::new());
    };
    let mut extensions = Vec::new();
    for item in input {
        let node = match item {
            // A primitive's extensions are in its sibling, a complex element's in itself.
            Val::Node(node) => Val::Node(node),
            _ => continue,
        };
        extensions.extend(evaluator.members(&[node], "_extension", call.position)?);
    }
    extensions.retain(|extension| match extension {
        Val::Node(node) => {
            let found = node
                .value
                .and_then(|value| value.get("url"))
                .and_then(Value::as_str);
            found == Some(&*url)
        }
        _ => false,
    });
    Ok(extensions)
}

pub(super) fn has_value<'a>(_: &mut Evaluator<'a>, input: Collection<'a>, _: &Call) -> Outcome<'a> {
    let has_value = match input.as_slice() {
        [Val::Node(node)] => node.has_value(),
        [_] => true,
        _ => false,
    };
    Ok(vec![Val::Boolean(has_value)])
}

pub(super) fn get_value<'a>(
    _: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    let value = match single(input, call.position)? {
        Some(Val::Node(node)) => match node.value {
            Some(Value::Bool(boolean)) => Some(Val::Boolean(*boolean)),
            Some(Value::String(text)) => Some(Val::String(Text::Borrowed(text))),
            Some(Value::Number(number)) => Number::of(number).map(Val::from),
            _ => None,
        },
        other => other,
    };
    Ok(value.into_iter().collect())
}

/// References that mean nothing known are left out.
pub(super) fn resolve<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    _: &Call,
) -> Outcome<'a> {
    Ok(input
        .iter()
        .filter_map(|item| evaluator.resolve(item))
        .collect())
}

/// The input as it is: there is nowhere to print to. The arguments are evaluated, so that their errors show.
pub(super) fn trace<'a>(
    evaluator: &mut Evaluator<'a>,
    input: Collection<'a>,
    call: &Call,
) -> Outcome<'a> {
    evaluator.text_argument(call, 0)?;
    if let Some(projection) = call.arguments.get(1) {
        for (index, item) in input.iter().enumerate() {
            evaluator.with_item(item.clone(), index, projection)?;
        }
    }
    Ok(input)
}
