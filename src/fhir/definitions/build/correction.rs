//! Where the source package departs from published R4 (4.0.1), and what R4 says instead.
//! Not opinions about R4: each row was compared with the R4 data element definitions and the R4 pages.
//!
//! The package adds elements of later versions and of its own server to the base definitions; a validator that
//! took them over would let unknown elements pass. Applied to pristine R4 definitions these rows change nothing.

use super::super::pack::{ElementRow, TypeRow};
use super::structure::index;

/// Elements that R4 does not have, with all that is below them.
const REMOVED: &[&str] = &[
    "Binary.url",
    "DeviceDefinition.bodySite",
    "DeviceDefinition.classification",
    "EvidenceVariable.characteristic.definitionByCombination",
    "EvidenceVariable.characteristic.definitionByTypeAndValue",
    "EvidenceVariable.characteristic.definitionCanonical",
    "EvidenceVariable.characteristic.definitionCodeableConcept",
    "EvidenceVariable.characteristic.definitionExpression",
    "EvidenceVariable.characteristic.definitionId",
    "EvidenceVariable.characteristic.definitionReference",
    "EvidenceVariable.characteristic.duration[x]",
    "EvidenceVariable.characteristic.instances[x]",
    "EvidenceVariable.characteristic.linkId",
    "EvidenceVariable.characteristic.note",
    "EvidenceVariable.characteristic.timeFromEvent",
    "Meta.account",
    "Meta.accounts",
    "Meta.author",
    "Meta.compartment",
    "Meta.onBehalfOf",
    "Meta.project",
    "ObservationDefinition.publisher",
    "ResearchStudy.associatedParty",
    "ResearchStudy.classifier",
    "ResearchStudy.comparisonGroup",
    "ResearchStudy.descriptionSummary",
    "ResearchStudy.label",
    "ResearchStudy.name",
    "ResearchStudy.objective.description",
    "ResearchStudy.outcomeMeasure",
    "ResearchStudy.progressStatus",
    "ResearchStudy.recruitment",
    "ResearchStudy.region",
    "ResearchStudy.result",
    "ResearchStudy.studyDesign",
    "ResearchStudy.whyStopped",
];

/// Elements whose type R4 gives otherwise.
const RETYPED: &[(&str, &str)] = &[
    ("Bundle.entry.response.outcome", "Resource"),
    ("EvidenceVariable.characteristic.description", "string"),
];

/// Elements that R4 requires.
const REQUIRED: &[&str] = &["EvidenceVariable.characteristic"];

/// Elements whose required value set R4 gives otherwise.
const REBOUND: &[(&str, &str)] = &[(
    "DetectedIssue.status",
    "http://hl7.org/fhir/ValueSet/observation-status",
)];

/// An element of R4 that the package lacks.
struct Added {
    structure: &'static str,
    path: &'static str,
    min: u32,
    max: Option<u32>,
    types: &'static [&'static str],
    value_set: Option<&'static str>,
}

/// <http://hl7.org/fhir/R4/evidencevariable-definitions.html>
const ADDED: &[Added] = &[
    Added {
        structure: "EvidenceVariable",
        path: "EvidenceVariable.characteristic.definition[x]",
        min: 1,
        max: Some(1),
        types: &[
            "Reference",
            "canonical",
            "CodeableConcept",
            "Expression",
            "DataRequirement",
            "TriggerDefinition",
        ],
        value_set: None,
    },
    Added {
        structure: "EvidenceVariable",
        path: "EvidenceVariable.characteristic.usageContext",
        min: 0,
        max: None,
        types: &["UsageContext"],
        value_set: None,
    },
    Added {
        structure: "EvidenceVariable",
        path: "EvidenceVariable.characteristic.participantEffective[x]",
        min: 0,
        max: Some(1),
        types: &["dateTime", "Period", "Duration", "Timing"],
        value_set: None,
    },
    Added {
        structure: "EvidenceVariable",
        path: "EvidenceVariable.characteristic.timeFromStart",
        min: 0,
        max: Some(1),
        types: &["Duration"],
        value_set: None,
    },
    Added {
        structure: "EvidenceVariable",
        path: "EvidenceVariable.characteristic.groupMeasure",
        min: 0,
        max: Some(1),
        types: &["code"],
        value_set: Some("http://hl7.org/fhir/ValueSet/group-measure"),
    },
];

/// Value sets of the added elements.
pub(super) fn value_sets<'a>() -> impl Iterator<Item = &'a str> {
    ADDED.iter().filter_map(|added| added.value_set)
}

/// The required value set of an element by its path, given what the package says.
pub(super) fn value_set<'a>(path: &str, published: Option<&'a str>) -> Option<&'a str> {
    match REBOUND.iter().find(|(rebound, _)| *rebound == path) {
        Some((_, url)) => Some(url),
        None => published.filter(|_| !is_removed(path)),
    }
}

/// Corrects the elements of one structure.
pub(super) fn apply(structure: &str, rows: &mut Vec<ElementRow<'_>>, bound: &[&str]) {
    rows.retain(|row| !is_removed(row.path));
    for row in rows.iter_mut() {
        if let Some((_, code)) = RETYPED.iter().find(|(path, _)| *path == row.path) {
            row.types = vec![type_row(code)];
        }
        if REQUIRED.contains(&row.path) {
            row.min = 1;
        }
    }
    for added in ADDED.iter().filter(|added| added.structure == structure) {
        if !rows.iter().any(|row| row.path == added.path) {
            rows.push(added_row(added, bound));
        }
    }
}

fn added_row(added: &Added, bound: &[&str]) -> ElementRow<'static> {
    ElementRow {
        path: added.path,
        min: added.min,
        max: added.max,
        repeats: added.max != Some(1),
        attribute: false,
        types: added.types.iter().map(|code| type_row(code)).collect(),
        content: None,
        binding: added.value_set.and_then(|url| index(url, bound)),
    }
}

pub(super) fn is_removed(path: &str) -> bool {
    REMOVED.iter().any(|removed| is_at_or_below(path, removed))
}

fn type_row(code: &'static str) -> TypeRow<'static> {
    TypeRow {
        code,
        profile: None,
    }
}

fn is_at_or_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
