//! The definitions of R4 and of guides: structures, rules, profiles, search parameters and value sets, from embedded
//! packs and from packages. Not a validator, and no I/O.
//!
//! A pack (`fixtures/definitions`, provenance beside it) has parts that are decoded on first use. Base definitions are
//! functions of this module; profiles and the value sets that they need are in a [`Library`].

pub mod build;
mod codes;
mod guide;
mod library;
mod pack;
pub mod profile;
mod rules;
mod search;
mod table;
mod terminology;

pub(super) use codes::Members;
pub use codes::{CodeSystem, Codes, Selection, ValueSet};
pub use guide::{About, Expectation, Guide, GuideParameter, us_core};
pub use library::Library;
pub use pack::{PackError, PartSize, sizes};
pub(super) use rules::{ElementRules, NodeRules, rules};
pub(super) use table::{Element, Kind, Member, Node, NodeId, Primitive, Table, Target, table};
pub(super) use terminology::contains as value_set_at_contains;

/// Kind of a search parameter, <http://hl7.org/fhir/R4/search.html#ptypes>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum ParameterKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

/// One search parameter as it applies to one resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchParameter {
    /// Name in a query (`family`).
    pub code: String,
    /// Canonical URL.
    pub url: String,
    /// Kind.
    pub kind: ParameterKind,
    /// FHIRPath restricted to the one resource type (alternatives of other types removed, casts kept).
    /// Empty for `_text`, `_content` and `_query`, which R4 defines in prose only.
    pub expression: String,
    /// Allowed target types of a reference parameter, in alphabetical order.
    pub targets: Vec<String>,
    /// For composites: components as (canonical of the component's parameter, expression relative to the composite's).
    pub components: Vec<(String, String)>,
}

/// True for a resource type of R4 that can be instantiated.
pub fn is_resource_type(name: &str) -> bool {
    table().resource_types.binary_search(&name).is_ok()
}

/// Resource types of R4 in alphabetical order, without the abstract `Resource` and `DomainResource`.
pub fn resource_types() -> &'static [&'static str] {
    &table().resource_types
}

/// A search parameter of a type by code, those of Resource and DomainResource included (`_id`, `_lastUpdated`, `_tag`, …).
pub fn search_parameter(resource_type: &str, code: &str) -> Option<&'static SearchParameter> {
    let parameters = search_parameters(resource_type);
    let index = parameters
        .binary_search_by(|parameter| parameter.code.as_str().cmp(code))
        .ok()?;
    Some(&parameters[index])
}

/// True if R4 has an element of that name in some type; other names of members may be anybody's data.
pub fn is_element_name(name: &str) -> bool {
    table().has_member(name)
}

/// Words of R4 that stand in URLs and are nobody's data: resource types and the codes of their search parameters.
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    resource_types().iter().copied().flat_map(|name| {
        let codes = search_parameters(name).iter();
        std::iter::once(name).chain(codes.map(|parameter| parameter.code.as_str()))
    })
}

/// All search parameters of a type in alphabetical order of code; empty for a type that R4 does not have.
pub fn search_parameters(resource_type: &str) -> &'static [SearchParameter] {
    search::parameters(resource_type)
}

/// Type(s) of a child element: `child_types("Observation", "value")` gives all choice types, `child_types("Patient", "name")`
/// gives `["HumanName"]`, a backbone element gives its path (`["Patient.contact"]`), an element that is defined by reference
/// the path it refers to (`["Questionnaire.item"]`). Empty if there is no such element.
/// The parent is a type name or a backbone path.
pub fn child_types(parent: &str, element: &str) -> &'static [&'static str] {
    let table = table();
    let Some(node) = table.node_of(parent) else {
        return &[];
    };
    node.elements
        .iter()
        .find(|candidate| candidate.name == element)
        .map_or(&[], |found| &found.types)
}

/// A JSON member of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberUse {
    /// Name of the element, a choice without its type.
    pub element: &'static str,
    /// A list in JSON.
    pub repeats: bool,
    /// Type name or backbone path of what is in it; `Element` for a primitive, `Resource` for any resource.
    pub type_name: &'static str,
}

/// The JSON member `key` of a type or backbone path: `member("Observation", "valueQuantity")`.
pub fn member(parent: &str, key: &str) -> Option<MemberUse> {
    let table = table();
    let node = table.node_of(parent)?;
    let member = node.member(key)?;
    let element = &node.elements[usize::from(member.element)];
    Some(MemberUse {
        element: element.name,
        repeats: element.repeats,
        type_name: match member.target {
            Target::Node(id) => table.node(id).name,
            Target::Primitive(_) => "Element",
            Target::Resource => "Resource",
        },
    })
}

/// Elements of a type or backbone path that must be there (minimum cardinality above 0), in order of definition; a choice
/// by its stem (`medication`). Empty for a type that R4 does not have.
pub fn required_elements(parent: &str) -> Vec<&'static str> {
    let Some(node) = table().node_of(parent) else {
        return Vec::new();
    };
    node.elements
        .iter()
        .enumerate()
        .filter(|(position, _)| node.required & (1 << position) != 0)
        .map(|(_, element)| element.name)
        .collect()
}

/// True if `name` is the type `ancestor` or derives from it (`Age` is a `Quantity`, `Patient` is a `DomainResource`,
/// the backbone path `Patient.contact` is a `BackboneElement`).
pub fn is_subtype(name: &str, ancestor: &str) -> bool {
    let table = table();
    let mut current = Some(name);
    // The chain of bases is ours and has no cycle; the longest of R4 has four links.
    while let Some(type_name) = current {
        if type_name == ancestor {
            return true;
        }
        current = table.node_of(type_name).and_then(|node| node.base);
    }
    false
}

/// Search parameter codes that put a type into the Patient compartment (`subject`, `performer`), <http://hl7.org/fhir/R4/compartmentdefinition-patient.html>.
/// Empty for a type that is never in it.
pub fn patient_compartment(resource_type: &str) -> &'static [&'static str] {
    search::patient_compartment(resource_type)
}

/// Whether the required binding of an element has a code: `allows_code("Observation", "status", "final")`. The parent is
/// a type name or a backbone path. `None` if there is no such element, or no required binding that can be enumerated.
pub fn allows_code(parent: &str, element: &str, code: &str) -> Option<bool> {
    let node = table().node_of(parent)?;
    let mut elements = node.elements.iter();
    let found = elements.find(|candidate| candidate.name == element)?;
    terminology::contains(found.binding?, None, code)
}

/// True if the code is in the (enumerable) value set; `None` if the value set is unknown or cannot be enumerated.
/// A version behind `|` is ignored. Without a system the code of any system counts.
pub fn value_set_contains(canonical: &str, system: Option<&str>, code: &str) -> Option<bool> {
    terminology::contains(terminology::index_of(canonical)?, system, code)
}

#[cfg(test)]
mod tests;
