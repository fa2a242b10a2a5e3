//! StructureDefinitions that constrain a type of R4: their paths, their discriminators, and what they fix against
//! their base. Not the generation of snapshots, and not definitions of new types or of other versions of FHIR.
//! <http://hl7.org/fhir/R4/profiling.html>

mod path;

use serde_json::{Map, Value};

use self::path::Places;
use super::walk::Walk;
use super::{rule, value};
use crate::fhir::definitions::profile::{Overlay, Profile};

/// A profile whose elements are judged.
struct Constraint<'v> {
    type_name: &'v str,
    root: Places,
    /// The profile that it builds on, if it is not a type and the library has it.
    base: Option<&'v Profile>,
}

impl<'v> Walk<'v> {
    /// The elements of a profile or extension.
    pub(super) fn definition(&mut self, object: &'v Map<String, Value>) {
        let Some(constraint) = self.constraint(object) else {
            return;
        };
        for part in ["snapshot", "differential"] {
            let elements = object.get(part).and_then(|part| part.get("element"));
            let elements = elements.and_then(Value::as_array).into_iter().flatten();
            self.location.enter(part);
            self.location.enter("element");
            for (index, element) in elements.enumerate() {
                self.location.enter_item(index);
                self.constrained_element(&constraint, element);
                self.location.leave();
            }
            self.location.leave();
            self.location.leave();
        }
    }

    fn constraint(&self, object: &'v Map<String, Value>) -> Option<Constraint<'v>> {
        let word = |name: &str| object.get(name).and_then(Value::as_str);
        let is_of_r4 = word("fhirVersion").is_none_or(|version| version.starts_with("4.0"));
        if word("derivation") != Some("constraint") || !is_of_r4 {
            return None;
        }
        let type_name = word("type")?;
        let library = self.full.as_ref()?.library();
        let is_own = |url: &&str| word("url") == Some(*url);
        let base = word("baseDefinition").filter(|url| !is_own(url));
        Some(Constraint {
            type_name,
            root: Places::of_type(self.table, type_name)?,
            base: base.and_then(|url| library.profile(url)),
        })
    }

    fn constrained_element(&mut self, constraint: &Constraint<'v>, element: &'v Value) {
        let Some(path) = element.get("path").and_then(Value::as_str) else {
            return;
        };
        let rest = path.strip_prefix(constraint.type_name);
        let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('.')) else {
            return;
        };
        match constraint.root.follow(self.table, rest) {
            Some(places) => self.discriminators(&places, element),
            None => {
                self.location.enter("path");
                let message = format!("names no element of {}", constraint.root.name(self.table));
                self.report(rule::DEFINITION_PATH, message);
                self.location.leave();
            }
        }
        if let Some(base) = constraint.base {
            self.against_base(base, path, element);
        }
    }

    /// A discriminator leads from the sliced element to an element that its type has.
    fn discriminators(&mut self, places: &Places, element: &'v Value) {
        let slicing = element.get("slicing");
        let list = slicing.and_then(|slicing| slicing.get("discriminator"));
        let list = list.and_then(Value::as_array).into_iter().flatten();
        self.location.enter("slicing");
        self.location.enter("discriminator");
        for (index, discriminator) in list.enumerate() {
            let path = discriminator.get("path").and_then(Value::as_str);
            if path.is_some_and(|path| places.follow(self.table, path).is_none()) {
                self.location.enter_item(index);
                self.report(
                    rule::DISCRIMINATOR,
                    "leads to no element of what is sliced by it",
                );
                self.location.leave();
            }
        }
        self.location.leave();
        self.location.leave();
    }

    /// A value that is fixed here and in the base is the same: nothing conforms to two of them.
    fn against_base(&mut self, base: &'v Profile, path: &str, element: &Value) {
        let id = element.get("id").and_then(Value::as_str).unwrap_or(path);
        let is_excluded = element.get("max").and_then(Value::as_str) == Some("0");
        let Some(known) = overlay(&base.root, id).filter(|_| !is_excluded) else {
            return;
        };
        let [fixed, pattern] = ["fixed", "pattern"].map(|prefix| choice(element, prefix));
        let [base_fixed, base_pattern] =
            [&known.fixed, &known.pattern].map(|literal| literal.as_ref().map(|found| &found.0));
        let is_kept =
            |own: Option<&Value>, other: Option<&Value>, fits: fn(&Value, &Value) -> bool| {
                own.zip(other).is_none_or(|(own, other)| fits(own, other))
            };
        let is_sound = is_kept(fixed, base_fixed, value::is_fixed)
            && is_kept(fixed, base_pattern, value::has_pattern)
            && is_kept(base_fixed, pattern, value::has_pattern);
        if !is_sound {
            self.report(
                rule::DEFINITION_BASE,
                "fixes another value than the definition that it builds on",
            );
        }
    }
}

/// The overlay of an element by its id (`Patient.name:official.given`).
fn overlay<'o>(root: &'o Overlay, id: &str) -> Option<&'o Overlay> {
    let mut segments = id.split('.').skip(1);
    segments.try_fold(root, |overlay, segment| {
        let (name, slice) = segment.split_once(':').unwrap_or((segment, ""));
        let child = overlay.child(name.trim_end_matches("[x]"))?;
        match slice {
            "" => Some(child),
            _ => child.slices.iter().find(|own| own.slice == slice),
        }
    })
}

/// The value of a choice member (`fixedCode`, `patternCoding`).
fn choice<'a>(element: &'a Value, prefix: &str) -> Option<&'a Value> {
    let mut members = element.as_object()?.iter();
    let is_it = |key: &str| {
        let rest = key.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    members.find(|(key, _)| is_it(key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::{Validator, rule};
    use crate::fhir::definitions::{Library, build};

    const BASE: &str = "http://example.org/StructureDefinition/base";

    fn definition(url: &str, base: &str, type_name: &str, elements: Value) -> Value {
        json!({"resourceType": "StructureDefinition", "url": url, "name": "Tested", "status": "draft", "kind": "resource",
            "abstract": false, "fhirVersion": "4.0.1", "type": type_name, "derivation": "constraint", "baseDefinition": base,
            "differential": {"element": elements}})
    }

    fn judge(library: &Arc<Library>, resource: &Value) -> Vec<(&'static str, String)> {
        let outcome = Validator::new(library.clone()).validate(resource, &[]);
        let ours = outcome.issues.into_iter();
        ours.filter(|issue| issue.rule.starts_with("definition/"))
            .map(|issue| (issue.rule, issue.path))
            .collect()
    }

    fn on(type_name: &str, element: Value) -> Vec<(&'static str, String)> {
        let base = format!("http://hl7.org/fhir/StructureDefinition/{type_name}");
        let tested = definition(
            "http://example.org/tested",
            &base,
            type_name,
            json!([element]),
        );
        judge(Library::built_in(), &tested)
    }

    #[test]
    fn a_profile_constrains_elements_that_its_type_has() {
        for (type_name, path) in [
            ("Observation", "Observation"),
            ("Observation", "Observation.value[x]"),
            ("Observation", "Observation.valueQuantity.value"),
            ("Observation", "Observation.value[x].coding.code"),
            ("Patient", "Patient.birthDate.extension.valueDateTime"),
            ("Questionnaire", "Questionnaire.item.item.item.text"),
            ("Bundle", "Bundle.entry.resource.name"),
            ("Extension", "Extension.extension.value[x]"),
        ] {
            assert_eq!(on(type_name, json!({"path": path})), [], "{path}");
        }
        for path in [
            "Observation.valueBla",
            "Observation.value[x].foo",
            "Observation.code.value",
        ] {
            let place = "StructureDefinition.differential.element[0].path".to_owned();
            assert_eq!(
                on("Observation", json!({"path": path})),
                [(rule::DEFINITION_PATH, place)],
                "{path}"
            );
        }
    }

    #[test]
    fn a_discriminator_leads_to_an_element_of_what_is_sliced() {
        let sliced = |discriminator: &str| {
            let slicing = json!({"discriminator": [{"type": "value", "path": discriminator}], "rules": "open"});
            on(
                "Observation",
                json!({"path": "Observation.hasMember", "slicing": slicing}),
            )
        };
        for discriminator in [
            "$this",
            "type",
            "identifier.system",
            "resolve().code",
            "extension('http://a.b/c').value",
            "$this.resolve()",
        ] {
            assert_eq!(sliced(discriminator), [], "{discriminator}");
        }
        let place = "StructureDefinition.differential.element[0].slicing.discriminator[0]";
        assert_eq!(sliced("code"), [(rule::DISCRIMINATOR, place.to_owned())]);
    }

    #[test]
    fn what_the_base_fixes_stays_fixed() {
        let fixed = |value: &str| json!([{"id": "Patient.gender", "path": "Patient.gender", "fixedCode": value}]);
        let patient = "http://hl7.org/fhir/StructureDefinition/Patient";
        let documents = BTreeMap::from([(
            "a.json".to_owned(),
            definition(BASE, patient, "Patient", fixed("male")),
        )]);
        let (guide, problems) = build::guide(&documents, Library::built_in());
        assert!(problems.is_empty(), "{problems:?}");
        let library = Arc::new(Library::built_in().with(vec![Arc::new(guide)]));
        let derived = |value: &str| {
            judge(
                &library,
                &definition("http://example.org/derived", BASE, "Patient", fixed(value)),
            )
        };
        assert_eq!(derived("male"), []);
        let place = "StructureDefinition.differential.element[0]".to_owned();
        assert_eq!(derived("female"), [(rule::DEFINITION_BASE, place)]);
    }

    #[test]
    fn definitions_of_other_versions_and_new_types_are_let_be() {
        let base = "http://hl7.org/fhir/StructureDefinition/Patient";
        let mut other = definition(
            "http://example.org/tested",
            base,
            "Patient",
            json!([{"path": "Patient.nothing"}]),
        );
        other["fhirVersion"] = json!("5.0.0");
        assert_eq!(judge(Library::built_in(), &other), []);
        other["fhirVersion"] = json!("4.0.1");
        other["derivation"] = json!("specialization");
        assert_eq!(judge(Library::built_in(), &other), []);
        assert_eq!(on("Nothing", json!({"path": "Nothing.nothing"})), []);
    }
}
