//! From `ValueSet.compose` to codings: whole systems, lists of concepts, is-a filters, imports and exclusions.
//! Other filters are refused, for a wrong expansion is worse than none.

use serde_json::{Map, Value};

use super::super::super::defect::Fault;
use super::super::super::outcome::Refusal;
use super::super::super::turn::Turn;
use super::canonical;
use super::code_system::CodeSystem;

/// Codes of one expansion.
const MAX_CODES: usize = 5_000;

/// Imports of value sets by value sets that are followed.
const MAX_IMPORTS: usize = 8;

/// A coding, complete or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// Code system.
    pub system: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// Display.
    pub display: Option<String>,
}

impl Coding {
    /// A coding without a display.
    pub fn new(system: Option<String>, code: Option<String>) -> Self {
        Coding {
            system,
            code,
            display: None,
        }
    }

    /// Reads a Coding.
    pub fn of(value: &Value) -> Self {
        let text = |member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        Coding {
            system: text("system"),
            code: text("code"),
            display: text("display"),
        }
    }

    /// An entry of `ValueSet.expansion.contains`.
    pub fn to_json(&self) -> Value {
        let members = [
            ("system", &self.system),
            ("code", &self.code),
            ("display", &self.display),
        ];
        let members = members.into_iter().filter_map(|(name, value)| {
            let value = value.clone()?;
            Some((name.to_owned(), Value::from(value)))
        });
        Value::Object(members.collect::<Map<String, Value>>())
    }

    /// True if system and code are the same.
    pub fn is_same(&self, other: &Coding) -> bool {
        self.system == other.system && self.code == other.code
    }

    /// True if the other has no display or, case aside, the same one.
    pub fn is_called_the_same(&self, other: &Coding) -> bool {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        other.display.is_none() || lower(&self.display) == lower(&other.display)
    }

    /// True if the code or the display contains a text in lower case.
    pub fn shows(&self, text: &str) -> bool {
        [&self.code, &self.display]
            .into_iter()
            .flatten()
            .any(|shown| shown.to_lowercase().contains(text))
    }
}

/// The codes of a ValueSet, each once, in the order of its composition.
pub fn members(turn: &mut Turn<'_>, value_set: &Value) -> Result<Vec<Coding>, Refusal> {
    composed(turn, value_set, MAX_IMPORTS)
}

fn composed(turn: &mut Turn<'_>, value_set: &Value, depth: usize) -> Result<Vec<Coding>, Refusal> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(too_costly("the value set imports others too deeply"));
    };
    let compose = value_set.get("compose").unwrap_or(&Value::Null);
    let parts = |name: &str| -> Vec<Value> {
        let list = compose.get(name).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let mut found: Vec<Coding> = Vec::new();
    for include in parts("include") {
        for coding in set(turn, &include, depth)? {
            if !found.iter().any(|known| known.is_same(&coding)) {
                found.push(coding);
            }
            if found.len() > MAX_CODES {
                return Err(too_costly("the expansion has too many codes"));
            }
        }
    }
    if turn.server.has(Fault::ExpandIgnoresExclude) {
        return Ok(found);
    }
    for exclude in parts("exclude") {
        let out = set(turn, &exclude, depth)?;
        found.retain(|coding| !out.iter().any(|other| other.is_same(coding)));
    }
    Ok(found)
}

/// The codes of one include or exclude: of its system, and of all value sets that it names.
fn set(turn: &mut Turn<'_>, part: &Value, depth: usize) -> Result<Vec<Coding>, Refusal> {
    let mut found: Option<Vec<Coding>> = None;
    if let Some(system) = part.get("system").and_then(Value::as_str) {
        found = Some(of_system(turn, part, system)?);
    }
    let imports = part.get("valueSet").and_then(Value::as_array);
    for url in imports.into_iter().flatten().filter_map(Value::as_str) {
        let imported = canonical(turn, "ValueSet", url)?;
        let imported = composed(turn, &imported, depth)?;
        found = Some(match found {
            None => imported,
            Some(mut found) => {
                found.retain(|coding| imported.iter().any(|other| other.is_same(coding)));
                found
            }
        });
    }
    Ok(found.unwrap_or_default())
}

fn of_system(turn: &mut Turn<'_>, part: &Value, system: &str) -> Result<Vec<Coding>, Refusal> {
    let list = |name: &str| part.get(name).and_then(Value::as_array);
    if let Some(concepts) = list("concept") {
        // A code system that is not known still has the codes that are listed.
        let known = canonical(turn, "CodeSystem", system).ok();
        let known = known.as_ref().map(CodeSystem::new);
        return Ok(concepts
            .iter()
            .map(|concept| {
                let mut coding = Coding::of(concept);
                coding.system = Some(system.to_owned());
                let code = coding.code.as_deref().unwrap_or_default();
                let display = known.as_ref().and_then(|known| known.display(code));
                coding.display = coding.display.or(display.map(str::to_owned));
                coding
            })
            .collect());
    }
    let resource = canonical(turn, "CodeSystem", system)?;
    let code_system = CodeSystem::new(&resource);
    let mut codings = match turn.server.has(Fault::ExpandTopLevelOnly) {
        true => code_system.top(),
        false => code_system.members(),
    };
    for filter in list("filter").into_iter().flatten() {
        let text = |member: &str| filter.get(member).and_then(Value::as_str);
        let (Some("concept"), Some("is-a"), Some(value)) =
            (text("property"), text("op"), text("value"))
        else {
            let message = "a filter of the value set is none that this server can apply";
            return Err(Refusal::new(422, "not-supported", message));
        };
        codings.retain(|coding| {
            let code = coding.code.as_deref().unwrap_or_default();
            code == value || code_system.is_below(code, value)
        });
    }
    Ok(codings)
}

fn too_costly(message: &str) -> Refusal {
    Refusal::new(422, "too-costly", message)
}
