//! `property/same-in-xml`: what was written as JSON is the same when it is read as XML. Row RT-16. White space is not
//! compared: an attribute of XML need not keep it.

use serde_json::{Value, json};

use super::case::{Command, Origin, Raw, Script};
use super::compare::Numbers;
use super::document::{self, either_way};
use super::trace::{Event, Reply, Trace};
use super::{
    Case, Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::resource;
use crate::fhir::xml::narrative_text;
use crate::http::{Exchange, Method};
use crate::record::{Level, Severity, Verdict, Violation};

/// See the module.
pub struct SameInXml;

static SPEC: PropertySpec = PropertySpec {
    id: "property/same-in-xml",
    title: "What was written as JSON is the same when it is read as XML",
    level: Level::Robust,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/json.html",
    sentence: "The JSON format for the resources follows the standard XML format closely to make interconversion easy",
    family: Family::RoundTrip,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was read as JSON and as XML",
    usual_causes: &[
        "the two serializers are written by hand and do not know the same elements",
        "extensions of primitives have no place in one of the formats",
        "a character that XML lacks ends the document",
    ],
};

/// A character that JSON can spell and XML cannot.
const UNSPEAKABLE: &str = "bell\u{7}";

impl Property for SameInXml {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        let formats = ground.capability.value().get("format");
        let claims = |format: &Value| format.as_str().is_some_and(|text| text.contains("xml"));
        if !formats
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(claims))
        {
            return Err(Verdict::Skip("not claimed: format xml".to_owned()));
        }
        document::admit(ground)
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let resource_type = document::one_type(ground, values);
        let mut resource = match values.below(10) {
            0 => document::telling(resource_type, UNSPEAKABLE),
            1..=3 if resource_type == "Observation" => dataset::measured(values),
            _ => dataset::document(resource_type, values),
        };
        if values.chance(30) {
            resource["text"] = json!({ "status": "additional",
                "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Said &amp; done</p></div>" });
        }
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(resource);
        script.read(made);
        script.push(Command::Raw(
            Raw::of(Method::Get, format!("${{key:{made}}}"))
                .with_header("Accept", "application/fhir+xml")
                .with_header("Cache-Control", "no-cache"),
        ));
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let mut judgement = Judgement::default();
        let mut read: Option<&Event> = None;
        for event in &trace.events {
            match &event.step.command {
                Command::Create { .. } => judgement.open.extend(refused(event)),
                Command::Read { .. } => read = event.accepted().map(|_| event),
                Command::Raw(raw) if raw.method == Method::Get => {
                    if let Some(read) = read {
                        compare(trace, read, event, &mut judgement);
                    }
                }
                _ => read = None,
            }
        }
        judgement
    }
}

/// A text that XML cannot spell may be refused, and so may any other.
fn refused(event: &Event) -> Option<Open> {
    let Reply::Refused(exchange) = event.reply() else {
        return event.doubt().map(Open::Undecided);
    };
    let status = exchange.status().unwrap_or_default();
    Some(Open::Blocked(format!(
        "the target refuses a resource ({status})"
    )))
}

fn compare(trace: &Trace, read: &Event, raw: &Event, judgement: &mut Judgement) {
    let Some(exchange) = raw.accepted() else {
        judgement.open.extend(match (raw.doubt(), raw.last()) {
            (Some(reason), _) => Some(Open::Undecided(reason)),
            (None, Some(_)) => Some(Open::Unsupported("a read as XML is refused".to_owned())),
            (None, None) => None,
        });
        return;
    };
    let Some(as_json) = read.accepted().and_then(Exchange::json) else {
        return;
    };
    let body = exchange.response().map(|response| &response.body);
    let numbers = read.numbers().chain(raw.numbers());
    if body.is_some_and(|body| body.is_empty()) {
        judgement.weighed += 1;
        let kind = (
            "empty",
            "A resource that is read as JSON is an empty success as XML",
        );
        let violation = document::broken(&SPEC, kind, "the resource, or an error", "an empty body");
        judgement.violations.push(violation.seen_in(numbers));
        return;
    }
    let is_xml = body.is_some_and(|body| resource::is_markup(body));
    let Some(as_xml) = exchange.json().filter(|_| is_xml) else {
        let reason = "what is answered as XML is none that can be read";
        judgement.open.push(Open::Unsupported(reason.to_owned()));
        return;
    };
    judgement.weighed += 1;
    if let Some(violation) =
        narrative(&as_json, &as_xml).or_else(|| content(&as_json, &as_xml, &trace.base))
    {
        judgement.violations.push(violation.seen_in(numbers));
    }
}

/// Words of the narratives; one that cannot be read in either format says nothing.
fn narrative(as_json: &Value, as_xml: &Value) -> Option<Violation> {
    let words = |resource: &Value| match resource.pointer("/text/div").and_then(Value::as_str) {
        Some(div) => narrative_text(div),
        None => Some(String::new()),
    };
    let (one, other) = (words(as_json)?, words(as_xml)?);
    let kind = ("narrative", "The narrative is another one as XML");
    let shown = |text: String| crate::secret::Phrase::say("words: ").data(text);
    (one != other).then(|| document::broken(&SPEC, kind, shown(one), shown(other)).at("text.div"))
}

fn content(as_json: &Value, as_xml: &Value, base: &str) -> Option<Violation> {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let difference = either_way(as_json, as_xml, base, Numbers::Exact)
        .into_iter()
        .find(|difference| squeezed(&difference.sent) != squeezed(&difference.found))
        .filter(|difference| !difference.sent.contains(UNSPEAKABLE))?;
    let title = match difference.kind {
        "lost" => "An element that JSON has is not in the XML",
        "added" => "An element that JSON has not is in the XML",
        _ => "An element has another value as XML",
    };
    let kind = (difference.kind, title);
    Some(document::violation(&SPEC, &difference, kind).signed(difference.class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use std::sync::Arc;

    fn judge(as_json: Value, xml: &str) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.read(made, 200, as_json);
        stage.push(
            Command::Raw(Raw::of(Method::Get, "Patient/1")),
            None,
            vec![(200, json!(null))],
        );
        let mut trace = stage.trace();
        let event = trace.events.last_mut().unwrap();
        let mut exchange = event.exchanges[0].as_ref().clone();
        exchange.translated = crate::fhir::xml::read(xml.as_bytes()).ok().map(Arc::new);
        if let Ok(response) = &mut exchange.outcome {
            response.body = xml.to_owned().into();
        }
        event.exchanges = vec![Arc::new(exchange)];
        SameInXml.check(&trace, &capability(json!({})))
    }

    fn patient() -> Value {
        json!({"resourceType": "Patient", "gender": "female", "name": [{"text": "one\ttwo"}]})
    }

    fn xml(inner: &str) -> String {
        format!("<Patient xmlns=\"http://hl7.org/fhir\">{inner}</Patient>")
    }

    #[test]
    fn the_same_resource_is_silent_whatever_became_of_white_space() {
        let both = xml("<name><text value=\"one two\"/></name><gender value=\"female\"/>");
        let judgement = judge(patient(), &both);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn what_differs_is_told_apart() {
        let lost = xml("<name><text value=\"one two\"/></name>");
        assert_eq!(signs(&judge(patient(), &lost)), ["lost"]);
        let other = xml("<name><text value=\"one two\"/></name><gender value=\"male\"/>");
        assert_eq!(signs(&judge(patient(), &other)), ["changed"]);
        let mut told = patient();
        told["text"] = json!({"div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"});
        let silent = xml("<name><text value=\"one two\"/></name><gender value=\"female\"/>");
        assert_eq!(signs(&judge(told, &silent)), ["narrative"]);
        assert_eq!(signs(&judge(patient(), "")), ["empty"]);
    }

    #[test]
    fn an_answer_in_json_says_nothing() {
        assert_eq!(
            judge(patient(), "{\"resourceType\":\"Patient\"}").weighed,
            0
        );
    }
}
