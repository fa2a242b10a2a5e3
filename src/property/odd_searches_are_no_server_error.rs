//! `property/odd-searches-are-no-server-error`: a search value that makes no sense is no server error.
//! Row FZ-05.

use super::case::{Case, Raw};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, fuzz};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct OddSearchesAreNoServerError;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-searches-are-no-server-error",
    title: "A search value that makes no sense is no server error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#errors",
    sentence: "(paraphrase) A server that cannot execute a search answers with a status of 4xx and an OperationOutcome",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a search with a nonsensical value was answered",
    usual_causes: &[
        "a date or number is parsed without a check",
        "an unescaped value reaches the query of the database",
    ],
};

impl Property for OddSearchesAreNoServerError {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        fuzz::admit_reading(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        fuzz::reading_case(&SPEC, ground, values, |name, values| {
            mutant(name, &ground.capability.search_parameters(name), values)
        })
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        fuzz::judge(&SPEC, trace)
    }
}

/// A search for a nonsensical value, by a parameter that the server claims.
fn mutant(resource_type: &str, claimed: &[&str], values: &mut Values) -> Raw {
    let name = if claimed.is_empty() {
        "_id"
    } else {
        *values.pick(claimed)
    };
    let many = (0..200)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let odd = [
        "",
        "%5C",
        "a%5C",
        "%7C%7C%7C",
        "%7C",
        "%2C%2C",
        "%24%24",
        "2020-13-45",
        "ge",
        "ge2020-02-30",
        "1e999",
        "-",
        "%00",
        "%27%20OR%201%3D1--",
        "%F0%9F%92%A9",
        "9999-99",
        "0000",
        "1..2",
        "NaN",
        "%25",
        "Patient%2F",
        "http%3A",
        "urn%3Auuid%3A",
        many.as_str(),
    ];
    let value = *values.pick(&odd);
    let modifier = *values.pick(&[
        "", "", "", ":no-such", ":missing", ":exact", ":not", ".name", ":",
    ]);
    fuzz::get(format!("{resource_type}?{name}{modifier}={value}&_count=1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(staged::judge(&OddSearchesAreNoServerError, status, 200), []);
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddSearchesAreNoServerError, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddSearchesAreNoServerError, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
