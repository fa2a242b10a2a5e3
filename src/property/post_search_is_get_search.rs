//! `property/post-search-is-get-search`: a search sent by POST has the matches of the same search sent by GET.

use super::answer;
use super::case::{Case, Criterion, Script, Search, Via};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct PostSearchIsGetSearch;

/// Most criteria in a search.
const MAX_CRITERIA: u32 = 3;

static SPEC: PropertySpec = PropertySpec {
    id: "property/post-search-is-get-search",
    title: "A search sent by POST has the matches of the same search sent by GET",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#search",
    sentence: "This has exactly the same semantics as the equivalent GET command",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "the search by GET matched something and the POST was answered",
    usual_causes: &[
        "the form body is read as a map, so a repeated parameter is lost",
        "parameters in the URL of a POST are ignored, or those in the body are",
        "the body is decoded twice or not at all",
    ],
};

impl Property for PostSearchIsGetSearch {
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
        let number = 1 + values.below(MAX_CRITERIA);
        let criteria: Vec<Criterion> = (0..number)
            .map(|_| {
                let parameter = population.parameter(values);
                population.criterion(parameter, values)
            })
            .collect();
        for label in ["get", "post", "again"] {
            let mut search = Search::of(label, population.resource_type, criteria.clone());
            if label == "post" {
                search.via = if values.chance(70) {
                    Via::Post
                } else {
                    Via::Mixed
                };
            }
            script.search(search);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        match judge(trace) {
            Ok(None) => Judgement::default(),
            Ok(Some(violation)) => Judgement {
                weighed: 1,
                violations: violation.into_iter().collect(),
                ..Judgement::default()
            },
            Err(reason) => Judgement::open(reason),
        }
    }
}

/// The outer `None`: nothing to judge; the inner: nothing wrong.
fn judge(trace: &Trace) -> Result<Option<Option<Violation>>, Open> {
    if answer::criteria(trace, "get") != answer::criteria(trace, "post") {
        return Ok(None);
    }
    if !answer::steady(trace, "get", "again")? {
        return Ok(None);
    }
    // Only the GET must show that the criteria are known: a POST that loses them is what is looked for.
    answer::heeded(trace, "get")?;
    let (Some(get), Some(post), Some(again)) = (
        answer::whole(trace, "get")?,
        answer::whole(trace, "post")?,
        answer::whole(trace, "again")?,
    ) else {
        return Ok(None);
    };
    let (wanted, found) = (get.set(), post.set());
    if wanted == found {
        return Ok((!wanted.is_empty()).then_some(None));
    }
    let (lost, added) = (
        wanted.difference(&found).count(),
        found.difference(&wanted).count(),
    );
    let mut violation = Violation::new(
        SPEC.id,
        "A search sent by POST has other matches than the same search sent by GET",
        Phrase::say(format!("{} matches, as by GET", wanted.len())),
        Phrase::say(format!(
            "{} matches: {lost} missing, {added} foreign",
            found.len()
        )),
    )
    .at("Bundle.entry")
    .seen_in([&get.exchanges[..], &post.exchanges, &again.exchanges].concat())
    .signed(if added > 0 { "added" } else { "lost" });
    violation.oracle = Some(answer::completeness(trace));
    Ok(Some(Some(violation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Command;
    use crate::property::case::Term;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(status: u16, post: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        for (label, via, status, keys) in [
            ("get", Via::Get, 200, &["Patient/1"][..]),
            ("post", Via::Post, status, post),
            ("again", Via::Get, 200, &["Patient/1"]),
        ] {
            let criteria = vec![Criterion::new("gender", Term::Text("male".to_owned()))];
            let search = Search {
                via,
                ..Search::of(label, "Patient", criteria)
            };
            stage.push(
                Command::Search(search),
                None,
                vec![(status, searchset(keys, "Patient?gender=male"))],
            );
        }
        PostSearchIsGetSearch.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn equal_answers_are_silent_and_other_answers_are_found() {
        assert_eq!(
            (
                judge(200, &["Patient/1"]).violations.len(),
                judge(200, &["Patient/1"]).weighed
            ),
            (0, 1)
        );
        assert_eq!(
            judge(200, &["Patient/1", "Patient/2"]).violations[0].signature,
            ["added"]
        );
        assert_eq!(judge(200, &[]).violations[0].signature, ["lost"]);
    }

    #[test]
    fn a_target_without_post_search_is_not_accused() {
        for status in [403, 404, 405] {
            let judgement = judge(status, &[]);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 0));
            assert!(matches!(judgement.open[0], Open::Unsupported(_)));
        }
    }
}
