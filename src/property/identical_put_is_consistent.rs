//! `property/identical-put-is-consistent`: an update that changes nothing makes a version each time or never. Row
//! VH-09. R4 does not say which, so a mixture is a fact to know and no more.

use std::collections::BTreeSet;

use super::case::{Case, Command, Origin, Script};
use super::chronicle;
use super::trace::{Event, Trace, shown_version};
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use crate::secret::Phrase;

/// See the module.
pub struct IdenticalPutIsConsistent;

static SPEC: PropertySpec = PropertySpec {
    id: "property/identical-put-is-consistent",
    title: "An update that changes nothing makes a version each time or never",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#update",
    sentence: "(paraphrase) R4 does not say whether an update without a change makes a version; clients expect one answer",
    family: Family::History,
    guards: &[Guard::Unknown],
    precondition: "one content was put three times, and the versions were shown",
    usual_causes: &[
        "content is compared with what was sent last in place of what is stored",
        "the answer names a version that the history does not have",
        "one of several nodes compares content and another does not",
    ],
};

impl Property for IdenticalPutIsConsistent {
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
        let same = dataset::turn(resource_type, 1, values);
        for _ in 0..3 + values.below(2) {
            script.put(made, same.clone(), None);
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = trace.doubt() {
            return Judgement::open(Open::Undecided(reason));
        }
        let mut judgement = Judgement::default();
        let repeats = repeats(trace);
        if repeats.len() < 2 {
            return judgement;
        }
        judgement.weighed += 1;
        let grown = repeats.iter().filter(|repeat| repeat.grows).count();
        let numbers: Vec<u32> = repeats
            .iter()
            .flat_map(|repeat| repeat.event.numbers())
            .collect();
        if grown != 0 && grown != repeats.len() {
            let title = "An update that changes nothing makes a version sometimes";
            let actual = format!("a version for {grown} of {} updates", repeats.len());
            let violation = chronicle::broken(
                &SPEC,
                ("mixed", title),
                "a version for each, or for none",
                Phrase::say(actual),
            );
            judgement.violations.push(violation.seen_in(numbers));
            return judgement;
        }
        for event in &trace.events {
            if let Command::History { target, options } = &event.step.command
                && options.is_empty()
                && let Some((shown, listed)) = counts(trace, event, *target)
                && listed > shown
            {
                let title = "The history holds versions that no answer to an update named";
                let violation = chronicle::broken(
                    &SPEC,
                    ("unnamed", title),
                    Phrase::say(format!("{shown} versions, as the answers say")),
                    Phrase::say(format!("{listed} versions")),
                );
                let numbers = numbers.iter().copied().chain(event.numbers());
                judgement.violations.push(violation.seen_in(numbers));
            }
        }
        judgement
    }
}

/// An update with the content of the one before it.
struct Repeat<'a> {
    event: &'a Event,
    grows: bool,
}

fn repeats(trace: &Trace) -> Vec<Repeat<'_>> {
    let puts: Vec<&Event> = trace
        .events
        .iter()
        .filter(|event| event.step.command.writes())
        .collect();
    puts.windows(2)
        .filter_map(|pair| {
            let [before, event] = pair else { return None };
            let same = matches!(event.step.command, Command::Put { .. })
                && before.step.command == event.step.command;
            let version = |event: &Event| event.accepted().and_then(shown_version);
            let (old, new) = (version(before)?, version(event)?);
            let grows = old != new;
            same.then_some(Repeat { event, grows })
        })
        .collect()
}

/// Versions that the answers to writes named, and entries of the history; `None` if some answer named none.
fn counts(trace: &Trace, event: &Event, target: u32) -> Option<(usize, usize)> {
    let writes = chronicle::writes(trace, target, event);
    let shown: Option<BTreeSet<String>> =
        writes.iter().map(|write| write.version.clone()).collect();
    Some((shown?.len(), chronicle::chapters(event)?.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::chronicle::testing::{bundle, shown, version};
    use crate::property::document::testing::signs;
    use crate::property::staging::{Stage, capability};
    use serde_json::json;

    fn judge(versions: &[&str], listed: usize) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let create = Command::Create {
            name: "r0".to_owned(),
            resource: json!({"resourceType": "Patient"}),
            if_none_exist: false,
        };
        let made = stage.push(create, Some("Patient/1"), vec![(201, shown("1"))]);
        for id in versions {
            let put = Command::Put {
                target: made,
                resource: json!({"resourceType": "Patient", "active": true}),
                if_match: None,
            };
            stage.push(put, Some("Patient/1"), vec![(200, shown(id))]);
        }
        let history = Command::History {
            target: made,
            options: Vec::new(),
        };
        let entries = (0..listed)
            .map(|index| version(&index.to_string(), "2020-01-01T00:00:00Z"))
            .collect();
        stage.push(history, Some("Patient/1"), vec![(200, bundle(entries))]);
        IdenticalPutIsConsistent.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn a_version_each_time_or_never_is_silent() {
        for (versions, listed) in [(["2", "3", "4"], 4), (["2", "2", "2"], 2)] {
            let judgement = judge(&versions, listed);
            assert_eq!((signs(&judgement).len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn a_mixture_and_versions_that_nobody_named_are_told_apart() {
        assert_eq!(signs(&judge(&["2", "2", "3"], 3)), ["mixed"]);
        assert_eq!(signs(&judge(&["2", "2", "2"], 4)), ["unnamed"]);
    }

    #[test]
    fn one_repetition_says_nothing() {
        assert_eq!(judge(&["2", "2"], 2).weighed, 0);
    }
}
