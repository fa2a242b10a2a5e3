//! What invariants ask of the world around their element, answered from the resource, its Bundle and the library.
//! Not a server of terminology or of resources: what these do not hold has no answer.

use serde_json::Value;

use super::binding::{Membership, membership};
use super::occurrence::Occurrence;
use super::scope::Full;
use super::walk::{self, Walk};
use super::xhtml;
use crate::fhir::path::{Computed, Environment, Item};

/// The world at the place that a walk has reached.
pub(super) struct Surroundings<'w, 'v> {
    pub walk: &'w Walk<'v>,
    pub full: &'w Full<'v>,
}

impl Environment for Surroundings<'_, '_> {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        self.walk.resolve_text(reference)
    }

    /// False if there is no code at all. An extension in place of a code leaves the question open.
    fn member_of(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        let text;
        let occurrence = match item {
            Item::Computed(Computed::String(code)) => {
                text = Value::String(code.clone());
                Occurrence::named(self.walk.table, "code", Some(&text), None)?
            }
            item => self.occurrence(item)?,
        };
        occurrence.value?;
        let members = self.full.library().members(value_set)?;
        match membership(members, &occurrence) {
            Membership::In => Some(true),
            Membership::Out | Membership::Codeless => Some(false),
            Membership::Excused | Membership::Unknown => None,
        }
    }

    /// True if everything that the profile demands was checked and holds.
    fn conforms_to(&self, item: &Item<'_>, profile: &str) -> Option<bool> {
        let occurrence = self.occurrence(item)?;
        let value = occurrence.value?;
        let is_resource = value.get("resourceType").is_some();
        if is_resource && !walk::base(value).is_empty() {
            return Some(false);
        }
        self.walk.apart()?.conforms_fully(profile, &occurrence)
    }

    fn html_checks(&self, div: &str) -> Option<bool> {
        Some(xhtml::is_allowed(div))
    }

    fn now(&self) -> Option<jiff::Timestamp> {
        Some(self.full.now)
    }
}

impl Surroundings<'_, '_> {
    fn occurrence<'i>(&self, item: &Item<'i>) -> Option<Occurrence<'i>> {
        match item {
            Item::Node {
                value,
                sibling,
                type_name,
            } => Occurrence::named(self.walk.table, type_name, *value, *sibling),
            Item::Computed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::super::{Outcome, Validator};
    use crate::fhir::definitions::{Library, build};

    const PROFILE: &str = "http://example.org/StructureDefinition/tested";

    /// A profile of a type with one condition on one of its elements.
    fn profile(path: &str, expression: &str) -> Value {
        let type_name = path.split('.').next().unwrap();
        let constraint =
            json!({"key": "t-1", "severity": "error", "human": "holds", "expression": expression});
        json!({"resourceType": "StructureDefinition", "url": PROFILE, "name": "Tested", "status": "draft",
            "fhirVersion": "4.0.1", "kind": "resource", "abstract": false, "type": type_name, "derivation": "constraint",
            "baseDefinition": format!("http://hl7.org/fhir/StructureDefinition/{type_name}"),
            "differential": {"element": [{"id": path, "path": path, "constraint": [constraint]}]}})
    }

    fn judge(path: &str, expression: &str, resource: &Value) -> Outcome {
        let documents = BTreeMap::from([("a.json".to_owned(), profile(path, expression))]);
        let (guide, problems) = build::guide(&documents, Library::built_in());
        assert!(problems.is_empty(), "{problems:?}");
        let library = Library::built_in().with(vec![guide.into()]);
        Validator::new(library.into()).validate(resource, &[])
    }

    /// Whether the condition holds; `None` if it was not checked.
    fn holds(path: &str, expression: &str, resource: &Value) -> Option<bool> {
        let outcome = judge(path, expression, resource);
        let is_it = |key: Option<&str>| key == Some("t-1");
        if outcome.not_checked.iter().any(|open| open.what == "t-1") {
            return None;
        }
        Some(
            !outcome
                .issues
                .iter()
                .any(|issue| is_it(issue.key.as_deref())),
        )
    }

    fn patient() -> Value {
        json!({"resourceType": "Patient", "id": "p", "meta": {"profile": [PROFILE]}, "gender": "male",
            "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"},
            "contact": [{"name": {"family": "A"}}]})
    }

    fn on_patient(expression: &str) -> Option<bool> {
        holds("Patient", expression, &patient())
    }

    #[test]
    fn a_reference_resolves_to_an_entry_of_the_bundle() {
        let observation = json!({"resourceType": "Observation", "meta": {"profile": [PROFILE]}, "status": "final",
            "code": {"text": "a"}, "subject": {"reference": "Patient/p"}});
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "http://example.org/fhir/Observation/o", "resource": observation},
            {"fullUrl": "http://example.org/fhir/Patient/p", "resource": {"resourceType": "Patient", "id": "p", "gender": "male"}}]});
        let on_observation = |expression: &str| holds("Observation", expression, &bundle);
        assert_eq!(
            on_observation("subject.resolve().gender = 'male'"),
            Some(true)
        );
        assert_eq!(
            on_observation("subject.resolve().gender = 'female'"),
            Some(false)
        );
    }

    #[test]
    fn membership_is_known_for_value_sets_that_can_be_listed() {
        let in_set = |name: &str| {
            on_patient(&format!(
                "gender.memberOf('http://hl7.org/fhir/ValueSet/{name}')"
            ))
        };
        assert_eq!(in_set("administrative-gender"), Some(true));
        assert_eq!(in_set("observation-status"), Some(false));
        assert_eq!(in_set("nothing"), None);
    }

    #[test]
    fn conformance_is_known_for_profiles_of_the_library() {
        let conforms = |canonical: &str| on_patient(&format!("conformsTo('{canonical}')"));
        let core =
            |name: &str| conforms(&format!("http://hl7.org/fhir/StructureDefinition/{name}"));
        assert_eq!(core("Patient"), Some(true));
        assert_eq!(core("Group"), Some(false));
        let us_core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
        assert_eq!(conforms(us_core), Some(false));
        assert_eq!(conforms("http://example.org/nothing"), None);
    }

    #[test]
    fn a_profile_that_asks_for_itself_comes_to_an_end() {
        assert_eq!(on_patient(&format!("conformsTo('{PROFILE}')")), None);
    }

    #[test]
    fn narrative_is_judged_by_the_rules_of_r4() {
        assert_eq!(on_patient("text.div.htmlChecks()"), Some(true));
        let mut resource = patient();
        resource["text"]["div"] =
            json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>a</script></div>");
        assert_eq!(
            holds("Patient", "text.div.htmlChecks()", &resource),
            Some(false)
        );
    }

    #[test]
    fn a_condition_sees_its_element_and_the_resource_around() {
        let sees =
            "%context is BackboneElement and %resource is Patient and %rootResource is Patient";
        assert_eq!(holds("Patient.contact", sees, &patient()), Some(true));
        let bundle = json!({"resourceType": "Bundle", "meta": {"profile": [PROFILE]}, "type": "collection",
            "entry": [{"fullUrl": "http://example.org/fhir/Patient/p", "resource": {"resourceType": "Patient", "id": "p"}}]});
        let sees = "%context is Patient and %resource is Bundle and %rootResource is Bundle";
        assert_eq!(holds("Bundle.entry.resource", sees, &bundle), Some(true));
    }
}
