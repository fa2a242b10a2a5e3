//! `property/type-history-contains`: the history of a type or of the system holds the versions of each of its
//! resources. Row VH-07.

use std::collections::BTreeSet;

use super::case::{Case, Command, Criterion, Origin, Script, Term};
use super::chronicle::{self, Chapter};
use super::trace::{Event, Outcome, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct TypeHistoryContains;

static SPEC: PropertySpec = PropertySpec {
    id: "property/type-history-contains",
    title: "The history of a type holds the versions of each of its resources",
    level: Level::Robust,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#history",
    sentence: "The history interaction retrieves the history of either a particular resource, all resources of a given type, or all resources supported by the system.",
    family: Family::History,
    guards: &[Guard::Unknown],
    precondition: "the history of a resource and of its type were read to their ends",
    usual_causes: &[
        "the history of a type lists the current versions only",
        "deleted resources are left out",
        "the pages of a long history are cut by time, and versions of one instant fall between them",
    ],
};

/// Entries on a page.
const COUNT: &str = "100";
/// How long before the first write the history begins, in milliseconds.
const BEFORE_MS: i64 = -2_000;

impl Property for TypeHistoryContains {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        types(ground).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let types = types(ground).unwrap_or_else(|_| vec!["Patient"]);
        let resource_type = *values.pick(&types);
        let mut script = Script::new(SPEC.id, Origin::Created, 0);
        let made = script.create(dataset::turn(resource_type, 0, values));
        for turn in 1..=1 + values.below(2) {
            script.put(made, dataset::turn(resource_type, turn, values), None);
        }
        if ground.capability.supports(resource_type, "delete") && values.chance(40) {
            script.delete(made);
        }
        script.history(made);
        let system = ground.capability.supports_system("history-system") && values.chance(30);
        script.push(Command::HistoryOf {
            resource_type: (!system).then(|| resource_type.to_owned()),
            options: vec![
                Criterion::new("_since", Term::Moment(made, BEFORE_MS)),
                Criterion::new("_count", Term::text(COUNT)),
            ],
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let mut own: Vec<&Event> = Vec::new();
        for event in &trace.events {
            match &event.step.command {
                Command::History { options, .. } if options.is_empty() => own.push(event),
                Command::HistoryOf { resource_type, .. } => {
                    for history in &own {
                        compare(history, event, resource_type.is_none(), &mut judgement);
                    }
                }
                command if command.writes() => own.clear(),
                _ => {}
            }
        }
        judgement
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    chronicle::types(ground, &["history-instance", "history-type"])
}

fn compare(own: &Event, of_type: &Event, system: bool, judgement: &mut Judgement) {
    if let Reply::Refused(exchange) = of_type.reply() {
        let status = exchange.status().unwrap_or_default();
        let reason = format!("the history of a type is answered with {status}");
        judgement.open.push(Open::Unsupported(reason));
        return;
    }
    if [own, of_type]
        .iter()
        .any(|event| event.outcome == Outcome::Endless)
    {
        let reason = "a history has more pages than a case may read";
        judgement.open.push(Open::Undecided(reason.to_owned()));
        return;
    }
    let (Some(own_listed), Some(listed)) = (chronicle::chapters(own), chronicle::chapters(of_type))
    else {
        return;
    };
    let (wanted, found) = (names(&own_listed), names(&listed));
    if wanted.is_empty() {
        return;
    }
    judgement.weighed += 1;
    let missing: Vec<&(Key, String)> = wanted.difference(&found).collect();
    if missing.is_empty() {
        return;
    }
    let is_delete = |(_, version): &&(Key, String)| {
        let chapter = |chapter: &&Chapter| chapter.version.as_deref() == Some(version);
        own_listed
            .iter()
            .find(chapter)
            .is_some_and(Chapter::is_delete)
    };
    let title = "The history of a type lacks a version that the history of its resource has";
    let sign = match missing.iter().all(is_delete) {
        true => "delete-missing",
        false => "missing",
    };
    let expected = chronicle::listing(wanted.iter().map(|(_, version)| version.as_str()));
    let kept = wanted
        .intersection(&found)
        .map(|(_, version)| version.as_str());
    let violation = chronicle::broken(&SPEC, (sign, title), expected, among(kept))
        .at("Bundle.entry")
        .signed(if system { "system" } else { "type" })
        .seen_in(own.numbers().chain(of_type.numbers()));
    judgement.violations.push(violation);
}

fn among<'a>(versions: impl Iterator<Item = &'a str>) -> Phrase {
    let versions: Vec<&str> = versions.collect();
    match versions.is_empty() {
        true => Phrase::say("none of them"),
        false => chronicle::listing(versions),
    }
}

/// Versions by resource and id, those that can be named.
fn names(chapters: &[Chapter]) -> BTreeSet<(Key, String)> {
    chapters
        .iter()
        .filter_map(|chapter| Some((chapter.key.clone()?, chapter.version.clone()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, delete, version};
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::{Value, json};

    const AT: &str = "2020-01-01T00:00:00Z";

    fn judge(status: u16, listed: Vec<Value>) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let made = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        let own = Command::History {
            target: made,
            options: Vec::new(),
        };
        let entries = vec![delete("2"), version("1", AT)];
        stage.push(own, Some("Patient/1"), vec![(200, bundle(entries))]);
        let of_type = Command::HistoryOf {
            resource_type: Some("Patient".to_owned()),
            options: Vec::new(),
        };
        stage.push(of_type, None, vec![(status, bundle(listed))]);
        TypeHistoryContains.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_history_of_the_type_with_all_versions_is_silent() {
        let judgement = judge(200, vec![delete("2"), version("7", AT), version("1", AT)]);
        assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
    }

    #[test]
    fn missing_versions_and_missing_deletes_are_told_apart() {
        assert_eq!(
            signs(&judge(200, vec![version("1", AT)])),
            ["delete-missing"]
        );
        assert_eq!(signs(&judge(200, vec![delete("2")])), ["missing"]);
        assert_eq!(signs(&judge(200, Vec::new())), ["missing"]);
    }

    #[test]
    fn a_refused_history_says_nothing() {
        let judgement = judge(404, Vec::new());
        assert_eq!((judgement.weighed, judgement.open.len()), (0, 1));
    }
}
