//! `property/odd-headers-are-no-server-error`: a header field that says nonsense is no server error.
//! Row FZ-03.

use super::case::{Case, Raw, RawBody};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict};
use serde_json::{Value, json};

/// See the module.
pub struct OddHeadersAreNoServerError;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-headers-are-no-server-error",
    title: "A header field that says nonsense is no server error",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#summary",
    sentence: "(paraphrase) A request that the server cannot understand is the fault of the client: 4xx",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a request with a nonsensical header field was answered",
    usual_causes: &["a header is parsed without a check"],
};

impl Property for OddHeadersAreNoServerError {
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

/// A create or read with one header field that says nonsense.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let fields: &[(&str, &[&str])] = &[
        (
            "Content-Type",
            &[
                "",
                "x",
                "application/fhir+json; charset=no-such",
                "text/plain",
                ";;;",
            ],
        ),
        (
            "Accept",
            &[
                "x",
                "application/fhir+json; q=abc",
                ";",
                "*/*;q=2",
                "application/nothing",
            ],
        ),
        (
            "If-Match",
            &["x", "W/", "W/\"\"", "\"", "W/\"no such version\"", "*, *"],
        ),
        ("If-None-Match", &["x", "W/", "\""]),
        ("If-Modified-Since", &["yesterday", "Fri, 99 Foo 2999", "0"]),
        (
            "If-None-Exist",
            &["=", "&&&", "no-such-parameter=1", "identifier", "%"],
        ),
        ("Prefer", &["return=nothing", "handling=", ";;", "return"]),
        ("Accept-Charset", &["no-such"]),
    ];
    let (name, contents) = values.pick(fields);
    let content = (*values.pick(contents)).to_owned();
    let mut raw = match *name {
        "If-None-Match" | "If-Modified-Since" | "Accept" | "Accept-Charset" => {
            fuzz::get("${key:0}")
        }
        "If-Match" => Raw {
            method: Method::Put,
            url: "${key:0}".to_owned(),
            ..fuzz::post(resource_type, RawBody::Json(own(resource_type, values)))
        },
        _ => Raw {
            name: Some(format!("m{}", values.below(1_000_000))),
            ..fuzz::post(
                resource_type,
                RawBody::Json(dataset::member(resource_type, values)),
            )
        },
    };
    raw.headers.push(((*name).to_owned(), content));
    raw
}

/// Content for the resource that the case created.
fn own(resource_type: &str, values: &mut Values) -> Value {
    let mut resource = dataset::member(resource_type, values);
    resource["id"] = json!("${id:0}");
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(staged::judge(&OddHeadersAreNoServerError, status, 200), []);
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddHeadersAreNoServerError, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddHeadersAreNoServerError, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
