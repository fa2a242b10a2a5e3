//! Finds elements that cannot exist when an expression is parsed: `Observation.valueQuantity` (choice elements go by
//! `value`), `Patient.nmae`. Follows types only where they are certain; not a type checker of operators.

use super::PathError;
use super::ast::{
    Call, Expr, ExprKind, Link, Namespace, Operation, Operator, Start, Step, StepKind, TypeName,
};
use super::evaluate::error;
use crate::fhir::definitions;

/// The types that items may have, backbone paths included; `None` if they are not known.
type Types<'e> = Option<Vec<&'e str>>;

/// Checks an expression that is evaluated on a resource of that type, or on anything.
pub(super) fn check(expression: &Expr, resource_type: Option<&str>) -> Result<(), PathError> {
    infer(expression, &resource_type.and_then(named)).map(|_| ())
}

fn infer<'e>(expression: &'e Expr, focus: &Types<'e>) -> Result<Types<'e>, PathError> {
    match &expression.kind {
        ExprKind::Path { start, steps } => path(start, steps, focus),
        ExprKind::Chain { first, rest } => chain(first, rest, focus),
        ExprKind::Polarity { operand, .. } => infer(operand, focus).map(|_| None),
    }
}

fn chain<'e>(first: &'e Expr, rest: &'e [Link], focus: &Types<'e>) -> Result<Types<'e>, PathError> {
    let mut left = infer(first, focus)?;
    for link in rest {
        left = match &link.operation {
            Operation::As(type_name) => fhir(type_name),
            Operation::Is(_) => None,
            Operation::Binary(Operator::Union, right) => union(left, infer(right, focus)?),
            Operation::Binary(_, right) => {
                infer(right, focus)?;
                None
            }
        };
    }
    Ok(left)
}

fn union<'e>(left: Types<'e>, right: Types<'e>) -> Types<'e> {
    let mut types = left?;
    for name in right? {
        if !types.contains(&name) {
            types.push(name);
        }
    }
    Some(types)
}

fn path<'e>(
    start: &'e Start,
    steps: &'e [Step],
    focus: &Types<'e>,
) -> Result<Types<'e>, PathError> {
    let mut types = match start {
        Start::Focus => focus.clone(),
        Start::Group(inner) => infer(inner, focus)?,
        _ => None,
    };
    for step in steps {
        types = match &step.kind {
            StepKind::Root(type_name) => root(step.position, type_name, &types)?,
            StepKind::Member(underscored) => member(step.position, &underscored[1..], types)?,
            StepKind::Item(index) => {
                infer(index, focus)?;
                types
            }
            StepKind::Call(call) => called(call, types, focus)?,
        };
    }
    Ok(types)
}

/// A path that starts with a type that the focus never has would always be empty.
fn root<'e>(
    position: usize,
    type_name: &'e TypeName,
    focus: &Types<'e>,
) -> Result<Types<'e>, PathError> {
    let name = &*type_name.name;
    let fits =
        |found: &&str| definitions::is_subtype(found, name) || definitions::is_subtype(name, found);
    match focus {
        Some(types) if !types.iter().any(fits) => error(
            position,
            format!(
                "`{name}` is not the type of what is here ({})",
                types.join(", ")
            ),
        ),
        // An ancestor (`Resource.id`) says less than the focus does.
        Some(types)
            if types
                .iter()
                .all(|found| definitions::is_subtype(found, name)) =>
        {
            Ok(focus.clone())
        }
        _ => Ok(fhir(type_name)),
    }
}

fn member<'e>(position: usize, name: &str, types: Types<'e>) -> Result<Types<'e>, PathError> {
    let Some(types) = types else {
        return Ok(None);
    };
    let mut children: Vec<&'e str> = Vec::new();
    for parent in &types {
        children.extend(definitions::child_types(parent, name));
    }
    children.sort_unstable();
    children.dedup();
    // What a primitive or an unnamed resource has is not in the tables.
    let is_open = |name: &&str| {
        ["Resource", "DomainResource"].contains(name)
            || name.starts_with(|first: char| first.is_ascii_lowercase())
    };
    if types.iter().any(is_open) {
        return Ok(None);
    }
    if !children.is_empty() {
        return Ok(Some(children));
    }
    let choice = types.iter().find_map(|parent| choice_element(parent, name));
    let hint = choice
        .map(|element| format!("; choice elements go by `{element}`"))
        .unwrap_or_default();
    error(
        position,
        format!("{} has no element `{name}`{hint}", types.join(" or ")),
    )
}

/// The `value` of `valueQuantity`.
fn choice_element<'n>(parent: &str, name: &'n str) -> Option<&'n str> {
    let capitals = name
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_uppercase());
    let mut elements = capitals.map(|(at, _)| &name[..at]);
    elements.find(|element| definitions::child_types(parent, element).len() > 1)
}

/// What a function gives; its arguments are checked with the item or the outer focus.
fn called<'e>(call: &'e Call, types: Types<'e>, focus: &Types<'e>) -> Result<Types<'e>, PathError> {
    let name = call.signature.name;
    let per_item = ["all", "exists", "select", "where"].contains(&name);
    // What `repeat` and `aggregate` give to their argument comes from the argument itself.
    let inner = match name {
        _ if per_item => types.clone(),
        "aggregate" | "iif" | "repeat" | "sort" | "trace" => None,
        _ => focus.clone(),
    };
    let mut result = None;
    for argument in &call.arguments {
        result = infer(argument, &inner)?;
    }
    Ok(match name {
        "distinct" | "exclude" | "first" | "intersect" | "last" | "single" | "skip" | "tail"
        | "take" | "trace" | "where" => types,
        "select" => result,
        "union" | "combine" => union(types, result),
        "extension" => named("Extension"),
        "as" | "ofType" => call.type_name.as_ref().and_then(fhir),
        _ => None,
    })
}

fn fhir(type_name: &TypeName) -> Types<'_> {
    match type_name.namespace {
        Some(Namespace::System) => None,
        _ => named(&type_name.name),
    }
}

/// A FHIR type.
fn named(name: &str) -> Types<'_> {
    let is_fhir =
        definitions::is_subtype(name, "Element") || definitions::is_subtype(name, "Resource");
    is_fhir.then(|| vec![name])
}
