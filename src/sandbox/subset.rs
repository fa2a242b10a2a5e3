//! `_summary` and `_elements`: parts of a resource, marked as such. <http://hl7.org/fhir/R4/search.html#summary>
//! What a type marks as summary is not known here; see `Mode::Summary`.

use serde_json::{Map, Value, json};

use super::defect::Fault;
use super::outcome::Refusal;
use super::server::Server;
use crate::fhir::definitions::required_elements;
use crate::fhir::query::{Query, Shape};

/// Which part of a resource is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    Whole,
    /// `true`: R4 leaves to the server what it takes out; here narrative, contained resources and extensions.
    Summary,
    /// `text`: narrative, id, meta and mandatory elements.
    Text,
    /// `data`: all but the narrative.
    Data,
    /// `_elements`: those named and mandatory ones.
    Elements(Vec<String>),
}

/// A part of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset(Mode);

/// Members that are never left out: without them a resource cannot be told or processed safely.
const ALWAYS: [&str; 4] = ["resourceType", "id", "meta", "implicitRules"];

impl Subset {
    /// The part that a search asks for.
    pub fn of_shape(shape: &Shape) -> Result<Self, Refusal> {
        let joins = !shape.include.is_empty() || !shape.revinclude.is_empty();
        Ok(Subset(match shape.summary.as_deref() {
            Some("text") if joins => {
                let message = "_summary=text does not go with _include or _revinclude";
                return Err(Refusal::invalid(message));
            }
            Some("true") => Mode::Summary,
            Some("text") => Mode::Text,
            Some("data") => Mode::Data,
            _ if !shape.elements.is_empty() => Mode::Elements(shape.elements.clone()),
            _ => Mode::Whole,
        }))
    }

    /// The part that a read asks for; parameters that do not belong to a read are ignored.
    pub fn of_pairs(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let shaping: Vec<(String, String)> = pairs
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "_summary" | "_elements"))
            .cloned()
            .collect();
        let query =
            Query::parse(None, &shaping).map_err(|error| Refusal::invalid(error.to_string()))?;
        Subset::of_shape(&query.shape)
    }

    /// True if nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.0 == Mode::Whole
    }

    /// The part of a resource, tagged SUBSETTED unless it is whole.
    pub fn apply(&self, server: &Server, resource: &Value) -> Value {
        let (false, Some(members)) = (self.is_whole(), resource.as_object()) else {
            return resource.clone();
        };
        let name = members
            .get("resourceType")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kept: Map<String, Value> = members
            .iter()
            .filter(|(member, _)| self.keeps(server, name, member))
            .map(|(member, value)| (member.clone(), value.clone()))
            .collect();
        let mut part = Value::Object(kept);
        if !server.has(Fault::SubsettedMissing) && !server.has(Fault::SubsettedOnBundle) {
            tag(&mut part);
        }
        part
    }

    fn keeps(&self, server: &Server, name: &str, member: &str) -> bool {
        let element = member.strip_prefix('_').unwrap_or(member);
        if ALWAYS.contains(&element) {
            return true;
        }
        match &self.0 {
            Mode::Whole => true,
            Mode::Summary if is_required(name, element) => true,
            Mode::Summary => !matches!(
                element,
                "text" | "contained" | "extension" | "photo" | "contact" | "communication" | "note"
            ),
            Mode::Text => element == "text" || is_required(name, element),
            Mode::Data => element != "text",
            Mode::Elements(wanted) => {
                wanted.iter().any(|wanted| names(wanted, element))
                    || is_required(name, element) && !server.has(Fault::ElementsDropsMandatory)
            }
        }
    }
}

fn is_required(name: &str, element: &str) -> bool {
    required_elements(name)
        .iter()
        .any(|required| names(required, element))
}

/// True if a member is the element, or one of its types if it is a choice (`value` names `valueQuantity`).
fn names(element: &str, member: &str) -> bool {
    let element = element.strip_suffix("[x]").unwrap_or(element);
    member.strip_prefix(element).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(|first: char| first.is_ascii_uppercase())
    })
}

/// Marks what is not whole.
pub fn tag(resource: &mut Value) {
    let subsetted = json!({
        "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code": "SUBSETTED",
        "display": "subsetted",
    });
    match resource["meta"]["tag"].as_array_mut() {
        Some(tags) => tags.push(subsetted),
        None => resource["meta"]["tag"] = json!([subsetted]),
    }
}
