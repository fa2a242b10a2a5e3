//! `property/long-list-kept`: a list is read back with the length and the order with which it was written. Row RT-13.

use serde_json::{Value, json};

use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct LongListKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/long-list-kept",
    title: "A list is read back as long as it was written, in its order",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html#json",
    sentence: "The order of properties of an object is not significant in the JSON representation, though order within an array SHALL be maintained",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource with a list was accepted and read back",
    usual_causes: &[
        "the elements of a list are rows without a column for their order",
        "a store keeps a limited number of elements and says nothing",
        "equal elements are taken for one",
    ],
};

/// What every element begins with; its number follows.
const MARK: &str = "entry ";
/// Lengths, short ones more often: they are what cases are cut down to.
const LENGTHS: &[u32] = &[1, 2, 2, 3, 3, 12, 12, 50, 50, 1000];

impl Property for LongListKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = document::bare(resource_type);
        let length = *values.pick(LENGTHS);
        // Neither ascending nor descending, so that a sort shows.
        let turn = 1 + values.below(length);
        let texts =
            (0..length).map(|index| format!("{MARK}{:04}", (index * 7 + turn) % (7 * length)));
        match resource_type {
            "Observation" => {
                resource["note"] = texts.map(|text| json!({ "text": text })).collect();
            }
            _ => {
                let telecom = texts.map(|text| json!({ "system": "other", "value": text }));
                resource["telecom"] = telecom.collect();
            }
        }
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            let sent = marks(&pair.sent);
            if sent.is_empty() {
                continue;
            }
            judgement.weighed += 1;
            let found = marks(&pair.found);
            if let Some(kind) = kind(&sent, &found) {
                let violation = document::broken(&SPEC, kind, shown(&sent), shown(&found));
                let violation = violation.at("note or telecom").seen_in(pair.exchanges);
                judgement.violations.push(violation);
            }
        }
        judgement
    }

    /// The sentence is about the order; that all of it stays is what a store is for.
    fn level_of(&self, violation: &crate::record::Violation) -> Level {
        match violation.signature.first() {
            Some(sign) if sign == "reordered" => SPEC.level,
            _ => Level::Robust,
        }
    }
}

/// The marked elements in their order; what a server adds has no mark.
fn marks(resource: &Value) -> Vec<&str> {
    let list = |name: &str| resource.get(name).and_then(Value::as_array);
    list("note")
        .or_else(|| list("telecom"))
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("text").or_else(|| item.get("value"))?.as_str())
        .filter(|text| text.starts_with(MARK))
        .collect()
}

fn kind(sent: &[&str], found: &[&str]) -> Option<Kind> {
    if sent == found {
        return None;
    }
    let sorted = |list: &[&str]| {
        let mut sorted: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
        sorted.sort();
        sorted
    };
    Some(if sorted(sent) == sorted(found) {
        (
            "reordered",
            "A list is read back in another order than it was written",
        )
    } else if found.len() < sent.len() {
        ("shorter", "A list is read back shorter than it was written")
    } else {
        ("other", "A list is read back with other elements")
    })
}

fn shown(list: &[&str]) -> Phrase {
    let mut phrase = Phrase::say(format!("{} elements", list.len()));
    for (index, text) in list.iter().take(4).enumerate() {
        phrase = phrase
            .words(if index == 0 { ": " } else { ", " })
            .data(*text);
    }
    phrase
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn noted(texts: &[&str]) -> Value {
        let notes: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
        json!({"resourceType": "Observation", "note": notes})
    }

    #[test]
    fn a_kept_list_is_silent_and_what_a_server_adds_does_not_count() {
        assert_faithful(&LongListKept, noted(&["entry 2", "entry 1"]));
        let added = noted(&["entry 2", "by the server", "entry 1"]);
        let judgement = judged(&LongListKept, noted(&["entry 2", "entry 1"]), added);
        assert_eq!(signs(&judgement).len(), 0);
    }

    #[test]
    fn order_and_length_are_told_apart() {
        let sent = noted(&["entry 2", "entry 1"]);
        for (found, sign, level) in [
            (noted(&["entry 1", "entry 2"]), "reordered", Level::Shall),
            (noted(&["entry 2"]), "shorter", Level::Robust),
            (noted(&["entry 2", "entry 2"]), "other", Level::Robust),
            (json!({}), "shorter", Level::Robust),
        ] {
            let judgement = judged(&LongListKept, sent.clone(), found);
            assert_eq!(signs(&judgement), [sign]);
            assert_eq!(LongListKept.level_of(&judgement.violations[0]), level);
        }
    }

    #[test]
    fn a_resource_without_a_list_says_nothing() {
        let bare = document::bare("Patient");
        assert_eq!(judged(&LongListKept, bare.clone(), bare).weighed, 0);
    }
}
