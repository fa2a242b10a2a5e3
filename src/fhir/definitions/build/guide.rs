//! The documents of a FHIR package to a guide. Not the reading of the package.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::guide::{About, Expectation, Guide, GuideParameter};
use super::super::library::Library;
use super::super::profile::{Profile, TypeChoice};
use super::super::rules::rules;
use super::super::table::table;
use super::profile::{self, Base, NATIVE};
use super::{codes, list, text, texts};

const EXPECTATION: &str = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation";
const COMBINATION: &str =
    "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination";
const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Makes a guide of the documents of a package, by file name; what does not define anything is passed over. Profiles
/// without a snapshot are laid over their base if the library or the package has it.
///
/// The second value says, a line each, which profiles could not be taken and why.
pub fn guide(documents: &BTreeMap<String, Value>, library: &Library) -> (Guide, Vec<String>) {
    let base = base();
    let mut guide = Guide::default();
    let mut waiting: Vec<&Value> = Vec::new();
    for document in documents.values() {
        match text(document, "resourceType") {
            None => name(document, &mut guide.about),
            Some("StructureDefinition") if profile::is_profile(document) => {
                match profile::from_snapshot(document, &base) {
                    Some(profile) => guide.profiles.push(profile),
                    None => waiting.push(document),
                }
            }
            Some("ValueSet") => guide.codes.value_sets.extend(codes::value_set(document)),
            Some("Questionnaire") => guide.questionnaires.push(document.clone()),
            Some("CodeSystem") => guide.codes.systems.extend(codes::system(document)),
            Some("SearchParameter") => guide.about.parameters.extend(parameter(document)),
            Some("CapabilityStatement") => expectations(document, &mut guide.about),
            Some("ImplementationGuide") => guide.about.globals.extend(globals(document)),
            _ => {}
        }
    }
    let problems = lay_over_bases(waiting, &mut guide.profiles, library);
    (guide, problems)
}

fn name(document: &Value, about: &mut About) {
    if let (Some(name), Some(version)) = (text(document, "name"), text(document, "version")) {
        about.name = name.to_owned();
        about.version = version.to_owned();
    }
}

/// Bases may come after what builds on them: until nothing more can be taken.
fn lay_over_bases(
    mut waiting: Vec<&Value>,
    profiles: &mut Vec<Profile>,
    library: &Library,
) -> Vec<String> {
    loop {
        let before = waiting.len();
        waiting.retain(|document| match over_base(document, profiles, library) {
            Some(profile) => {
                profiles.push(profile);
                false
            }
            None => true,
        });
        if waiting.len() == before {
            break;
        }
    }
    let line = |document: &&Value| {
        let url = text(document, "url").unwrap_or("a profile without url");
        let base = text(document, "baseDefinition").unwrap_or("nothing");
        format!(
            "{url} has no snapshot, and its base {base} is not known: load the package that has it first, or one with snapshots"
        )
    };
    waiting.iter().map(line).collect()
}

fn over_base(document: &Value, profiles: &[Profile], library: &Library) -> Option<Profile> {
    let url = text(document, "baseDefinition")?;
    let is_type = url
        .strip_prefix(CORE)
        .is_some_and(|name| table().id_of(name).is_some());
    if is_type {
        return profile::from_differential(document, None);
    }
    let plain = url.split('|').next().unwrap_or(url);
    let own = profiles.iter().find(|profile| profile.url == plain);
    let base = own.or_else(|| library.profile(url))?;
    profile::from_differential(document, Some(base))
}

/// What the embedded base definitions say.
fn base() -> Base {
    let table = table();
    let mut base = Base {
        types: table
            .nodes
            .iter()
            .map(|node| node.name.to_owned())
            .collect(),
        keys: NATIVE.iter().map(|key| (*key).to_owned()).collect(),
        ..Base::default()
    };
    for (node, rules) in table.nodes.iter().zip(rules()) {
        let keys = |invariants: &[super::super::profile::Invariant]| -> Vec<String> {
            invariants
                .iter()
                .map(|invariant| invariant.key.clone())
                .collect()
        };
        base.keys.extend(keys(&rules.invariants));
        for (element, rules) in node.elements.iter().zip(&rules.elements) {
            let types = element.types.iter().map(|code| {
                let known = rules
                    .as_ref()
                    .and_then(|rules| rules.types.iter().find(|choice| choice.code == *code));
                known.cloned().unwrap_or_else(|| TypeChoice {
                    code: (*code).to_owned(),
                    ..TypeChoice::default()
                })
            });
            let suffix = if element.choice { "[x]" } else { "" };
            let path = format!("{}.{}{suffix}", node.name, element.name);
            let binding = rules.as_ref().and_then(|rules| rules.binding.clone());
            base.elements.insert(path, (types.collect(), binding));
            if let Some(rules) = rules {
                base.keys.extend(keys(&rules.invariants));
            }
        }
    }
    base
}

/// Types with the profiles that all of their resources have to conform to.
fn globals(document: &Value) -> impl Iterator<Item = (String, String)> {
    list(document, "global").iter().filter_map(|global| {
        let [type_name, profile] = ["type", "profile"].map(|name| text(global, name));
        Some((type_name?.to_owned(), profile?.to_owned()))
    })
}

fn parameter(document: &Value) -> Option<GuideParameter> {
    Some(GuideParameter {
        url: text(document, "url")?.to_owned(),
        code: text(document, "code")?.to_owned(),
        kind: serde_json::from_value(Value::String(capitalised(text(document, "type")?))).ok()?,
        bases: texts(document, "base").map(str::to_owned).collect(),
        expression: text(document, "expression").unwrap_or_default().to_owned(),
        targets: texts(document, "target").map(str::to_owned).collect(),
    })
}

/// `token` to `Token`, as `ParameterKind` is written.
fn capitalised(word: &str) -> String {
    let mut rest = word.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// The expectations of a CapabilityStatement for servers.
fn expectations(document: &Value, about: &mut About) {
    for rest in list(document, "rest") {
        if text(rest, "mode") != Some("server") {
            continue;
        }
        for resource in list(rest, "resource") {
            about.expectations.extend(expectation(resource));
        }
    }
}

fn expectation(resource: &Value) -> Option<Expectation> {
    let coded = |name: &str, member: &str| -> Vec<(String, String)> {
        list(resource, name)
            .iter()
            .filter_map(|item| Some((text(item, member)?.to_owned(), conformance(item))))
            .collect()
    };
    Some(Expectation {
        resource_type: text(resource, "type")?.to_owned(),
        conformance: conformance(resource),
        profiles: beside(resource, "supportedProfile"),
        interactions: coded("interaction", "code"),
        parameters: coded("searchParam", "name"),
        combinations: list(resource, "extension")
            .iter()
            .filter(|extension| text(extension, "url") == Some(COMBINATION))
            .map(combination)
            .collect(),
        includes: beside(resource, "searchInclude"),
        revincludes: beside(resource, "searchRevInclude"),
    })
}

fn combination(extension: &Value) -> (String, Vec<String>) {
    let parameters = list(extension, "extension").iter();
    let required = parameters.filter(|part| text(part, "url") == Some("required"));
    (
        conformance(extension),
        required
            .filter_map(|part| text(part, "valueString"))
            .map(str::to_owned)
            .collect(),
    )
}

fn conformance(element: &Value) -> String {
    list(element, "extension")
        .iter()
        .find(|extension| text(extension, "url") == Some(EXPECTATION))
        .and_then(|extension| text(extension, "valueCode"))
        .unwrap_or_default()
        .to_owned()
}

/// Strings of an array with the conformance that stands in the array beside it.
fn beside(resource: &Value, name: &str) -> Vec<(String, String)> {
    let siblings = list(resource, &format!("_{name}"));
    texts(resource, name)
        .enumerate()
        .map(|(index, value)| {
            let conformance = siblings.get(index).map(conformance).unwrap_or_default();
            (value.to_owned(), conformance)
        })
        .collect()
}
