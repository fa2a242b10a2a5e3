//! `property/key-order-ignored`: the order of the members of a JSON object changes nothing. Row RT-18.

use serde_json::{Map, Value};

use super::case::{Command, Origin, Script};
use super::compare::Numbers;
use super::document::{self, either_way};
use super::trace::{Event, Reply, Trace};
use super::{
    Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset,
};
use crate::fhir::capability::Capability;
use crate::http::Exchange;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct KeyOrderIgnored;

static SPEC: PropertySpec = PropertySpec {
    id: "property/key-order-ignored",
    title: "The order of the members of a JSON object changes nothing",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/json.html#resources",
    sentence: "Note that parsers cannot assume that the resourceType property will come first.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was written with its members in two orders, and both were read or one refused",
    usual_causes: &[
        "a deserializer chooses the type by the first member",
        "a streaming parser reads an extension before the value it belongs to, and forgets it",
        "a member that comes late replaces what was read before",
    ],
};

impl Property for KeyOrderIgnored {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource = dataset::document(document::one_type(ground, values), values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let turned = turned(&resource, values);
        for resource in [resource, turned] {
            let made = script.create(resource);
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let creates: Vec<&Event> = trace
            .events
            .iter()
            .filter(|event| matches!(event.step.command, Command::Create { .. }))
            .collect();
        let [one, other] = creates.as_slice() else {
            return judgement;
        };
        // A case that was cut down may write two resources.
        if one.step.command.payload() != other.step.command.payload() {
            return judgement;
        }
        match (one.reply(), other.reply()) {
            (Reply::Accepted(_), Reply::Accepted(_)) => {
                compare(trace, one, other, &mut judgement);
            }
            (Reply::Accepted(_), Reply::Refused(refused))
            | (Reply::Refused(refused), Reply::Accepted(_)) => {
                judgement.weighed += 1;
                let status = refused.status().unwrap_or_default().to_string();
                let kind = (
                    "refused",
                    "A resource is refused for the order of its members",
                );
                let actual = Phrase::say("one of them with ").words(status);
                let violation = document::broken(&SPEC, kind, "both are accepted", actual);
                judgement
                    .violations
                    .push(violation.seen_in(one.numbers().chain(other.numbers())));
            }
            (Reply::Refused(refused), _) => judgement.open.push(Open::Blocked(format!(
                "the target refuses a legal resource ({})",
                refused.status().unwrap_or_default()
            ))),
            _ => {}
        }
        judgement
    }
}

fn compare(trace: &Trace, one: &Event, other: &Event, judgement: &mut Judgement) {
    let read = |created: &Event| {
        let reads = trace.events.iter();
        reads
            .filter(|event| event.step.command.target() == Some(created.step.id))
            .find_map(|event| Some((event, event.accepted().and_then(Exchange::json)?)))
    };
    let (Some((first, left)), Some((second, right))) = (read(one), read(other)) else {
        return;
    };
    judgement.weighed += 1;
    if let Some(violation) = content(&left, &right, &trace.base) {
        let events = [one, first, other, second];
        let numbers = events.into_iter().flat_map(Event::numbers);
        judgement.violations.push(violation.seen_in(numbers));
    }
}

fn content(left: &Value, right: &Value, base: &str) -> Option<Violation> {
    let difference = either_way(left, right, base, Numbers::Exact)
        .into_iter()
        // Each has identifiers of its own.
        .find(|difference| difference.path.split('.').nth(1) != Some("identifier"))?;
    let kind = (
        difference.kind,
        "The order of the members decides what is stored",
    );
    let violation = document::violation(&SPEC, &difference, kind);
    Some(violation.signed(difference.class))
}

/// The same with the members of every object in another order, `resourceType` last.
fn turned(value: &Value, values: &mut Values) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| turned(item, values)).collect(),
        Value::Object(members) => {
            let mut left: Vec<(&String, &Value)> = members.iter().rev().collect();
            let mut order: Map<String, Value> = Map::new();
            while !left.is_empty() {
                let last = u32::try_from(left.len()).unwrap_or(1);
                let at = values.below(last) as usize;
                let (name, item) = left.remove(at);
                if name != "resourceType" || left.is_empty() {
                    order.insert(name.clone(), turned(item, values));
                } else {
                    left.push((name, item));
                }
            }
            Value::Object(order)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use crate::seed::Seed;
    use serde_json::json;

    fn judge(statuses: [u16; 2], found: [Value; 2]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let sent = json!({"resourceType": "Patient", "gender": "male", "active": true});
        for (status, found) in statuses.into_iter().zip(found) {
            let made = stage.create_answered("Patient/1", sent.clone(), status);
            stage.read(made, 200, found);
        }
        KeyOrderIgnored.check(&stage.trace(), &capability(json!({})))
    }

    fn patient(gender: &str) -> Value {
        json!({"resourceType": "Patient", "identifier": [{"value": gender}], "gender": gender})
    }

    #[test]
    fn a_turned_resource_is_equal_and_begins_otherwise() {
        let mut values = Values::new(Seed(1));
        let resource = dataset::document("Patient", &mut values);
        let turned = turned(&resource, &mut values);
        assert_eq!(resource, turned);
        assert_eq!(
            turned.as_object().unwrap().keys().next_back().unwrap(),
            "resourceType"
        );
    }

    #[test]
    fn the_same_content_is_silent_and_two_refusals_say_nothing() {
        let mut other = patient("male");
        other["identifier"] = json!([{"value": "x"}]);
        let judgement = judge([201, 201], [patient("male"), other]);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
        let refused = judge([422, 422], [json!({}), json!({})]);
        assert_eq!((refused.weighed, refused.open.len()), (0, 1));
    }

    #[test]
    fn other_content_and_one_refusal_are_told_apart() {
        let changed = judge([201, 201], [patient("male"), patient("female")]);
        assert_eq!(signs(&changed), ["changed"]);
        let refused = judge([201, 400], [patient("male"), json!({})]);
        assert_eq!(signs(&refused), ["refused"]);
    }
}
