//! Does the CapabilityStatement hold together: what must be there, and nothing twice. Whether it is true is
//! `interactions`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::plural;
use super::{Judgement, Known, Probe, Sign, Spec, Step};
use crate::fhir::definitions;
use crate::http::Exchange;
use crate::record::consultation::{Mark, Owner};

/// Elements with a minimum cardinality of 1, <http://hl7.org/fhir/R4/capabilitystatement-definitions.html>.
const REQUIRED: &[&str] = &["status", "date", "kind", "fhirVersion", "format"];

/// The probe.
pub struct CapabilitySanity;

impl Probe for CapabilitySanity {
    fn spec(&self) -> Spec {
        Spec {
            id: "capability",
            title: "the CapabilityStatement does not contradict itself",
            spec: "http://hl7.org/fhir/R4/capabilitystatement.html#invs",
            owner: Owner::Server,
        }
    }

    fn next(&self, known: &Known, _seen: &[Exchange]) -> Step {
        match known.capability {
            None => Step::Skip("there is no CapabilityStatement".to_owned()),
            Some(_) => Step::Done,
        }
    }

    fn judge(&self, known: &Known, _seen: &[Exchange]) -> Judgement {
        let Some(capability) = &known.capability else {
            return Judgement::new(Mark::Skip, "there is no CapabilityStatement");
        };
        let faults = faults(capability.value());
        let types = capability.resource_types().len();
        match faults.as_slice() {
            [] if types == 0 => Judgement::new(Mark::Warn, "declares no resource type")
                .next_step("list what the server supports in rest.resource"),
            [] => Judgement::new(
                Mark::Pass,
                format!("{}, each declared once", plural(types, "resource type")),
            )
            .of(types),
            [first, rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    n => format!(" and {} more", plural(n, "fault")),
                };
                Judgement::new(Mark::Fail, format!("{first}{more}"))
                    .sign(Sign::CapabilityFaulty)
                    .of(faults.len())
                    .next_step("strict clients refuse the whole statement: mend it")
            }
        }
    }
}

fn faults(statement: &Value) -> Vec<String> {
    let mut faults: Vec<String> = REQUIRED
        .iter()
        .filter(|name| is_absent(statement.get(**name)))
        .map(|name| format!("{name} is missing"))
        .collect();
    let rest: Vec<&Value> = items(statement, "rest")
        .filter(|rest| rest.get("mode").and_then(Value::as_str) == Some("server"))
        .collect();
    if rest.is_empty() {
        faults.push("no rest of mode server".to_owned());
    }
    for rest in rest {
        faults.extend(rest_faults(rest));
    }
    faults
}

/// cpb-9: a resource can only be described once per mode; cpb-12: parameter names are unique within a resource.
fn rest_faults(rest: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut types = BTreeSet::new();
    for resource in items(rest, "resource") {
        let name = resource.get("type").and_then(Value::as_str);
        let Some(name) = name.filter(|name| definitions::is_resource_type(name)) else {
            faults.push("a resource type that R4 does not know".to_owned());
            continue;
        };
        if !types.insert(name) {
            faults.push(format!("{name} is declared twice"));
        }
        let mut codes = BTreeSet::new();
        let repeats = items(resource, "searchParam")
            .filter_map(|parameter| parameter.get("name")?.as_str())
            .filter(|code| !codes.insert(*code))
            .count();
        if repeats > 0 {
            let repeated = plural(repeats, "search parameter");
            faults.push(format!("{name} declares {repeated} twice"));
        }
    }
    faults
}

fn items<'a>(holder: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    holder
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_absent(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}
