//! `property/null-padding-kept`: where a primitive repeats, each extension is read back beside its own value. Row
//! RT-10. How the gaps are spelled is the server's choice, so the two arrays are compared as one list of pairs.

use serde_json::{Value, json};

use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct NullPaddingKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/null-padding-kept",
    title: "Each extension of a repeating primitive is read back beside its own value",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html#primitive",
    sentence: "JSON null values are used to fill out both arrays so that the id and/or extension are aligned with the matching value in the first array",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a repeating primitive with an extension was accepted and read back",
    usual_causes: &[
        "nulls are removed from arrays, so extensions move to other values",
        "members that begin with _ are dropped",
        "an array whose elements have no values is taken for empty",
    ],
};

/// Where the repeating primitive stands in a Patient, and in any other resource.
const PLACES: [&str; 2] = ["/name/0", "/extension/0/valueHumanName"];

impl Property for NullPaddingKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let marked = |code: &str| {
            json!({ "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": code }] })
        };
        let mut name = match values.below(4) {
            0 => json!({ "given": ["Ida", null], "_given": [null, marked("masked")] }),
            1 => json!({ "given": [null, "Ida"], "_given": [marked("masked"), null] }),
            2 => json!({ "given": ["Ida", "Noor", "Lea"], "_given": [null, { "id": "g2" }, null] }),
            _ => json!({ "_given": [marked("masked"), marked("unknown")] }),
        };
        name["family"] = json!("Ansel");
        let mut resource = document::bare(resource_type);
        if resource_type == "Patient" {
            resource["name"] = json!([name]);
        } else {
            let url = "http://example.org/fhir/StructureDefinition/author";
            resource["extension"] = json!([{ "url": url, "valueHumanName": name }]);
        }
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            let Some(sent) = given(&pair.sent).filter(|list| list.iter().any(is_extended)) else {
                continue;
            };
            judgement.weighed += 1;
            let found = given(&pair.found).unwrap_or_default();
            let Some(kind) = kind(&sent, &found) else {
                continue;
            };
            let violation = document::broken(&SPEC, kind, listed(&sent), listed(&found));
            let violation = violation.at("name.given").seen_in(pair.exchanges);
            judgement.violations.push(violation);
        }
        judgement
    }
}

/// A value with its id and extensions; either may be null.
type Element = (Value, Value);

fn is_extended((_, shadow): &Element) -> bool {
    !shadow.is_null()
}

/// The elements of the given name, without nothing at their end.
fn given(resource: &Value) -> Option<Vec<Element>> {
    let name = PLACES.iter().find_map(|place| resource.pointer(place))?;
    let list = |member: &str| {
        let items = name.get(member).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let (values, shadows) = (list("given"), list("_given"));
    let at = |items: &[Value], index: usize| items.get(index).cloned().unwrap_or(Value::Null);
    let length = values.len().max(shadows.len());
    let mut elements: Vec<Element> = (0..length)
        .map(|index| (at(&values, index), at(&shadows, index)))
        .collect();
    while elements
        .last()
        .is_some_and(|(value, shadow)| value.is_null() && shadow.is_null())
    {
        elements.pop();
    }
    Some(elements)
}

fn kind(sent: &[Element], found: &[Element]) -> Option<Kind> {
    if sent == found {
        return None;
    }
    let shadows = |list: &[Element]| list.iter().filter(|element| is_extended(element)).count();
    let places = |list: &[Element]| list.iter().map(is_extended).collect::<Vec<_>>();
    let values = |list: &[Element]| list.iter().filter(|(value, _)| !value.is_null()).count();
    Some(if shadows(found) < shadows(sent) {
        ("lost", "An extension of a repeating primitive is lost")
    } else if values(found) < values(sent) {
        ("value-lost", "A value of a repeating primitive is lost")
    } else if places(found) == places(sent) {
        (
            "changed",
            "An extension of a repeating primitive is read back as another one",
        )
    } else {
        (
            "moved",
            "An extension of a repeating primitive is read back beside another value",
        )
    })
}

fn listed(list: &[Element]) -> Phrase {
    let mut phrase = Phrase::say(format!("{} elements", list.len()));
    for (value, shadow) in list {
        phrase = phrase
            .words("; ")
            .data(value.to_string())
            .words(" with ")
            .data(shadow.to_string());
    }
    phrase
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn patient(name: Value) -> Value {
        json!({"resourceType": "Patient", "name": [name]})
    }

    fn sent() -> Value {
        patient(json!({"given": ["Ida", null], "_given": [null, {"id": "g"}]}))
    }

    fn judge(name: Value) -> Judgement {
        judged(&NullPaddingKept, sent(), patient(name))
    }

    #[test]
    fn another_spelling_of_the_gaps_is_silent() {
        assert_faithful(&NullPaddingKept, sent());
        let judgement = judge(json!({"given": ["Ida"], "_given": [null, {"id": "g"}]}));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn moved_and_lost_extensions_are_told_apart() {
        let moved = judge(json!({"given": ["Ida"], "_given": [{"id": "g"}]}));
        assert_eq!(signs(&moved), ["moved"]);
        assert_eq!(signs(&judge(json!({"given": ["Ida"]}))), ["lost"]);
        let other = judge(json!({"given": ["Ida", null], "_given": [null, {"id": "h"}]}));
        assert_eq!(signs(&other), ["changed"]);
        let bare = judge(json!({"_given": [null, {"id": "g"}]}));
        assert_eq!(signs(&bare), ["value-lost"]);
        assert_eq!(
            signs(&judged(&NullPaddingKept, sent(), json!({}))),
            ["lost"]
        );
    }

    #[test]
    fn an_observation_carries_its_name_in_an_extension() {
        let name = json!({"_given": [{"id": "g"}]});
        let resource = json!({"extension": [{"url": "u", "valueHumanName": name}]});
        assert_faithful(&NullPaddingKept, resource);
    }
}
