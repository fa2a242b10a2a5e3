//! `requires`: FHIRPath on the CapabilityStatement, or a short word for the claims that suites ask for most.

use crate::fhir::path::Expression;

use super::super::ir::Requirement;
use super::super::keys;
use super::super::yaml::{Node, Problem, Value};
use super::expression;

/// Reads one requirement or a list of them.
pub(super) fn read_all(node: &Node, problems: &mut Vec<Problem>) -> Vec<Requirement> {
    match &node.value {
        Value::List(items) => items
            .iter()
            .filter_map(|item| read(item, problems))
            .collect(),
        _ => read(node, problems).into_iter().collect(),
    }
}

fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Requirement> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(Requirement {
            text: node.scalar()?,
            expression: expression(node, problems)?,
        });
    }
    keys::REQUIREMENT.check(node, problems);
    let [(key, argument)] = node.entries() else {
        problems.push(node.problem("one claim per entry of `requires`"));
        return None;
    };
    let word = argument.scalar()?;
    let Some((text, path)) = spell_out(&key.text, &word) else {
        if keys::REQUIREMENT.names().contains(&key.text.as_str()) {
            let message = format!(
                "`{word}` is not what `{}` takes: {}",
                key.text,
                form(&key.text)
            );
            problems.push(argument.problem(message));
        }
        return None;
    };
    let expression = Expression::parse(&path)
        .map_err(|error| problems.push(argument.problem(format!("`{word}`: {error}"))))
        .ok()?;
    Some(Requirement { text, expression })
}

fn form(word: &str) -> &'static str {
    match word {
        "interaction" => "`Patient.read`",
        "operation" => "`Patient.everything`",
        "search" => "`Patient.family`",
        "system" => "`transaction`",
        "flag" => "`Patient.conditionalCreate`",
        "include" => "`Observation:subject`",
        _ => "`Patient/Observation:subject`",
    }
}

/// What a short word says to people, and its FHIRPath. `None` if the argument has another form; the parts go into
/// an expression, so they are letters, digits, `_`, `-` and `:` only.
fn spell_out(key: &str, argument: &str) -> Option<(String, String)> {
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'))
    };
    let pair = |separator: char| {
        argument
            .split_once(separator)
            .filter(|(left, right)| is_plain(left) && is_plain(right))
    };
    const SERVER: &str = "rest.where(mode = 'server')";
    let of_type = |name: &str| format!("{SERVER}.resource.where(type = '{name}')");
    Some(match key {
        "interaction" => {
            let (name, code) = pair('.')?;
            (
                format!("interaction {code} of {name}"),
                format!(
                    "{}.interaction.where(code = '{code}').exists()",
                    of_type(name)
                ),
            )
        }
        // Servers write the name with and without the `$` of its URL.
        "operation" => {
            let (name, code) = pair('.')?;
            (
                format!("operation ${code} of {name}"),
                format!(
                    "{}.operation.where(name = '{code}' or name = '${code}').exists()",
                    of_type(name)
                ),
            )
        }
        "search" => {
            let (name, code) = pair('.')?;
            (
                format!("search parameter {name}.{code}"),
                format!(
                    "{}.searchParam.where(name = '{code}').exists() or {SERVER}.searchParam.where(name = '{code}').exists()",
                    of_type(name)
                ),
            )
        }
        "system" if is_plain(argument) => (
            format!("system interaction {argument}"),
            format!("{SERVER}.interaction.where(code = '{argument}').exists()"),
        ),
        "flag" => {
            let (name, member) = pair('.')?;
            (
                format!("{member} of {name}"),
                format!("{}.where({member} = true).exists()", of_type(name)),
            )
        }
        "include" => {
            let (name, _) = pair(':')?;
            (
                format!("_include={argument}"),
                included(&of_type(name), "searchInclude", argument),
            )
        }
        "revinclude" => {
            let (name, include) = pair('/')?;
            (
                format!("_revinclude={include} on {name}"),
                included(&of_type(name), "searchRevInclude", include),
            )
        }
        _ => return None,
    })
}

/// Servers write `Observation:subject`, `Observation.subject` or `*`.
fn included(of_type: &str, member: &str, include: &str) -> String {
    let dotted = include.replace(':', ".");
    format!(
        "{of_type}.{member}.where($this = '{include}' or $this = '{dotted}' or $this = '*').exists()"
    )
}
