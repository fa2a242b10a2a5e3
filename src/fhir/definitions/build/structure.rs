//! StructureDefinitions to rows: types with their elements from the snapshot.
//! Not profiles: of the constraints only the two types that R4 defines as such.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::pack::{ElementRow, Kind, StructureRow, TypeRow};
use super::{FHIR_VERSION, Sources, correction, list, text, texts};

const PREFIX: &str = "http://hl7.org/fhir/StructureDefinition/";
const FHIRPATH_SYSTEM: &str = "http://hl7.org/fhirpath/System.";
const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// Types that R4 defines as constraints on `Quantity`, <http://hl7.org/fhir/R4/datatypes.html#SimpleQuantity>.
const CONSTRAINED_TYPES: [&str; 2] = ["MoneyQuantity", "SimpleQuantity"];

/// True for the definition of a type of R4.
pub(super) fn is_taken(resource: &Value, url: &str) -> bool {
    let Some(name) = url.strip_prefix(PREFIX) else {
        return false;
    };
    let is_type =
        text(resource, "derivation") != Some("constraint") || CONSTRAINED_TYPES.contains(&name);
    is_type
        && text(resource, "fhirVersion") == Some(FHIR_VERSION)
        && text(resource, "name") == Some(name)
        && kind(resource).is_some()
}

fn kind(resource: &Value) -> Option<Kind> {
    match text(resource, "kind")? {
        "primitive-type" => Some(Kind::Primitive),
        "complex-type" => Some(Kind::Complex),
        "resource" => Some(Kind::Resource),
        _ => None,
    }
}

/// Canonicals of the value sets that are required somewhere, sorted, without versions.
pub(super) fn required_value_sets<'a>(sources: &Sources<'a>) -> Vec<&'a str> {
    let canonicals: BTreeSet<&str> = sources
        .structures
        .values()
        .copied()
        .flat_map(elements)
        .filter_map(|element| required_value_set(element))
        .chain(correction::value_sets())
        .collect();
    canonicals.into_iter().collect()
}

/// Rows of all types, sorted by name.
pub(super) fn rows<'a>(sources: &Sources<'a>, bound: &[&str]) -> Vec<StructureRow<'a>> {
    sources
        .structures
        .iter()
        .filter_map(|(name, structure)| {
            let kind = kind(structure)?;
            let mut rows = elements(structure)
                .iter()
                .filter_map(|element| row(element, kind, bound))
                .collect();
            correction::apply(name, &mut rows, bound);
            Some(StructureRow {
                name,
                kind,
                is_abstract: structure.get("abstract").and_then(Value::as_bool) == Some(true),
                base: text(structure, "baseDefinition").and_then(|url| url.strip_prefix(PREFIX)),
                elements: rows,
            })
        })
        .collect()
}

pub(super) fn elements(structure: &Value) -> &[Value] {
    structure
        .get("snapshot")
        .map_or(&[], |snapshot| list(snapshot, "element"))
}

/// `None` for the root element and for the `value` of a primitive type, which is no JSON member.
fn row<'a>(element: &'a Value, kind: Kind, bound: &[&str]) -> Option<ElementRow<'a>> {
    let path = text(element, "path")?;
    let depth = path.matches('.').count();
    if depth == 0 || (kind == Kind::Primitive && path.ends_with(".value")) {
        return None;
    }
    let is_resource_id = kind == Kind::Resource && depth == 1 && path.ends_with(".id");
    let max = text(element, "max")?;
    let base_max = element.get("base").and_then(|base| text(base, "max"));
    let types = list(element, "type")
        .iter()
        .filter_map(|item| type_row(item, is_resource_id))
        .collect();
    Some(ElementRow {
        path,
        min: element.get("min").and_then(Value::as_u64).unwrap_or(0) as u32,
        max: max.parse().ok(),
        repeats: !matches!(base_max.unwrap_or(max), "0" | "1"),
        attribute: texts(element, "representation").any(|item| item == "xmlAttr"),
        types,
        content: text(element, "contentReference").map(|path| path.trim_start_matches('#')),
        binding: required_value_set(element).and_then(|url| index(url, bound)),
    })
}

/// Position of a canonical among the required value sets.
pub(super) fn index(url: &str, bound: &[&str]) -> Option<u32> {
    bound
        .binary_search(&url)
        .ok()
        .and_then(|index| u32::try_from(index).ok())
}

fn type_row<'a>(item: &'a Value, is_resource_id: bool) -> Option<TypeRow<'a>> {
    let code = text(item, "code")?;
    let code = if is_resource_id {
        // The published snapshots say `string` here; the prose and the type of Resource.id are `id`.
        "id"
    } else if code.starts_with(FHIRPATH_SYSTEM) {
        let mut extensions = list(item, "extension").iter();
        extensions
            .find(|extension| text(extension, "url") == Some(FHIR_TYPE))
            .and_then(|extension| text(extension, "valueUrl"))
            .unwrap_or("string")
    } else {
        code
    };
    let profile = texts(item, "profile")
        .filter_map(|url| url.strip_prefix(PREFIX))
        .find(|name| CONSTRAINED_TYPES.contains(name));
    Some(TypeRow { code, profile })
}

/// Canonical of the value set that an element requires, without its version.
fn required_value_set(element: &Value) -> Option<&str> {
    let required = element
        .get("binding")
        .filter(|binding| text(binding, "strength") == Some("required"))
        .and_then(|binding| text(binding, "valueSet"))
        .and_then(|canonical| canonical.split('|').next());
    correction::value_set(text(element, "path")?, required)
}
