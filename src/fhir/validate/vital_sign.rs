//! The vital signs of R4 and their profiles, which hold whether a resource claims them or not.
//! Not what the profiles say, and not an observation that does not call itself a vital sign.
//!
//! <http://hl7.org/fhir/R4/observation-vitalsigns.html>: "When a FHIR implementation supports any of the vital signs
//! listed below, the implementation SHALL conform to this profile for the vital sign observation." The page lists a LOINC
//! code for each, which must be there also where another code system says the same; so a code of SNOMED CT that means
//! one of them is enough to know which it is.

use serde_json::{Map, Value};

use super::occurrence::Occurrence;
use super::walk::Walk;
use super::{Issue, rule};

const LOINC: &str = "http://loinc.org";
const SNOMED_CT: &str = "http://snomed.info/sct";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// System and code with the profile; of SNOMED CT only what has the meaning of the row in the list of R4.
const PROFILES: &[(&str, &str, &str)] = &[
    (LOINC, "85353-1", VITALS_PANEL),
    (LOINC, "9279-1", RESPIRATORY_RATE),
    (LOINC, "8867-4", HEART_RATE),
    (LOINC, "2708-6", OXYGEN_SATURATION),
    (LOINC, "8310-5", BODY_TEMPERATURE),
    (LOINC, "8302-2", BODY_HEIGHT),
    (LOINC, "9843-4", HEAD_CIRCUMFERENCE),
    (LOINC, "29463-7", BODY_WEIGHT),
    (LOINC, "39156-5", BODY_MASS_INDEX),
    (LOINC, "85354-9", BLOOD_PRESSURE),
    (SNOMED_CT, "86290005", RESPIRATORY_RATE),
    (SNOMED_CT, "364075005", HEART_RATE),
    // Body temperature, and core body temperature, which is one.
    (SNOMED_CT, "386725007", BODY_TEMPERATURE),
    (SNOMED_CT, "276885007", BODY_TEMPERATURE),
    (SNOMED_CT, "50373000", BODY_HEIGHT),
    (SNOMED_CT, "363812007", HEAD_CIRCUMFERENCE),
    (SNOMED_CT, "27113001", BODY_WEIGHT),
    (SNOMED_CT, "60621009", BODY_MASS_INDEX),
    (SNOMED_CT, "75367002", BLOOD_PRESSURE),
];

const VITALS_PANEL: &str = "http://hl7.org/fhir/StructureDefinition/vitalspanel";
const RESPIRATORY_RATE: &str = "http://hl7.org/fhir/StructureDefinition/resprate";
const HEART_RATE: &str = "http://hl7.org/fhir/StructureDefinition/heartrate";
const OXYGEN_SATURATION: &str = "http://hl7.org/fhir/StructureDefinition/oxygensat";
const BODY_TEMPERATURE: &str = "http://hl7.org/fhir/StructureDefinition/bodytemp";
const BODY_HEIGHT: &str = "http://hl7.org/fhir/StructureDefinition/bodyheight";
const HEAD_CIRCUMFERENCE: &str = "http://hl7.org/fhir/StructureDefinition/headcircum";
const BODY_WEIGHT: &str = "http://hl7.org/fhir/StructureDefinition/bodyweight";
const BODY_MASS_INDEX: &str = "http://hl7.org/fhir/StructureDefinition/bmi";
const BLOOD_PRESSURE: &str = "http://hl7.org/fhir/StructureDefinition/bp";

/// Codings of one Observation that are looked at.
const MAX_CODINGS: usize = 64;

/// R4 binds the values of all components to it, those of the flow of oxygen included, whose unit it does not have and
/// guides require (US Core: L/min). Who claims the profile is held to it, others are not.
const UNITS_OF_COMPONENTS: &str = "http://hl7.org/fhir/ValueSet/ucum-vitals-common";

impl<'v> Walk<'v> {
    /// Applies the profile of a vital sign that nobody asked for; the units of components are then not checked.
    pub(super) fn vital_sign(&mut self, canonical: &'static str, occurrence: &Occurrence<'v>) {
        let before = self.issues.len();
        self.by_canonical(canonical, occurrence);
        let added = self.issues.split_off(before);
        let is_unit =
            |issue: &Issue| issue.rule == rule::BINDING && issue.path.contains(".component[");
        let (units, others): (Vec<Issue>, Vec<Issue>) = added.into_iter().partition(is_unit);
        self.issues.extend(others);
        if let Some(full) = &mut self.full {
            units
                .iter()
                .for_each(|_| full.open(rule::BINDING, UNITS_OF_COMPONENTS));
        }
    }
}

/// The profiles of R4 for an Observation with the category `vital-signs`; none for any other.
pub(super) fn profiles(observation: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
    let categories = list(observation.get("category")).iter();
    let mut categories = categories.flat_map(|concept| list(concept.get("coding")));
    let is_vital_sign = categories.any(|coding| is_coding(coding, CATEGORY, "vital-signs"));
    let codings = observation.get("code").map(|code| list(code.get("coding")));
    let codings = codings.filter(|_| is_vital_sign).unwrap_or_default();
    codings.iter().take(MAX_CODINGS).flat_map(move |coding| {
        let known = PROFILES.iter();
        known
            .filter(move |(system, code, _)| is_coding(coding, system, code))
            .map(|(.., profile)| *profile)
    })
}

fn is_coding(coding: &Value, system: &str, code: &str) -> bool {
    let is = |name: &str, word: &str| coding.get(name).and_then(Value::as_str) == Some(word);
    is("code", code) && is("system", system)
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Issue, Validator};
    use super::*;
    use crate::fhir::definitions::Library;

    fn temperature(coding: Value) -> Value {
        json!({"resourceType": "Observation", "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
            "code": {"coding": [coding]}, "subject": {"reference": "Patient/1"}, "effectiveDateTime": "2024-02-29",
            "valueQuantity": {"value": 36.5, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}})
    }

    fn errors(resource: &Value) -> Vec<Issue> {
        let validator = Validator::built_in().with_vital_signs();
        let outcome = validator.validate(resource, &[]);
        outcome.errors().cloned().collect()
    }

    #[test]
    fn a_vital_sign_is_held_to_its_profile_without_claiming_it_where_that_is_asked_for() {
        let sound = temperature(json!({"system": LOINC, "code": "8310-5"}));
        assert_eq!(errors(&sound), []);
        let mut wrong = sound.clone();
        wrong["valueQuantity"]["code"] = json!("K");
        let found = errors(&wrong);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].profile.as_deref(), Some(BODY_TEMPERATURE));
        assert!(!Validator::built_in().validate(&wrong, &[]).is_broken());
    }

    #[test]
    fn another_code_system_does_not_replace_the_code_of_the_list() {
        let found = errors(&temperature(
            json!({"system": SNOMED_CT, "code": "386725007"}),
        ));
        assert!(!found.is_empty());
        let other = temperature(json!({"system": SNOMED_CT, "code": "1"}));
        assert_eq!(errors(&other), []);
    }

    #[test]
    fn what_does_not_call_itself_a_vital_sign_is_none() {
        let mut other = temperature(json!({"system": LOINC, "code": "8310-5"}));
        other["category"][0]["coding"][0]["code"] = json!("exam");
        other["valueQuantity"]["code"] = json!("K");
        assert_eq!(errors(&other), []);
    }

    #[test]
    fn the_profiles_are_those_of_r4() {
        for (.., profile) in PROFILES {
            assert!(Library::built_in().profile(profile).is_some(), "{profile}");
        }
    }
}
