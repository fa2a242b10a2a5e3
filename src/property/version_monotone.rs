//! `property/version-monotone`: every write makes a version of its own, versions are shown alike everywhere, time
//! does not go back, and the history lists them all, newest first. Version ids are opaque: they are never ordered.

use jiff::Timestamp;
use serde_json::Value;

use super::case::{Case, Command, Origin, Script};
use super::trace::{Event, Reply, Trace, etag_version, shown_version};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::{bundle, resource};
use crate::http::Exchange;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct VersionMonotone;

/// Most updates in one case.
const MAX_UPDATES: u32 = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/version-monotone",
    title: "Every update makes a version of its own, and the history lists them all, newest first",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "The return content is a Bundle with type set to history containing the specified version history, sorted with oldest versions last, and including deleted resources.",
    family: Family::History,
    guards: &[Guard::Mask, Guard::Unknown],
    precondition: "a resource was updated and its versions were shown",
    usual_causes: &[
        "the version counter is kept with the content and reset by delete or update",
        "the history is read from a table whose order is not that of the versions",
        "the ETag is computed from something else than meta.versionId",
    ],
};

impl Property for VersionMonotone {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        versioned_types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = versioned_types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        script.read(made);
        for turn in 1..=1 + values.below(MAX_UPDATES) {
            script.put(made, dataset::turn(resource_type, turn, values), None);
            script.read(made);
        }
        if ground
            .capability
            .supports(resource_type, "history-instance")
        {
            script.history(made);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Err(reason) = answer::created(trace) {
            return Judgement::open(reason);
        }
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let shown = shown_versions(trace);
        if shown.is_empty() {
            return Judgement::open(Open::Unsupported("no version is shown anywhere".to_owned()));
        }
        if shown.len() > 1 {
            judgement.weighed += 1;
        }
        judgement.violations.extend(etags(trace));
        judgement.violations.extend(distinct(&shown));
        judgement.violations.extend(times(trace));
        for event in &trace.events {
            if let Command::History { .. } = event.step.command {
                judgement.violations.extend(history(event, &shown));
            }
        }
        judgement
    }
}

/// Types that may be written and claim to keep versions.
pub(super) fn versioned_types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = ground.written(&["update", "read"])?;
    types.retain(|name| keeps_versions(ground.capability, name));
    if types.is_empty() {
        return Err(Verdict::Skip("not claimed: versioning".to_owned()));
    }
    Ok(types)
}

/// <http://hl7.org/fhir/R4/valueset-versioning-policy.html>
fn keeps_versions(capability: &Capability, resource_type: &str) -> bool {
    capability
        .member(resource_type, "versioning")
        .and_then(Value::as_str)
        .is_some_and(|policy| matches!(policy, "versioned" | "versioned-update"))
}

/// One write, as the first answer after it showed the resource.
struct Shown {
    version: String,
    exchanges: Vec<u32>,
}

/// Versions in the order of the writes, one per accepted write whose version some answer showed before the next write.
fn shown_versions(trace: &Trace) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut fresh = false;
    for event in &trace.events {
        let Some(exchange) = event.accepted() else {
            continue;
        };
        match event.step.command {
            Command::Create { .. } | Command::Put { .. } => fresh = true,
            Command::Read { .. } => {}
            _ => continue,
        }
        if let Some(version) = fresh.then(|| shown_version(exchange)).flatten() {
            fresh = false;
            let exchanges = event.numbers().collect();
            shown.push(Shown { version, exchanges });
        }
    }
    shown
}

fn distinct(shown: &[Shown]) -> Option<Violation> {
    for (index, later) in shown.iter().enumerate() {
        let Some(earlier) = shown[..index]
            .iter()
            .find(|known| known.version == later.version)
        else {
            continue;
        };
        let violation = Violation::new(
            SPEC.id,
            "Two updates with different content share one version id",
            "a version id of its own for every change of content",
            Phrase::say("version ")
                .data(later.version.as_str())
                .words(" again"),
        );
        return Some(
            violation
                .at("meta.versionId")
                .seen_in(earlier.exchanges.iter().chain(&later.exchanges).copied())
                .signed("version-repeated"),
        );
    }
    None
}

/// An answer that shows both an ETag and a versionId shows the same version in both.
fn etags(trace: &Trace) -> Option<Violation> {
    let reads = trace.events.iter().filter(|event| {
        matches!(
            event.step.command,
            Command::Create { .. } | Command::Put { .. } | Command::Read { .. }
        )
    });
    for event in reads {
        let Some(exchange) = event.accepted() else {
            continue;
        };
        let body = exchange.json();
        let (Some(version), Some(etag)) = (
            body.as_ref().and_then(resource::version_id),
            exchange.header("etag"),
        ) else {
            continue;
        };
        if etag_version(etag) != version {
            let violation = Violation::new(
                SPEC.id,
                "The ETag is not the version id of the resource",
                Phrase::say("ETag W/\"").data(version).words("\""),
                Phrase::default().data(etag),
            );
            let numbers: Vec<u32> = event.numbers().collect();
            return Some(violation.at("ETag").seen_in(numbers).signed("etag"));
        }
    }
    None
}

/// `meta.lastUpdated` never goes back from write to write.
fn times(trace: &Trace) -> Option<Violation> {
    let mut last: Option<(Timestamp, String, u32)> = None;
    for event in &trace.events {
        let Some(exchange) = event.accepted() else {
            continue;
        };
        if !matches!(event.step.command, Command::Read { .. }) {
            continue;
        }
        let Some((instant, text)) = last_updated(exchange) else {
            continue;
        };
        if let Some((earlier, shown, number)) = &last
            && instant < *earlier
        {
            let violation = Violation::new(
                SPEC.id,
                "meta.lastUpdated goes back from one version to the next",
                Phrase::say("not before ").data(shown.as_str()),
                Phrase::default().data(text),
            );
            return Some(
                violation
                    .at("meta.lastUpdated")
                    .seen_in([*number, exchange.number])
                    .signed("last-updated"),
            );
        }
        last = Some((instant, text, exchange.number));
    }
    None
}

fn last_updated(exchange: &Exchange) -> Option<(Timestamp, String)> {
    let body = exchange.json()?;
    let text = resource::last_updated(&body)?.to_owned();
    Some((text.parse().ok()?, text))
}

/// The history holds every version that was shown once, newest first.
fn history(event: &Event, shown: &[Shown]) -> Option<Violation> {
    if !matches!(event.reply(), Reply::Accepted(_)) {
        return None;
    }
    let listed = listed_versions(event)?;
    let mut wanted: Vec<&str> = shown.iter().map(|write| write.version.as_str()).collect();
    wanted.dedup();
    wanted.reverse();
    let found: Vec<&str> = listed
        .iter()
        .map(String::as_str)
        .filter(|version| wanted.contains(version))
        .collect();
    if found == wanted {
        return None;
    }
    let mut sorted = (found.clone(), wanted.clone());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    let (title, sign) = if sorted.0 == sorted.1 {
        (
            "The history is not sorted with the oldest version last",
            "history-order",
        )
    } else if found.len() < wanted.len() {
        ("The history lacks a version", "history-incomplete")
    } else {
        (
            "The history lists a version more than once",
            "history-repeated",
        )
    };
    let mut violation = Violation::new(SPEC.id, title, listing(&wanted), listing(&found))
        .at("Bundle.entry")
        .seen_in(event.numbers())
        .signed(sign);
    violation.oracle = Some(Completeness::Exact);
    Some(violation)
}

fn listing(versions: &[&str]) -> Phrase {
    let mut phrase = Phrase::say("versions");
    for (index, version) in versions.iter().enumerate() {
        phrase = phrase
            .words(if index == 0 { " " } else { ", " })
            .data(*version);
    }
    phrase
}

/// Versions in the order of the history's entries over all pages; `None` if an entry shows none.
fn listed_versions(event: &Event) -> Option<Vec<String>> {
    let mut listed = Vec::new();
    for exchange in &event.exchanges {
        let page = exchange.json()?;
        for entry in bundle::entries(&page) {
            let held = bundle::resource(entry).and_then(resource::version_id);
            let answered = entry
                .get("response")
                .and_then(|response| response.get("etag"))
                .and_then(Value::as_str)
                .map(etag_version);
            listed.push(held.or(answered)?.to_owned());
        }
    }
    Some(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn patient(version: &str, at: &str) -> Value {
        json!({"resourceType": "Patient", "id": "1", "meta": {"versionId": version, "lastUpdated": at}})
    }

    fn stage(second: Value) -> Stage {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        stage.read(made, 200, patient("a", "2026-01-01T00:00:01Z"));
        stage.put(
            made,
            json!({"resourceType": "Patient", "active": true}),
            200,
        );
        stage.read(made, 200, second);
        stage
    }

    fn signatures(stage: &Stage) -> Vec<String> {
        let judgement = VersionMonotone.check(&stage.trace(), &capability(json!({})));
        judgement
            .violations
            .into_iter()
            .map(|violation| violation.signature[0].clone())
            .collect()
    }

    fn history(versions: &[&str]) -> Value {
        let entries: Vec<Value> = versions
            .iter()
            .map(|version| json!({"resource": patient(version, "2026-01-01T00:00:01Z")}))
            .collect();
        json!({"resourceType": "Bundle", "type": "history", "entry": entries})
    }

    #[test]
    fn opaque_versions_in_any_order_are_silent() {
        let mut stage = stage(patient("0", "2026-01-01T00:00:01Z"));
        stage.push(
            Command::History {
                target: 0,
                options: Vec::new(),
            },
            Some("Patient/1"),
            vec![(200, history(&["0", "a"]))],
        );
        assert_eq!(signatures(&stage), [] as [&str; 0]);
    }

    #[test]
    fn repeated_versions_and_times_that_go_back_are_found() {
        assert_eq!(
            signatures(&stage(patient("a", "2026-01-01T00:00:01Z"))),
            ["version-repeated"]
        );
        assert_eq!(
            signatures(&stage(patient("b", "2025-01-01T00:00:01Z"))),
            ["last-updated"]
        );
    }

    #[test]
    fn a_history_in_the_wrong_order_or_with_gaps_is_found() {
        for (versions, sign) in [
            (vec!["a", "b"], "history-order"),
            (vec!["b"], "history-incomplete"),
            (vec!["b", "b", "a"], "history-repeated"),
        ] {
            let mut stage = stage(patient("b", "2026-01-01T00:00:02Z"));
            stage.push(
                Command::History {
                    target: 0,
                    options: Vec::new(),
                },
                Some("Patient/1"),
                vec![(200, history(&versions))],
            );
            assert_eq!(signatures(&stage), [sign]);
        }
    }
}
