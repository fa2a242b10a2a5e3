//! Resources for cases: small populations whose values repeat so that predicates split them, and rich single
//! resources that tempt a server to lose something. Not realistic patients; `population` makes those.

use serde_json::{Map, Value, json};

use super::case::{Criterion, Origin, Script, Term};
use super::ground::SearchGround;
use super::parameter::Parameter;
use super::values::{self, Values};

/// Fewest and most resources of a population.
const POPULATION: (u32, u32) = (5, 12);

/// Names that differ by case, accent and prefix: most predicates match some and miss some.
const FAMILIES: &[&str] = &["Ansel", "Anselm", "ansel", "Änsel", "Brandt"];
const GIVEN: &[&str] = &["Ida", "Ida-Marie", "Noor", "noor"];
const CITIES: &[&str] = &["Bonn", "Bonndorf", "Aachen"];
/// One boundary, from both sides and at three precisions.
const DATES: &[&str] = &[
    "1980-02-28",
    "1980-02-29",
    "1980-03-01",
    "1980-02",
    "1980",
    "1981-01-01",
];
const GENDERS: &[&str] = &["female", "male", "other"];
const STATUSES: &[&str] = &["final", "preliminary", "amended"];
const LOINC: &[(&str, &str)] = &[
    ("8867-4", "Heart rate"),
    ("8310-5", "Body temperature"),
    ("2339-0", "Glucose"),
];
const CATEGORIES: &[&str] = &["vital-signs", "laboratory"];
const CATEGORY_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// A population for a search case: the steps that create it, or nothing where the cohort stands in for it.
pub struct Population {
    /// Type.
    pub resource_type: &'static str,
    /// Parameters of the type that the target claims.
    pub parameters: Vec<&'static Parameter>,
    /// What will be created; empty for the cohort.
    pub resources: Vec<Value>,
}

/// Chooses a type and writes the steps that create a population of it and wait for the index.
pub fn populate(script: &mut Script, ground: &SearchGround, values: &mut Values) -> Population {
    let (resource_type, parameters) = values.pick(&ground.types).clone();
    let mut resources = Vec::new();
    if ground.origin == Origin::Created {
        let (least, most) = POPULATION;
        let number = least + values.below(most - least + 1);
        for _ in 0..number {
            let resource = member(resource_type, values);
            script.create(resource.clone());
            resources.push(resource);
        }
        script.settle(resource_type);
    }
    Population {
        resource_type,
        parameters,
        resources,
    }
}

impl Population {
    /// A parameter of the type.
    pub fn parameter(&self, values: &mut Values) -> &'static Parameter {
        values.pick::<&'static Parameter>(&self.parameters)
    }

    /// A criterion that matches some of the population, if it holds a value for the parameter.
    pub fn criterion(&self, parameter: &Parameter, values: &mut Values) -> Criterion {
        if self.resources.is_empty() {
            return Criterion::new(parameter.code, Term::Cohort(values.below(1000)));
        }
        let mut held: Vec<String> = self
            .resources
            .iter()
            .flat_map(|resource| parameter.values(resource))
            .collect();
        held.sort();
        held.dedup();
        let value = if held.is_empty() {
            "none".to_owned()
        } else {
            values.pick(&held).clone()
        };
        Criterion::new(parameter.code, Term::Text(value))
    }
}

/// One member of a population.
pub fn member(resource_type: &str, values: &mut Values) -> Value {
    match resource_type {
        "Observation" => observation(values),
        _ => patient(values),
    }
}

fn patient(values: &mut Values) -> Value {
    let mut patient = object("Patient");
    if values.chance(80) {
        patient.insert("active".to_owned(), json!(values.chance(60)));
    }
    let mut name = Map::new();
    name.insert("family".to_owned(), json!(values.pick(FAMILIES)));
    if values.chance(75) {
        let mut given = vec![*values.pick(GIVEN)];
        if values.chance(40) {
            given.push(*values.pick(GIVEN));
        }
        name.insert("given".to_owned(), json!(given));
    }
    patient.insert("name".to_owned(), json!([name]));
    if values.chance(75) {
        patient.insert("gender".to_owned(), json!(values.pick(GENDERS)));
    }
    if values.chance(75) {
        patient.insert("birthDate".to_owned(), json!(values.pick(DATES)));
    }
    if values.chance(60) {
        patient.insert(
            "address".to_owned(),
            json!([{ "city": values.pick(CITIES) }]),
        );
    }
    Value::Object(patient)
}

fn observation(values: &mut Values) -> Value {
    let mut observation = object("Observation");
    observation.insert("status".to_owned(), json!(values.pick(STATUSES)));
    if values.chance(75) {
        observation.insert(
            "category".to_owned(),
            json!([{ "coding": [{ "system": CATEGORY_SYSTEM, "code": values.pick(CATEGORIES) }] }]),
        );
    }
    observation.insert("code".to_owned(), loinc(values));
    if values.chance(75) {
        let day = 1 + values.below(4);
        observation.insert(
            "effectiveDateTime".to_owned(),
            json!(format!("2021-06-{day:02}T12:00:00Z")),
        );
    }
    Value::Object(observation)
}

fn loinc(values: &mut Values) -> Value {
    let (code, display) = values.pick(LOINC);
    json!({ "coding": [{ "system": "http://loinc.org", "code": code, "display": display }] })
}

fn object(resource_type: &str) -> Map<String, Value> {
    let mut resource = Map::new();
    resource.insert("resourceType".to_owned(), json!(resource_type));
    resource
}

/// A resource with values that are easily lost: for round trips.
pub fn document(resource_type: &str, values: &mut Values) -> Value {
    match resource_type {
        "Observation" => observation_document(values),
        _ => patient_document(values),
    }
}

fn patient_document(values: &mut Values) -> Value {
    let mut patient = object("Patient");
    if values.chance(50) {
        patient.insert("active".to_owned(), json!(values.chance(50)));
    }
    patient.insert("name".to_owned(), names(values));
    if values.chance(60) {
        patient.insert("birthDate".to_owned(), json!(values.draw(&values::date())));
    }
    if values.chance(40) {
        let moment = values.draw(&values::date_time());
        patient.insert(
            "_birthDate".to_owned(),
            json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": moment }] }),
        );
    }
    if values.chance(50) {
        let number = 1 + values.below(3);
        let lines: Vec<String> = (0..number).map(|_| values.draw(&values::text())).collect();
        let city = values.draw(&values::text());
        patient.insert(
            "address".to_owned(),
            json!([{ "line": lines, "city": city }]),
        );
    }
    if values.chance(50) {
        let text = values.draw(&values::text());
        patient.insert("extension".to_owned(), extensions(text, values));
    }
    if values.chance(40) {
        let number = 1 + values.below(4);
        let telecom: Vec<Value> = (0..number)
            .map(|rank| json!({ "system": "phone", "value": format!("+49 30 555 01{rank:02}"), "rank": rank + 1 }))
            .collect();
        patient.insert("telecom".to_owned(), json!(telecom));
    }
    Value::Object(patient)
}

/// One or two names; some have a given name that is only an extension, which needs null padding
/// (<http://hl7.org/fhir/R4/json.html#primitive>).
fn names(values: &mut Values) -> Value {
    let number = 1 + values.below(2);
    let names: Vec<Value> = (0..number)
        .map(|_| {
            let family = values.draw(&values::text());
            let given = [values.draw(&values::text()), values.draw(&values::text())];
            if values.chance(25) {
                let reason = json!({ "extension": [{
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked" }] });
                json!({ "family": family, "given": [given[0], null], "_given": [null, reason] })
            } else {
                json!({ "family": family, "given": given })
            }
        })
        .collect();
    json!(names)
}

fn extensions(text: String, values: &mut Values) -> Value {
    let plain =
        json!({ "url": "http://example.org/fhir/StructureDefinition/note", "valueString": text });
    if values.chance(50) {
        return json!([plain]);
    }
    let date = values.draw(&values::date());
    json!([plain, { "url": "http://example.org/fhir/StructureDefinition/parts", "extension": [
        { "url": "first", "valueBoolean": values.chance(50) }, { "url": "second", "valueDate": date } ] }])
}

fn observation_document(values: &mut Values) -> Value {
    let mut observation = object("Observation");
    observation.insert("status".to_owned(), json!(values.pick(STATUSES)));
    let mut code = loinc(values);
    code["text"] = json!(values.draw(&values::text()));
    observation.insert("code".to_owned(), code);
    if values.chance(70) {
        let moment = values.draw(&values::date_time());
        observation.insert("effectiveDateTime".to_owned(), json!(moment));
    }
    if values.chance(60) {
        observation.insert(
            "valueString".to_owned(),
            json!(values.draw(&values::text())),
        );
    }
    if values.chance(50) {
        let number = 1 + values.below(3);
        let notes: Vec<Value> = (0..number)
            .map(|_| json!({ "text": values.draw(&values::text()) }))
            .collect();
        observation.insert("note".to_owned(), json!(notes));
    }
    Value::Object(observation)
}

/// An Observation whose numbers are the point.
pub fn measured(values: &mut Values) -> Value {
    let mut observation = object("Observation");
    observation.insert("status".to_owned(), json!("final"));
    observation.insert("code".to_owned(), loinc(values));
    observation.insert("valueQuantity".to_owned(), quantity(values));
    if values.chance(40) {
        let range = json!([{ "low": quantity(values), "high": quantity(values) }]);
        observation.insert("referenceRange".to_owned(), range);
    }
    Value::Object(observation)
}

fn quantity(values: &mut Values) -> Value {
    let text = values.draw(&values::decimal());
    json!({ "value": values::number(&text), "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL" })
}

/// A Patient whose numbers are the point: a decimal has a place in any resource by an extension.
pub fn measured_patient(values: &mut Values) -> Value {
    let text = values.draw(&values::decimal());
    json!({ "resourceType": "Patient", "extension": [{
        "url": "http://example.org/fhir/StructureDefinition/measure", "valueDecimal": values::number(&text) }] })
}

/// Small content that differs from that of any other `turn`.
pub fn turn(resource_type: &str, turn: u32, values: &mut Values) -> Value {
    let text = format!("turn {turn}");
    match resource_type {
        "Observation" => {
            let mut observation = member("Observation", values);
            observation["valueString"] = json!(text);
            observation
        }
        _ => {
            let mut patient = member("Patient", values);
            patient["name"][0]["text"] = json!(text);
            patient
        }
    }
}
