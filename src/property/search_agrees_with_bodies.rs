//! `property/search-agrees-with-bodies`: a search finds the resources whose bodies, as they are read back, match it. Row
//! SM-30 of the catalogue. What R4 leaves open is not judged.

use super::case::{Case, Criterion, Script, Search, Term};
use super::contrast::{self, Equal, Judged, shown_by};
use super::evaluation;
use super::parameter::{Kind, Parameter};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict};
use std::collections::BTreeSet;

/// See the module.
pub struct SearchAgreesWithBodies;

/// Searches on one population.
const TURNS: usize = 4;

static SPEC: PropertySpec = PropertySpec {
    id: "property/search-agrees-with-bodies",
    title: "A search finds the resources whose bodies match it",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#Introduction",
    sentence: "The server determines which of the set of resources it serves meet the specific criteria, and returns the results in the HTTP response as a bundle",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the bodies decide about at least one resource that it matches, and about one more",
    usual_causes: &[
        "a modifier is accepted and not applied",
        "values are compared as text where R4 compares codes, dates or folded text",
        "the index holds other values than the resource",
    ],
};

impl Property for SearchAgreesWithBodies {
    fn spec(&self) -> &'static PropertySpec {
        &SPEC
    }

    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict> {
        ground.searched(1).map(|_| ())
    }

    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case {
        let ground = ground.searched(1).unwrap_or_default();
        let mut script = Script::new(SPEC.id, ground.origin, values.below(1000));
        let population = dataset::populate(&mut script, &ground, values);
        let plain = Search::of("all", population.resource_type, Vec::new());
        script.search(plain.clone());
        for turn in 0..TURNS {
            let number = 1 + usize::from(values.chance(25));
            let criteria = (0..number)
                .map(|_| {
                    let parameter = population.parameter(values);
                    let exact = population.criterion(parameter, values);
                    varied(parameter, exact, values)
                })
                .collect();
            script.search(Search {
                label: format!("asked{turn}"),
                criteria,
                ..plain.clone()
            });
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, &format!("asked{turn}"))))
    }
}

/// The criterion, sometimes with a modifier or prefix that its kind allows.
fn varied(parameter: &Parameter, exact: Criterion, values: &mut Values) -> Criterion {
    let modified = |modifier: &str, value: Term| {
        Criterion::new(format!("{}:{modifier}", parameter.code), value)
    };
    if values.chance(40) {
        return exact;
    }
    if values.chance(15) {
        return modified("missing", Term::text(values.chance(50).to_string()));
    }
    match parameter.kind {
        Kind::Code | Kind::Coding => modified("not", exact.value),
        Kind::Identifier | Kind::Quantity | Kind::Instant => exact,
        Kind::Text => modified(values.pick::<&str>(&["exact", "contains"]), exact.value),
        Kind::Date => {
            let prefix = values.pick::<&str>(&["ge", "gt", "le", "lt", "eq", "ne"]);
            Criterion::new(parameter.code, Term::prefixed(prefix, exact.value))
        }
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let Some(evaluation) = evaluation::evaluate(trace, label) else {
        return Ok(None);
    };
    if !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(asked)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    let decided: BTreeSet<Key> = &evaluation.must | &evaluation.refused;
    if evaluation.must.is_empty() || decided.len() < 2 {
        return Ok(None);
    }
    let equal = Equal {
        rule: SPEC.id,
        lost: "A search misses a resource whose body matches it",
        added: "A search finds a resource whose body does not match it",
        wanted: &evaluation.must,
        found: &(&asked.set() & &decided),
    };
    let shown = equal.violation().map(|violation| {
        let violation = match modifier(trace, label) {
            Some(modifier) => violation.signed(modifier),
            None => violation,
        };
        shown_by(violation, trace, &[&all, &asked])
    });
    Ok(Some(shown.into_iter().collect()))
}

/// The modifier of the only criterion: different ones are different faults.
fn modifier(trace: &Trace, label: &str) -> Option<String> {
    let [only] = answer::criteria(trace, label) else {
        return None;
    };
    let (_, modifier) = only.name.split_once(':')?;
    Some(modifier.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(name: &str, value: &str, found: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let keys = ["Patient/1", "Patient/2", "Patient/3"];
        let mut all = searchset(&keys, "Patient?_tag=x");
        for (position, gender) in [(0, "male"), (1, "female")] {
            all["entry"][position]["resource"]["gender"] = json!(gender);
        }
        let url = format!("http://h/fhir/Patient?_tag=x&{name}={value}");
        let plain = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        stage.push(plain("all"), None, vec![(200, all.clone())]);
        let criteria = vec![Criterion::new(name, Term::text(value))];
        let search = Search::of("asked0", "Patient", criteria);
        let page = searchset(found, &url);
        stage.push(Command::Search(search), None, vec![(200, page)]);
        stage.asking(&url);
        stage.push(plain("again"), None, vec![(200, all)]);
        SearchAgreesWithBodies.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_the_bodies_say_is_silent() {
        let judgement = judge("gender", "male", &["Patient/1"]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(judge("gender:missing", "true", &["Patient/3"]).weighed, 1);
        assert_eq!(judge("nickname", "x", &[]).weighed, 0);
    }

    #[test]
    fn what_is_lost_and_what_is_added_is_found() {
        assert_eq!(
            judge("gender", "male", &[]).violations[0].signature,
            ["lost"]
        );
        let both = judge("gender", "male", &["Patient/1", "Patient/2"]);
        assert_eq!(both.violations[0].signature, ["added"]);
        let not = judge("gender:not", "male", &["Patient/2"]);
        assert_eq!(not.violations[0].signature, ["lost", "not"]);
    }
}
