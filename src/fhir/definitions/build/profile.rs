//! StructureDefinitions of profiles and extensions to overlays, from the snapshot or, without one, from the differential.
//! Not the generation of snapshots: a differential is an overlay already, laid over the overlay of its base.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::profile::{
    Binding, Context, Discriminator, DiscriminatorKind, Invariant, Literal, Overlay, Profile,
    Slicing, SlicingRules, Strength, TypeChoice,
};
use super::{list, text, texts};

/// Elements of one definition; the largest of R4 has a few hundred.
const MAX_ELEMENTS: usize = 20_000;

/// Segments of an element id.
const MAX_DEPTH: usize = 24;

/// Invariants that the validator applies by itself.
pub(super) const NATIVE: [&str; 10] = [
    "ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1", "txt-1", "txt-2",
];

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// <http://hl7.org/fhir/R4/extension-elementdefinition-maxvalueset.html>
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

/// The greatest value set that R4 gives to languages: all of BCP 47, which no list holds.
const ANY_LANGUAGE: &str = "http://hl7.org/fhir/ValueSet/all-languages";

/// `ElementDefinition.binding.additional` of R5 in R4: by the rule for elements of other versions
/// (<http://hl7.org/fhir/R4/versions.html#extensions>), and as the guides of HL7 write it.
const ADDITIONAL_BINDING: [&str; 2] = [
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional",
    "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
];

/// What the base definitions say, so that it is not said again.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// By path of the base definition (`Patient.contact`, `Observation.value[x]`).
    pub elements: BTreeMap<String, (Vec<TypeChoice>, Option<Binding>)>,
    /// Names of the types.
    pub types: BTreeSet<String>,
    /// Keys of the invariants.
    pub keys: BTreeSet<String>,
}

/// True for a definition that is a profile or an extension. One that names the type of its base as its own type defines
/// no new type (<http://hl7.org/fhir/R4/structuredefinition.html>), so that it is a profile even if it says
/// `specialization`.
pub(super) fn is_profile(resource: &Value) -> bool {
    let type_name = text(resource, "type");
    let base = text(resource, "baseDefinition");
    let is_of_base = base.and_then(|url| url.strip_prefix(CORE)) == type_name;
    text(resource, "resourceType") == Some("StructureDefinition")
        && (text(resource, "derivation") != Some("specialization") || is_of_base)
        && base.is_some()
        && type_name.is_some()
}

/// The overlay of a definition with a snapshot.
pub(super) fn from_snapshot(resource: &Value, base: &Base) -> Option<Profile> {
    let elements = list(resource.get("snapshot")?, "element");
    let mut profile = start(resource)?;
    if elements.is_empty() || elements.len() > MAX_ELEMENTS {
        return None;
    }
    lay(&mut profile.root, elements, Some(base))?;
    profile.root.min = None;
    profile.root.max = None;
    prune(&mut profile.root);
    Some(profile)
}

/// The overlay of a definition with a differential only, over that of its base; `None` for the base if that is a type.
pub(super) fn from_differential(resource: &Value, base: Option<&Profile>) -> Option<Profile> {
    let elements = list(resource.get("differential")?, "element");
    let mut profile = start(resource)?;
    if elements.len() > MAX_ELEMENTS {
        return None;
    }
    if let Some(base) = base {
        profile.root = base.root.clone();
    }
    lay(&mut profile.root, elements, None)?;
    profile.root.min = None;
    profile.root.max = None;
    Some(profile)
}

fn start(resource: &Value) -> Option<Profile> {
    let type_name = text(resource, "type")?;
    Some(Profile {
        url: text(resource, "url")?.to_owned(),
        version: text(resource, "version").unwrap_or_default().to_owned(),
        name: text(resource, "name").unwrap_or_default().to_owned(),
        type_name: type_name.to_owned(),
        base: text(resource, "baseDefinition")
            .unwrap_or_default()
            .to_owned(),
        contexts: contexts(resource),
        root: Overlay {
            name: type_name.to_owned(),
            ..Overlay::default()
        },
    })
}

fn contexts(resource: &Value) -> Vec<Context> {
    if text(resource, "type") != Some("Extension") {
        return Vec::new();
    }
    list(resource, "context")
        .iter()
        .filter_map(|context| {
            let expression = text(context, "expression")?.to_owned();
            Some(match text(context, "type")? {
                "element" => Context::Element(expression),
                "extension" => Context::Extension(expression),
                _ => Context::Expression(expression),
            })
        })
        .collect()
}

fn lay(root: &mut Overlay, elements: &[Value], base: Option<&Base>) -> Option<()> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for element in elements {
        let path = text(element, "path")?;
        let id = id_of(element, path, &mut ids);
        let segments = segments(&id);
        if segments.len() > MAX_DEPTH {
            return None;
        }
        let overlay = locate(root, &segments[1.min(segments.len())..]);
        fill(overlay, element, path, base);
    }
    Some(())
}

/// The id of an element; where there is none, or one that is no path, it follows from path and slice name.
fn id_of(element: &Value, path: &str, ids: &mut BTreeMap<String, String>) -> String {
    let slice = text(element, "sliceName");
    let id = match path.rsplit_once('.') {
        None => path.to_owned(),
        Some((parent, name)) => {
            let parent = ids.get(parent).map_or(parent, String::as_str);
            match slice {
                Some(slice) => format!("{parent}.{name}:{slice}"),
                None => format!("{parent}.{name}"),
            }
        }
    };
    let given = text(element, "id").filter(|given| without_slices(given) == path);
    let id = given.map_or(id, str::to_owned);
    ids.insert(path.to_owned(), id.clone());
    id
}

fn without_slices(id: &str) -> String {
    let names: Vec<&str> = segments(id)
        .into_iter()
        .map(|segment| segment.split(':').next().unwrap_or(segment))
        .collect();
    names.join(".")
}

/// Cut at the dots; those in slice names (`a:b.c` is rare, and not legal) are cut, too.
fn segments(id: &str) -> Vec<&str> {
    id.split('.').collect()
}

fn locate<'o>(root: &'o mut Overlay, segments: &[&str]) -> &'o mut Overlay {
    let mut current = root;
    for segment in segments {
        let (name, slice) = segment.split_once(':').unwrap_or((segment, ""));
        let name = name.trim_end_matches("[x]");
        let at = current.children.iter().position(|child| child.name == name);
        let at = at.unwrap_or_else(|| {
            current.children.push(Overlay {
                name: name.to_owned(),
                ..Overlay::default()
            });
            current.children.len() - 1
        });
        current = &mut current.children[at];
        if !slice.is_empty() {
            let at = current.slices.iter().position(|own| own.slice == slice);
            let at = at.unwrap_or_else(|| {
                current.slices.push(Overlay {
                    name: name.to_owned(),
                    slice: slice.to_owned(),
                    ..Overlay::default()
                });
                current.slices.len() - 1
            });
            current = &mut current.slices[at];
        }
    }
    current
}

fn fill(overlay: &mut Overlay, element: &Value, path: &str, base: Option<&Base>) {
    let is_slice = !overlay.slice.is_empty();
    let own_base = element.get("base");
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
    if let Some(min) = number(element, "min") {
        let is_base = !is_slice && own_base.and_then(|base| number(base, "min")) == Some(min);
        if !(is_base || is_slice && min == 0 && base.is_some()) {
            overlay.min = u32::try_from(min).ok();
        }
    }
    if let Some(max) = text(element, "max") {
        let is_base = own_base.and_then(|base| text(base, "max")) == Some(max);
        if !is_base {
            overlay.max = Some(max.parse().ok());
        }
    }
    let base_path = own_base.and_then(|base| text(base, "path")).unwrap_or(path);
    let known = base.and_then(|base| base.elements.get(base_path));
    let types = type_choices(element);
    let is_changed = known.is_none_or(|(own, _)| *own != types);
    // Where R4 lets any resource stand; a differential says types only to restrict them.
    let is_any = known.map_or(base.is_none(), |(own, _)| {
        own.iter().any(|choice| choice.code == "Resource")
    });
    if is_changed && (types_matter(path, &types, is_slice) || is_any && path.contains('.')) {
        overlay.types = types;
    }
    let binding = binding(element);
    if binding.is_some() && known.is_none_or(|(_, own)| *own != binding) {
        overlay.binding = binding;
    }
    for binding in more_bindings(element) {
        if !overlay.more_bindings.contains(&binding) {
            overlay.more_bindings.push(binding);
        }
    }
    for (slot, prefix) in [
        (&mut overlay.fixed, "fixed"),
        (&mut overlay.pattern, "pattern"),
        (&mut overlay.min_value, "minValue"),
        (&mut overlay.max_value, "maxValue"),
    ] {
        if let Some(value) = choice(element, prefix) {
            *slot = Some(Literal(value.clone()));
        }
    }
    if let Some(length) = number(element, "maxLength") {
        overlay.max_length = u32::try_from(length).ok();
    }
    overlay.must_support |= element.get("mustSupport").and_then(Value::as_bool) == Some(true);
    if let Some(own) = element.get("slicing") {
        // The slicing of extensions by their url is what extensions are by definition.
        overlay.slicing = Some(slicing(own));
    }
    let own = list(element, "constraint")
        .iter()
        .filter(|constraint| !is_said(constraint, base))
        .filter_map(invariant);
    for invariant in own {
        overlay
            .invariants
            .retain(|known| known.key != invariant.key);
        overlay.invariants.push(invariant);
    }
}

/// True if the base definitions or the validator itself apply this invariant.
fn is_said(constraint: &Value, base: Option<&Base>) -> bool {
    let Some(key) = text(constraint, "key") else {
        return true;
    };
    let Some(base) = base else {
        return NATIVE.contains(&key);
    };
    let source = text(constraint, "source").and_then(|source| source.strip_prefix(CORE));
    match source {
        Some(name) if base.types.contains(name) => true,
        Some(_) => NATIVE.contains(&key),
        None => base.keys.contains(key) || NATIVE.contains(&key),
    }
}

pub(super) fn invariant(constraint: &Value) -> Option<Invariant> {
    Some(Invariant::new(
        text(constraint, "key")?,
        text(constraint, "severity") != Some("warning"),
        text(constraint, "human").unwrap_or_default(),
        text(constraint, "expression").unwrap_or_default(),
    ))
}

/// Types are kept where they can restrict something: choices, references, profiles, slices.
fn types_matter(path: &str, types: &[TypeChoice], is_slice: bool) -> bool {
    let is_choice = path.ends_with("[x]");
    let has_more = |choice: &TypeChoice| !choice.profiles.is_empty() || !choice.targets.is_empty();
    (is_choice || is_slice || types.iter().any(has_more)) && path.contains('.')
}

pub(super) fn type_choices(element: &Value) -> Vec<TypeChoice> {
    // These two are types of the table.
    let is_profile =
        |url: &&str| !url.ends_with("/SimpleQuantity") && !url.ends_with("/MoneyQuantity");
    let owned = |item: &Value, name: &str| -> Vec<String> {
        texts(item, name)
            .filter(is_profile)
            .map(str::to_owned)
            .collect()
    };
    list(element, "type")
        .iter()
        .filter_map(|item| {
            let code = text(item, "code")?;
            let code = code.strip_prefix("http://hl7.org/fhirpath/System.");
            Some(TypeChoice {
                code: match code {
                    Some(system) => system.to_ascii_lowercase(),
                    None => text(item, "code")?.to_owned(),
                },
                profiles: owned(item, "profile"),
                targets: owned(item, "targetProfile"),
            })
        })
        .collect()
}

/// The binding of an element if it is required or extensible.
pub(super) fn binding(element: &Value) -> Option<Binding> {
    let binding = element.get("binding")?;
    let strength = match text(binding, "strength")? {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        _ => return None,
    };
    Some(bound(strength, text(binding, "valueSet")?))
}

fn bound(strength: Strength, canonical: &str) -> Binding {
    let value_set = canonical.split('|').next().unwrap_or(canonical);
    Binding {
        strength,
        value_set: value_set.to_owned(),
    }
}

/// What extensions of a binding bind beside it: the value set that even codes outside of an extensible or preferred one
/// must be in, and bindings in addition that hold always.
fn more_bindings(element: &Value) -> Vec<Binding> {
    let extensions = element
        .get("binding")
        .map(|binding| list(binding, "extension"));
    let extensions = extensions.unwrap_or_default().iter();
    extensions
        .filter_map(|extension| {
            let url = text(extension, "url")?;
            if url == MAX_VALUE_SET {
                let value_set =
                    text(extension, "valueCanonical").or(text(extension, "valueUri"))?;
                return (value_set != ANY_LANGUAGE).then(|| bound(Strength::Required, value_set));
            }
            ADDITIONAL_BINDING
                .contains(&url)
                .then(|| additional(extension))?
        })
        .collect()
}

/// An additional binding of a known purpose, if it is for all uses and all repetitions.
fn additional(extension: &Value) -> Option<Binding> {
    let parts = list(extension, "extension");
    let part = |name: &str| parts.iter().find(|part| text(part, "url") == Some(name));
    let is_limited = part("usage").is_some() || part("any").is_some();
    let strength = match text(part("purpose")?, "valueCode")? {
        // With either of them a code outside is wrong.
        "required" | "maximum" => Strength::Required,
        "extensible" => Strength::Extensible,
        _ => return None,
    };
    let value_set = text(part("valueSet")?, "valueCanonical")?;
    (!is_limited).then(|| bound(strength, value_set))
}

/// The value of a choice member (`fixedCode`, `patternCoding`).
fn choice<'a>(element: &'a Value, prefix: &str) -> Option<&'a Value> {
    let members = element.as_object()?.iter();
    members
        .filter(|(key, _)| {
            key.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
        })
        .map(|(_, value)| value)
        .next()
}

fn slicing(slicing: &Value) -> Slicing {
    let discriminators = list(slicing, "discriminator").iter();
    Slicing {
        discriminators: discriminators
            .filter_map(|item| {
                Some(Discriminator {
                    kind: match text(item, "type")? {
                        "value" => DiscriminatorKind::Value,
                        "exists" => DiscriminatorKind::Exists,
                        "pattern" => DiscriminatorKind::Pattern,
                        "type" => DiscriminatorKind::Type,
                        "profile" => DiscriminatorKind::Profile,
                        _ => return None,
                    },
                    path: text(item, "path")?.to_owned(),
                })
            })
            .collect(),
        rules: match text(slicing, "rules") {
            Some("closed") => SlicingRules::Closed,
            Some("openAtEnd") => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        },
        ordered: slicing.get("ordered").and_then(Value::as_bool) == Some(true),
    }
}

/// Leaves away what demands nothing; a slice is kept, as it says which occurrences are its own.
fn prune(overlay: &mut Overlay) {
    let slicing = |overlay: &mut Overlay| {
        if overlay.slices.is_empty()
            && overlay
                .slicing
                .as_ref()
                .is_some_and(|slicing| slicing.rules != SlicingRules::Closed)
        {
            overlay.slicing = None;
        }
    };
    slicing(overlay);
    overlay.children.iter_mut().for_each(prune);
    overlay.slices.iter_mut().for_each(prune);
    overlay.children.retain(|child| !child.is_void());
}
