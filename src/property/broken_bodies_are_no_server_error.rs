//! `property/broken-bodies-are-no-server-error`: a body that is no JSON, or JSON that parsers dispute, is no server error.
//! Row FZ-02.

use super::case::{Case, Raw, RawBody};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct BrokenBodiesAreNoServerError;

static SPEC: PropertySpec = PropertySpec {
    id: "property/broken-bodies-are-no-server-error",
    title: "A body that is no JSON is no server error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "When the resource syntax or data is incorrect or invalid, and cannot be used to create a new resource, the server returns a 400 Bad Request HTTP status code",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a body that is no JSON was answered",
    usual_causes: &[
        "the error of the JSON parser is not caught",
        "deep nesting overflows the stack",
    ],
};

impl Property for BrokenBodiesAreNoServerError {
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

/// A body that no JSON parser should take, or that only some do.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let good = dataset::member(resource_type, values).to_string();
    let cut = 1 + values.below(u32::try_from(good.len()).unwrap_or(2) - 1) as usize;
    let at = (0..=cut)
        .rev()
        .find(|at| good.is_char_boundary(*at))
        .unwrap_or(0);
    let inner = good.trim_start_matches('{');
    let text = match values.below(10) {
        0 => good[..at].to_owned(),
        1 => format!("{good}}}"),
        2 => format!("{{\"x\":NaN,{inner}"),
        3 => format!("{{\"x\":1e400,{inner}"),
        4 => format!("{{\"resourceType\":\"{resource_type}\",{inner}"),
        5 => format!("{{\"language\":\"\\ud800\",{inner}"),
        6 => format!("{{\"x\":{}{},{inner}", "[".repeat(600), "]".repeat(600)),
        7 => "'".to_owned(),
        8 => format!("[{good}]"),
        _ => format!("\u{feff}{good}"),
    };
    let body = if values.chance(20) {
        // Bytes that are no UTF-8, inside of a string.
        RawBody::Hex(format!("7b2278223a22{}227d", "c328ff"))
    } else {
        RawBody::Text(text)
    };
    fuzz::post(resource_type, body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(
                staged::judge(&BrokenBodiesAreNoServerError, status, 200),
                []
            );
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&BrokenBodiesAreNoServerError, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&BrokenBodiesAreNoServerError, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
