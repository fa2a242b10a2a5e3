//! `property/search-shows-what-existed`: a search during writes shows contents that were written, each with its own
//! version, and none before its write began. Row CC-12.

use serde_json::Value;

use super::case::{Case, Command, Criterion, Origin, Script, Search, Term};
use super::contest::{self, Contest};
use super::trace::{Event, Reply, Trace};
use super::{Family, Ground, Guard, Judgement, Property, PropertySpec, Values, dataset, life};
use crate::fhir::capability::Capability;
use crate::fhir::{bundle, resource};
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct SearchShowsWhatExisted;

/// Clients that search, and searches of each.
const SEARCHERS: u8 = 2;
const SEARCHES: u32 = 3;
/// Fewest and most updates meanwhile.
const UPDATES: (u32, u32) = (3, 5);

static SPEC: PropertySpec = PropertySpec {
    id: "property/search-shows-what-existed",
    title: "A search during writes shows versions that existed, with their own content",
    level: Level::Should,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#search",
    sentence: "(paraphrase) The results of a search are current at the time when it is carried out",
    family: Family::Concurrency,
    guards: &[Guard::Tag, Guard::Fresh, Guard::Resolved],
    precondition: "a search found a resource while another client updated it, and its history was read",
    usual_causes: &[
        "the index holds a copy of the resource whose meta is read from elsewhere",
        "the index is written before the resource",
    ],
};

impl Property for SearchShowsWhatExisted {
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
        let name = script.fresh_name();
        let made = script.create(dataset::turn(resource_type, 0, values));
        script.settle(resource_type);
        let (least, most) = UPDATES;
        for turn in 1..=least + values.below(most - least + 1) {
            let put = Command::Put {
                target: made,
                resource: dataset::turn(resource_type, turn, values),
                if_match: None,
            };
            script.push_lane(0, put);
        }
        for searcher in 1..=SEARCHERS {
            for number in 0..SEARCHES {
                let criterion = Criterion::new("identifier", Term::Identifier(name.clone()));
                let label = format!("s{searcher}-{number}");
                let search = Search::of(&label, resource_type, vec![criterion]);
                script.push_lane(searcher, Command::Search(search));
            }
        }
        script.history(made);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let Some(target) = trace.events.first().map(|event| event.step.id) else {
            return Judgement::default();
        };
        match contest::unordered(trace, target) {
            Err(reason) => Judgement::open(reason),
            Ok(None) => Judgement::default(),
            Ok(Some(contest)) => judge(trace, target, &contest),
        }
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let mut types = contest::ordered_types(ground)?;
    types.retain(|name| {
        ground.capability.supports(name, "search-type")
            && ground.capability.supports_parameter(name, "identifier")
    });
    if types.is_empty() {
        return Err(Verdict::Skip(
            "not claimed: search by identifier".to_owned(),
        ));
    }
    Ok(types)
}

fn judge(trace: &Trace, target: u32, contest: &Contest<'_>) -> Judgement {
    let mut judgement = Judgement::default();
    let Some(key) = trace.key(target) else {
        return judgement;
    };
    let searches = trace.events.iter().filter(|event| {
        matches!(event.step.command, Command::Search(_)) && event.step.is_concurrent()
    });
    for search in searches {
        let Reply::Accepted(exchange) = search.reply() else {
            continue;
        };
        let Some(page) = exchange.json() else {
            continue;
        };
        for held in bundle::matches(&page) {
            let is_ours = resource::resource_type(held) == Some(&key.resource_type)
                && resource::id(held) == Some(&key.id);
            if is_ours {
                judgement.weighed += 1;
                judgement.violations.extend(
                    shown(contest, search, held).filter(|_| judgement.violations.is_empty()),
                );
            }
        }
    }
    judgement
}

/// What is wrong with a resource that a search shows.
fn shown(contest: &Contest<'_>, search: &Event, held: &Value) -> Option<Violation> {
    let (version, token) = (resource::version_id(held)?, life::mark(held)?);
    let writes = contest
        .steps
        .iter()
        .copied()
        .filter(|event| event.step.command.payload().and_then(life::mark) == Some(token));
    let mut writes = writes.filter(|event| event.step.command.writes());
    let Some(write) = writes.next() else {
        let violation = life::violation(
            &SPEC,
            "A search shows a content that was never written",
            "a content that some client wrote",
            Phrase::say("another content, as version ").data(version),
            "Bundle.entry.resource",
            &[search, contest.history],
        );
        return Some(violation.signed("never-written"));
    };
    if search
        .returned
        .is_some_and(|returned| write.called > returned)
    {
        let violation = life::violation(
            &SPEC,
            "A search shows a content before its write began",
            "a content whose write had begun",
            Phrase::say("the content of version ").data(version),
            "Bundle.entry.resource",
            &[search, write],
        );
        return Some(violation.signed("before-write"));
    }
    let listed = contest.order.iter().find(|known| known.id == version)?;
    let own = listed.token.as_deref()?;
    if own == token {
        return None;
    }
    let mut violation = life::violation(
        &SPEC,
        "A search shows the content of one version under the id of another",
        Phrase::say("the content of version ").data(version),
        "the content of another version",
        "Bundle.entry.resource",
        &[search, write, contest.history],
    );
    violation.oracle = Some(Completeness::Exact);
    Some(violation.signed("mixed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, marked};
    use serde_json::json;

    fn judged(version: &str, mark: &str, search_ends: u64) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let target = stage.versioned_create("1", "turn 0");
        let put = stage.versioned_put(target, "2", "turn 1", 200, None);
        stage.at(put, 0, 20, 40);
        let criterion = Criterion::new("identifier", Term::Identifier("r0".to_owned()));
        let search = Command::Search(Search::of("s", "Patient", vec![criterion]));
        let page = json!({"resourceType": "Bundle", "type": "searchset",
            "entry": [{"resource": marked(version, mark), "search": {"mode": "match"}}]});
        let search = stage.push(search, None, vec![(200, page)]);
        stage.at(search, 1, 10, search_ends);
        stage.versions(target, &["1", "2"]);
        SearchShowsWhatExisted.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn the_old_and_the_new_version_are_silent() {
        for (version, mark) in [("1", "turn 0"), ("2", "turn 1")] {
            let judgement = judged(version, mark, 30);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn a_mixed_an_early_and_an_unknown_content_are_found() {
        let signature =
            |version, mark, ends| judged(version, mark, ends).violations[0].signature.clone();
        assert_eq!(signature("1", "turn 1", 30), ["mixed"]);
        assert_eq!(signature("2", "turn 1", 15), ["before-write"]);
        assert_eq!(signature("2", "turn 7", 30), ["never-written"]);
    }
}
