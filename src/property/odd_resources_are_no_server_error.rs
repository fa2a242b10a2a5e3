//! `property/odd-resources-are-no-server-error`: a resource with a fault of structure is refused or accepted, and no server error.
//! Row FZ-01.

use super::case::{Case, Raw, RawBody};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use serde_json::{Value, json};

/// See the module.
pub struct OddResourcesAreNoServerError;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-resources-are-no-server-error",
    title: "A resource with a fault of structure is no server error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "When the resource syntax or data is incorrect or invalid, and cannot be used to create a new resource, the server returns a 400 Bad Request HTTP status code",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a resource with a fault of structure was answered",
    usual_causes: &[
        "a parser error is not caught",
        "a null or an empty list reaches the mapping of the database",
    ],
};

impl Property for OddResourcesAreNoServerError {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        fuzz::admit_writing(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        fuzz::writing_case(&SPEC, ground, values, mutant)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        fuzz::judge(&SPEC, trace)
    }
}

/// A valid resource with one fault of structure.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let mut resource = dataset::member(resource_type, values);
    let names: Vec<String> = resource
        .as_object()
        .map(|members| {
            members
                .keys()
                .filter(|name| *name != "resourceType")
                .cloned()
                .collect()
        })
        .unwrap_or_default();
    let name = values.pick(&names).clone();
    let odd: Value = match values.below(9) {
        0 => Value::Null,
        1 => json!([]),
        2 => json!({}),
        3 => json!(""),
        4 => json!([null]),
        5 => json!([[["x"]]]),
        6 => json!(-1),
        7 => json!({ "extension": "x" }),
        _ => json!("x".repeat(3000)),
    };
    match values.below(4) {
        0 => resource["resourceType"] = odd,
        1 => resource[format!("_{name}")] = odd,
        2 => resource["contained"] = odd,
        _ => resource[name] = odd,
    }
    let name = format!("m{}", values.below(1_000_000));
    Raw {
        name: Some(name),
        ..fuzz::post(resource_type, RawBody::Json(resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(
                staged::judge(&OddResourcesAreNoServerError, status, 200),
                []
            );
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddResourcesAreNoServerError, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddResourcesAreNoServerError, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
