//! `property/create-says-where`: the answer to a create leads to what was created, in the version that it has.
//! Row CR-02.

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Trace, etag_version};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, resource};
use crate::http::Exchange;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CreateSaysWhere;

static SPEC: PropertySpec = PropertySpec {
    id: "property/create-says-where",
    title: "The answer to a create says where the resource is and which version it has",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#create",
    sentence: "The server returns a 201 Created HTTP status code, and SHALL also return a Location header which contains the new Logical Id and Version Id of the created resource version",
    family: Family::Life,
    guards: &[Guard::Unknown],
    precondition: "a create was answered with 201",
    usual_causes: &[
        "the Location header is built from the request and not from what was stored",
        "the header names the resource without its version",
    ],
};

impl Property for CreateSaysWhere {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.written(&["read"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = ground.one_written(&["read"], values);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        for turn in 0..2 {
            let made = script.create(dataset::turn(resource_type, turn, values));
            script.read(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, capability: &Capability) -> Judgement {
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        let mut judgement = Judgement::default();
        for (index, event) in trace.events.iter().enumerate() {
            let Some(exchange) = event.accepted().filter(|exchange| {
                matches!(event.step.command, Command::Create { .. })
                    && exchange.status() == Some(201)
            }) else {
                continue;
            };
            judgement.weighed += 1;
            let read = life::read_after(trace, index, event.step.id);
            judgement
                .violations
                .extend(judge(event, exchange, read, capability));
        }
        judgement
    }
}

fn judge(
    event: &Event,
    exchange: &Exchange,
    read: Option<&Event>,
    capability: &Capability,
) -> Option<Violation> {
    let found = |title: &str, expected: &str, actual: Phrase, sign: &str| {
        let shown: Vec<&Event> = std::iter::once(event).chain(read).collect();
        Some(life::violation(&SPEC, title, expected, actual, "Location", &shown).signed(sign))
    };
    let Some(location) = exchange.header("location") else {
        return found(
            "A create is answered without a Location",
            "a Location header",
            Phrase::say("none"),
            "absent",
        );
    };
    let Some(key) = Key::from_reference(location) else {
        return found(
            "The Location of a create names no resource",
            "[base]/[type]/[id]/_history/[vid]",
            Phrase::say("").data(location),
            "form",
        );
    };
    let body = read.and_then(Event::accepted)?.json()?;
    let stored = Key::of(&body)?;
    if key != stored {
        return found(
            "The Location of a create leads to another resource",
            "the resource that was created",
            Phrase::say("").data(location),
            "other",
        );
    }
    let version = resource::version_id(&body)?;
    let named = location.split("/_history/").nth(1).map(str::to_owned);
    let versioned = capability
        .member(&stored.resource_type, "versioning")
        .is_none_or(|versioning| versioning != "no-version");
    match named {
        Some(named) if named != version && etag_version(&named) != version => found(
            "The Location of a create names a version that it does not have",
            "the version of the created resource",
            Phrase::say("").data(named),
            "version",
        ),
        None if versioned => found(
            "The Location of a create names no version",
            "[base]/[type]/[id]/_history/[vid]",
            Phrase::say("no /_history/ in it"),
            "unversioned",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    fn judge(location: Option<&str>) -> Vec<Violation> {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.header(made, "location", location);
        let body: Value = json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": "7"}});
        stage.read(made, 200, body);
        CreateSaysWhere
            .check(&stage.trace(), &capability(json!({"type": "Patient"})))
            .violations
    }

    #[test]
    fn a_location_of_the_version_is_silent_relative_or_not() {
        assert_eq!(judge(Some("http://h/fhir/Patient/1/_history/7")), []);
        assert_eq!(judge(Some("Patient/1/_history/7")), []);
    }

    #[test]
    fn a_location_that_is_absent_or_leads_elsewhere_is_found() {
        let signed = |location| judge(location)[0].signature[0].clone();
        assert_eq!(signed(None), "absent");
        assert_eq!(signed(Some("http://h/fhir/Patient/2/_history/7")), "other");
        assert_eq!(
            signed(Some("http://h/fhir/Patient/1/_history/8")),
            "version"
        );
        assert_eq!(signed(Some("http://h/fhir/Patient/1")), "unversioned");
    }
}
