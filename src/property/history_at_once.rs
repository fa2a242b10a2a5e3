//! `property/history-at-once`: a history that is read right after a write holds it. Row VH-10. Each history is asked
//! for once, without waiting.

use super::case::{Case, Command, Origin, Raw, Script};
use super::chronicle;
use super::trace::{Event, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity, Verdict};

/// See the module.
pub struct HistoryAtOnce;

static SPEC: PropertySpec = PropertySpec {
    id: "property/history-at-once",
    title: "A history that is read right after a write holds it",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "The interactions create, update, and delete create history entries.",
    family: Family::History,
    guards: &[Guard::Fresh, Guard::Unknown],
    precondition: "a history was read right after a write whose version was named",
    usual_causes: &[
        "the history is read from a search index that lags",
        "the answer to an earlier history is given again from a cache",
        "a write is answered before it is stored",
    ],
};

/// The end of the URL of a history of one resource.
const HISTORY: &str = "/_history";
/// Time after which the history is read again.
const LATER_MS: u32 = 100;

impl Property for HistoryAtOnce {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        chronicle::types(ground, &["history-instance"]).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = chronicle::types(ground, &["history-instance"]);
        let resource_type = *values.pick(&types.unwrap_or_else(|_| vec!["Patient"]));
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        let history = || {
            let raw = Raw::of(Method::Get, format!("${{key:{made}}}{HISTORY}"));
            Command::Raw(raw.with_header("Cache-Control", "no-cache"))
        };
        // Read before a write as well, so that an answer that is given again shows.
        if values.chance(70) {
            script.push(history());
        }
        for turn in 1..=1 + values.below(2) {
            script.put(made, dataset::turn(resource_type, turn, values), None);
        }
        script.push(history());
        script.push(Command::Pause { ms: LATER_MS });
        script.push(history());
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let creates = |event: &&Event| matches!(event.step.command, Command::Create { .. });
        let made: Vec<&Event> = trace.events.iter().filter(creates).collect();
        let [made] = made.as_slice() else {
            return judgement;
        };
        for event in &trace.events {
            if is_history(event) {
                judge(trace, made, event, &mut judgement);
            }
        }
        judgement
    }
}

fn is_history(event: &Event) -> bool {
    matches!(&event.step.command, Command::Raw(raw)
        if raw.method == Method::Get && raw.url.ends_with(HISTORY))
}

fn judge(trace: &Trace, made: &Event, event: &Event, judgement: &mut Judgement) {
    let writes = chronicle::writes(trace, made.step.id, event);
    if let Reply::Refused(exchange) = event.reply() {
        let status = exchange.status().unwrap_or_default();
        let reason = format!("a history is answered with {status}");
        judgement.open.push(Open::Unsupported(reason));
        return;
    }
    let page = event.accepted().and_then(|exchange| exchange.json());
    let has_more = page.is_some_and(|page| bundle::link(&page, "next").is_some());
    let Some(listed) = chronicle::chapters(event).filter(|_| !has_more) else {
        return;
    };
    let named = || writes.iter().filter(|write| write.version.is_some());
    if named().count() == 0 {
        return;
    }
    judgement.weighed += 1;
    let missing = named().find(|write| {
        let is_it = |chapter: &chronicle::Chapter| chapter.version == write.version;
        !listed.iter().any(is_it)
    });
    if let Some(missing) = missing {
        let wanted = named().rev().filter_map(|write| write.version.as_deref());
        let found = listed
            .iter()
            .filter_map(|chapter| chapter.version.as_deref());
        let kind = (
            "late",
            "A history that is read right after a write lacks it",
        );
        let expected = chronicle::listing(wanted);
        let numbers = missing.event.numbers().chain(event.numbers());
        judgement.violations.push(
            chronicle::broken(&SPEC, kind, expected, chronicle::listing(found))
                .at("Bundle.entry")
                .seen_in(numbers),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, shown, version};
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    const AT: &str = "2020-01-01T00:00:00Z";

    fn judge(status: u16, page: Value) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient"}),
            if_none_exist: false,
        };
        let made = stage.push(create, Some("Patient/1"), vec![(201, shown("1"))]);
        let put = Command::Put {
            target: made,
            resource: json!({"resourceType": "Patient", "active": true}),
            if_match: None,
        };
        stage.push(put, Some("Patient/1"), vec![(200, shown("2"))]);
        let raw = Raw::of(Method::Get, format!("${{key:{made}}}{HISTORY}"));
        stage.push(Command::Raw(raw), None, vec![(status, page)]);
        HistoryAtOnce.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_whole_history_is_silent() {
        let judgement = judge(200, bundle(vec![version("2", AT), version("1", AT)]));
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn a_history_that_lacks_a_write_is_found() {
        assert_eq!(signs(&judge(200, bundle(vec![version("1", AT)]))), ["late"]);
        assert_eq!(signs(&judge(200, bundle(vec![version("2", AT)]))), ["late"]);
    }

    #[test]
    fn a_page_of_several_and_a_refusal_say_nothing() {
        let mut page = bundle(vec![version("2", AT)]);
        page["link"] = json!([{"relation": "next", "url": "http://h/fhir/next"}]);
        assert_eq!(judge(200, page).weighed, 0);
        assert_eq!(judge(404, json!({})).open.len(), 1);
    }
}
