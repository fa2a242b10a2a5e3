//! `property/odd-methods-change-nothing`: a method where R4 gives it no meaning is no server error, and the server goes on.
//! Row FZ-10.

use super::case::{Case, Command, Origin, Raw, RawBody, Script};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, fuzz};
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct OddMethodsChangeNothing;

static SPEC: PropertySpec = PropertySpec {
    id: "property/odd-methods-change-nothing",
    title: "A method where it has no meaning is no server error and changes nothing",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#summary",
    sentence: "(paraphrase) A method that a server does not support on a resource is answered with 405 and has no effect",
    family: Family::Fuzz,
    guards: &[Guard::Unknown],
    precondition: "a method was used where R4 gives it no meaning",
    usual_causes: &["a router falls through to another handler"],
};

impl Property for OddMethodsChangeNothing {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read"])?;
        fuzz::permitted(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        for _ in 0..REQUESTS {
            script.push(Command::Raw(mutant(resource_type, values)));
        }
        script.read(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        fuzz::judge(&SPEC, trace)
    }
}

/// Wrong requests of one case.
const REQUESTS: u32 = 6;

/// A method where R4 gives it no meaning. None of them can reach what is not the case's own.
fn mutant(resource_type: &str, values: &mut Values) -> Raw {
    let body = RawBody::Json(dataset::member(resource_type, values));
    let (method, url) = match values.below(5) {
        0 => (Method::Post, "${key:0}".to_owned()),
        1 => (Method::Put, "${key:0}/_history/1".to_owned()),
        2 => (Method::Patch, "${key:0}/_history/1".to_owned()),
        3 => (Method::Put, "metadata".to_owned()),
        _ => (Method::Post, "metadata".to_owned()),
    };
    Raw {
        method,
        url,
        ..fuzz::post(resource_type, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::fuzz::staged;

    #[test]
    fn any_answer_below_500_is_silent() {
        for status in [200, 400, 404, 406, 415, 422, 501] {
            assert_eq!(staged::judge(&OddMethodsChangeNothing, status, 200), []);
        }
    }

    #[test]
    fn a_server_error_and_a_server_that_is_gone_are_found() {
        assert_eq!(
            staged::judge(&OddMethodsChangeNothing, 500, 200)[0].signature,
            ["error"]
        );
        assert_eq!(
            staged::judge(&OddMethodsChangeNothing, 400, 500)[0].signature,
            ["gone"]
        );
    }
}
