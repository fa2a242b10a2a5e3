//! `property/odd-urls-are-no-server-error`: a URL that makes no sense is no server error.
//! Row FZ-04.

use super::case::{Case, Raw};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, fuzz};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct OddUrlsAreNoServerError;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-urls-are-no-server-error",
    title: "A URL that makes no sense is no server error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "404 Not Found - resource type not supported, or not a FHIR end-point",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a URL that makes no sense was answered",
    usual_causes: &[
        "percent-encoding is decoded without a check",
        "an id is used as a key of the database before it is looked at",
    ],
};

impl Property for OddUrlsAreNoServerError {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        fuzz::admit_reading(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        fuzz::reading_case(&SPEC, ground, values, mutant)
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        fuzz::judge(&SPEC, trace)
    }
}

/// A GET of something that cannot be there.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let long = "x".repeat(3000);
    let url = match values.below(12) {
        0 => format!("{resource_type}/%pe"),
        1 => format!("{resource_type}/%00"),
        2 => format!("{resource_type}/{}", "a".repeat(65)),
        3 => format!("{resource_type}/a/_history/%F0%9F%92%A9"),
        4 => format!("{resource_type}/a/_history/%00"),
        5 => format!("{resource_type}?_id=%"),
        6 => format!("{resource_type}?%3D%26"),
        7 => format!("{resource_type}/..%2f..%2fetc"),
        8 => format!("{resource_type}/a/b/c/d"),
        9 => format!("NoSuchType/{long}"),
        10 => format!("{resource_type}/$no-such-operation?x={long}"),
        _ => format!("{resource_type}/%EF%BF%BF"),
    };
    fuzz::get(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(staged::judge(&OddUrlsAreNoServerError, status, 200), []);
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddUrlsAreNoServerError, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddUrlsAreNoServerError, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
