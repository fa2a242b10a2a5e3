//! `property/large-value-kept`: a value of any size is read back whole. Row RT-17. A server may refuse what is too
//! large for it; it may not keep a part.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::document::{self, Kind};
use super::{Case, Family, Ground, Guard, Judgement, Property, PropertySpec, Trace, Values};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct LargeValueKept;

static SPEC: PropertySpec = PropertySpec {
    id: "property/large-value-kept",
    title: "A value of any size is read back whole",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "A server SHOULD otherwise accept the resource as submitted when it accepts the create, and return the same content when it is subsequently read.",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a text or binary value was accepted and read back",
    usual_causes: &[
        "a database column is shorter than the value, and the rest is cut off",
        "binary data pass through a text encoding",
        "the padding of base64 is taken for dirt",
    ],
};

/// Sizes in bytes: all lengths of padding, and both sides of columns of 255, 4,000 and 65,535.
const SIZES: &[usize] = &[1, 2, 3, 255, 256, 4_000, 4_001, 65_535, 65_536, 100_000];
/// Members that hold the value, in an extension that stands for it in any type.
const MEMBERS: [&str; 2] = ["valueString", "valueBase64Binary"];

impl Property for LargeValueKept {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let size = *values.pick(SIZES);
        let (member, value) = if values.chance(50) {
            (MEMBERS[0], text(size))
        } else {
            (MEMBERS[1], BASE64_STANDARD.encode(bytes(size)))
        };
        let mut resource = document::bare(resource_type);
        resource["extension"] =
            json!([{ "url": "http://example.org/fhir/StructureDefinition/large", member: value }]);
        document::written_and_read(SPEC.id, resource)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        for pair in document::kept(trace, &mut judgement) {
            let Some((member, sent)) = value(&pair.sent) else {
                continue;
            };
            judgement.weighed += 1;
            let found = value(&pair.found).map(|(_, found)| found);
            if let Some(kind) = kind(&sent, found.as_deref()) {
                let expected = Phrase::say(format!("{} characters", sent.len()));
                let actual = match &found {
                    Some(found) => Phrase::say(format!("{} characters", found.len())),
                    None => Phrase::say("nothing at this place"),
                };
                let violation = document::broken(&SPEC, kind, expected, actual)
                    .at(format!("extension.{member}"))
                    .seen_in(pair.exchanges)
                    .signed(member);
                judgement.violations.push(violation);
            }
        }
        judgement
    }
}

/// Words with numbers, so that a part of it is seen to be one.
fn text(size: usize) -> String {
    let mut text: String = (0..=size / 6).map(|index| format!("w{index:05}")).collect();
    text.truncate(size);
    text
}

/// All values of a byte, in an order that no run of equal bytes makes short.
fn bytes(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| ((index * 167 + index / 256) % 256) as u8)
        .collect()
}

/// The large value, base64 without the white space that it may have.
fn value(resource: &Value) -> Option<(&'static str, String)> {
    let extension = resource.pointer("/extension/0")?;
    MEMBERS.iter().find_map(|member| {
        let text = extension.get(member)?.as_str()?;
        let is_binary = *member == MEMBERS[1];
        let kept = text
            .chars()
            .filter(|letter| !is_binary || !letter.is_ascii_whitespace());
        Some((*member, kept.collect()))
    })
}

fn kind(sent: &str, found: Option<&str>) -> Option<Kind> {
    match found {
        Some(found) if found == sent => None,
        None => Some(("lost", "A large value is lost")),
        Some(found) if sent.starts_with(found) => {
            Some(("cut", "A large value is read back without its end"))
        }
        Some(_) => Some(("changed", "A large value is read back as another one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::{assert_faithful, judged, signs};

    fn patient(member: &str, value: &str) -> Value {
        json!({"resourceType": "Patient", "extension": [{"url": "u", member: value}]})
    }

    #[test]
    fn whole_values_are_silent_and_base64_may_be_wrapped() {
        assert_faithful(&LargeValueKept, patient("valueString", &text(5_000)));
        let (sent, found) = ("aGVsbG8h", "aGVs\nbG8h");
        let sent = patient("valueBase64Binary", sent);
        let judgement = judged(&LargeValueKept, sent, patient("valueBase64Binary", found));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn values_that_are_cut_or_changed_are_told_apart() {
        let sent = patient("valueString", &text(300));
        for (found, sign) in [
            (patient("valueString", &text(255)), "cut"),
            (patient("valueString", "w00009"), "changed"),
            (json!({}), "lost"),
        ] {
            assert_eq!(signs(&judged(&LargeValueKept, sent.clone(), found)), [sign]);
        }
    }

    #[test]
    fn generated_values_have_their_size() {
        for size in SIZES {
            assert_eq!((text(*size).len(), bytes(*size).len()), (*size, *size));
        }
    }
}
