//! Populations whose values lie around the boundaries of searches: dates at several precisions and zones, Periods,
//! quantities with and without units, two names, identifiers and codings on one resource. Small pools, so that most
//! predicates match some and miss some. Not documents that tempt a server to lose something; `dataset` has those.

use serde_json::{Map, Value, json};

use super::case::{Origin, Script};
use super::dataset::Population;
use super::ground::SearchGround;
use super::values::{self, Values};

/// Fewest and most resources of a population.
const POPULATION: (u32, u32) = (6, 9);

/// Names that differ by case, accent and prefix.
const FAMILIES: &[&str] = &["Ansel", "Anselm", "ANSEL", "Änsel", "Brandt", "Hansel"];
const GIVEN: &[&str] = &["Ida", "ida", "Noor", "Noora", "Zoë", "Zoe"];
const CITIES: &[&str] = &["Bonn", "bonn", "Bonndorf", "Aachen", "Köln", "Koln"];
/// One month and its neighbours, at three precisions.
const BIRTH_DATES: &[&str] = &[
    "1980-01-31",
    "1980-02-01",
    "1980-02-15",
    "1980-02-15",
    "1980-02-29",
    "1980-03-01",
    "1980-02",
    "1980",
    "1979-12-31",
];
const GENDERS: &[&str] = &["female", "male", "other"];
/// The last one has no system.
const IDENTIFIERS: &[(&str, &str)] = &[
    ("urn:example:mrn", "m1"),
    ("urn:example:mrn", "m2"),
    ("urn:example:ward", "m1"),
    ("urn:example:ward", "m2"),
    ("", "m1"),
];
const STATUSES: &[&str] = &["final", "preliminary", "amended"];
const CATEGORY_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const CATEGORIES: &[&str] = &["vital-signs", "laboratory", "exam"];
/// Codes of three systems, one code of two of them, and one without a system.
const CODES: &[(&str, &str)] = &[
    ("http://loinc.org", "8867-4"),
    ("http://loinc.org", "2339-0"),
    ("urn:example:codes", "2339-0"),
    ("urn:example:codes", "pulse"),
    ("", "pulse"),
];
/// Around noon, so that no zone makes another day of them.
const MOMENTS: &[&str] = &[
    "2021-05-31T12:00:00Z",
    "2021-06-01T12:00:00Z",
    "2021-06-01T14:00:00+02:00",
    "2021-06-01T12:30:00Z",
    "2021-06-02T07:00:00-05:00",
    "2021-06-30T12:00:00Z",
    "2021-07-01T12:00:00Z",
    "2020-12-31T12:00:00Z",
    "2021-06-01",
    "2021-06",
];
const PERIODS: &[(Option<&str>, Option<&str>)] = &[
    (Some("2021-05-30T12:00:00Z"), Some("2021-06-02T12:00:00Z")),
    (Some("2021-06-01T12:00:00Z"), Some("2021-06-01T13:00:00Z")),
    (Some("2021-06-01T12:00:00Z"), None),
    (None, Some("2021-06-01T12:00:00Z")),
];
/// Around 5.4 and 100 and the edges of what their precision covers.
const NUMBERS: &[&str] = &[
    "5.4", "5.40", "5.35", "5.38", "5.42", "5.5", "100", "100.0", "99.6", "100.4", "101", "54",
];
const UCUM: &str = "http://unitsofmeasure.org";

/// Chooses a type and writes the steps that create a population of it and wait for the index; over a cohort nothing
/// is created.
pub fn populate(script: &mut Script, ground: &SearchGround, values: &mut Values) -> Population {
    let (resource_type, parameters) = values.pick(&ground.types).clone();
    let mut resources = Vec::new();
    if ground.origin == Origin::Created {
        let (least, most) = POPULATION;
        for _ in 0..least + values.below(most - least + 1) {
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

/// One member of a population.
pub fn member(resource_type: &str, values: &mut Values) -> Value {
    match resource_type {
        "Observation" => observation(values),
        _ => patient(values),
    }
}

fn object(resource_type: &str) -> Map<String, Value> {
    let mut resource = Map::new();
    resource.insert("resourceType".to_owned(), json!(resource_type));
    resource
}

/// One or two of a pool.
fn some<'a, T>(pool: &'a [T], values: &mut Values) -> Vec<&'a T> {
    let number = 1 + usize::from(values.chance(45));
    let first = values.below(u32::try_from(pool.len()).unwrap_or(1)) as usize;
    let step = 1 + values.below(2) as usize;
    (0..number)
        .map(|turn| &pool[(first + turn * step) % pool.len()])
        .collect()
}

fn patient(values: &mut Values) -> Value {
    let mut patient = object("Patient");
    let identifiers: Vec<Value> = some(IDENTIFIERS, values)
        .into_iter()
        .map(|(system, value)| with_system(system, "value", value))
        .collect();
    if values.chance(80) {
        patient.insert("identifier".to_owned(), json!(identifiers));
    }
    if values.chance(80) {
        patient.insert("active".to_owned(), json!(values.chance(60)));
    }
    let names: Vec<Value> = some(FAMILIES, values)
        .into_iter()
        .map(|family| json!({ "family": family, "given": some(GIVEN, values) }))
        .collect();
    patient.insert("name".to_owned(), json!(names));
    if values.chance(75) {
        patient.insert("gender".to_owned(), json!(values.pick(GENDERS)));
    }
    if values.chance(85) {
        patient.insert("birthDate".to_owned(), json!(values.pick(BIRTH_DATES)));
    }
    if values.chance(75) {
        let addresses: Vec<Value> = some(CITIES, values)
            .into_iter()
            .map(|city| json!({ "city": city }))
            .collect();
        patient.insert("address".to_owned(), json!(addresses));
    }
    Value::Object(patient)
}

fn with_system(system: &str, member: &str, value: &str) -> Value {
    match system {
        "" => json!({ member: value }),
        _ => json!({ "system": system, member: value }),
    }
}

fn observation(values: &mut Values) -> Value {
    let mut observation = object("Observation");
    if values.chance(60) {
        let identifiers: Vec<Value> = some(IDENTIFIERS, values)
            .into_iter()
            .map(|(system, value)| with_system(system, "value", value))
            .collect();
        observation.insert("identifier".to_owned(), json!(identifiers));
    }
    observation.insert("status".to_owned(), json!(values.pick(STATUSES)));
    if values.chance(80) {
        let categories: Vec<Value> = some(CATEGORIES, values)
            .into_iter()
            .map(|code| json!({ "coding": [with_system(CATEGORY_SYSTEM, "code", code)] }))
            .collect();
        observation.insert("category".to_owned(), json!(categories));
    }
    let codings: Vec<Value> = some(CODES, values)
        .into_iter()
        .map(|(system, code)| with_system(system, "code", code))
        .collect();
    observation.insert("code".to_owned(), json!({ "coding": codings }));
    match values.weighted(&[12, 65, 23]) {
        0 => {}
        1 => {
            observation.insert("effectiveDateTime".to_owned(), json!(values.pick(MOMENTS)));
        }
        _ => {
            observation.insert("effectivePeriod".to_owned(), period(values));
        }
    }
    match values.weighted(&[10, 80, 10]) {
        0 => {}
        1 => {
            observation.insert("valueQuantity".to_owned(), quantity(values));
        }
        _ => {
            observation.insert("valueString".to_owned(), json!("trace"));
        }
    }
    Value::Object(observation)
}

fn period(values: &mut Values) -> Value {
    let (start, end) = values.pick(PERIODS);
    let mut period = Map::new();
    for (name, bound) in [("start", start), ("end", end)] {
        if let Some(bound) = bound {
            period.insert(name.to_owned(), json!(bound));
        }
    }
    Value::Object(period)
}

fn quantity(values: &mut Values) -> Value {
    let number = values::number(values.pick::<&str>(NUMBERS));
    let unit = if values.chance(70) { "mg" } else { "g" };
    match values.weighted(&[6, 2, 1, 1]) {
        0 => json!({ "value": number, "unit": unit, "system": UCUM, "code": unit }),
        1 => {
            json!({ "value": number, "unit": unit, "system": "urn:example:units", "code": unit })
        }
        2 => json!({ "value": number, "unit": unit }),
        _ => json!({ "value": number }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::resource;
    use crate::property::parameter;
    use crate::seed::Seed;

    #[test]
    fn members_have_values_for_every_parameter_of_their_type_sooner_or_later() {
        let mut values = Values::new(Seed(3));
        for resource_type in ["Patient", "Observation"] {
            let members: Vec<Value> = (0..40)
                .map(|_| member(resource_type, &mut values))
                .collect();
            assert!(
                members
                    .iter()
                    .all(|member| resource::resource_type(member) == Some(resource_type))
            );
            let parameters = parameter::PARAMETERS
                .iter()
                .filter(|entry| entry.resource_type == resource_type);
            for parameter in parameters {
                let holders = members
                    .iter()
                    .filter(|member| !parameter.values(member).is_empty())
                    .count();
                assert!(holders > 10, "{} {holders}", parameter.code);
            }
        }
    }
}
