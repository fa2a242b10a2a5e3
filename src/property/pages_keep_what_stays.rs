//! `property/pages-keep-what-stays`: while others create and delete, a walk over pages shows what was there all the time
//! once. R4 leaves open what a walk shows of what changes meanwhile, and whether pages are a snapshot, so this is a note.
//! Row PG-05.

use std::collections::BTreeSet;

use super::case::{Case, Command, Origin, Script, Search};
use super::trace::{Event, Outcome, Trace};
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, contest,
    dataset, life,
};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Completeness, Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct PagesKeepWhatStays;

/// Fewest and most resources that stay.
const STAYING: (u32, u32) = (5, 7);
/// Resources that are deleted during the walk, and those that are created.
const LEAVING: u32 = 2;
const COMING: u32 = 3;
/// Resources of a page.
const PAGE: u32 = 2;
/// Label of the walk.
const WALK: &str = "walk";

static SPEC: PropertySpec = PropertySpec {
    id: "property/pages-keep-what-stays",
    title: "Pages read during writes show what stays once",
    level: Level::May,
    severity: Severity::Minor,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "(paraphrase) A server that returns results in pages keeps what it needs to serve the other pages",
    family: Family::Paging,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Unknown,
    ],
    precondition: "a search with several pages was read while resources were created and deleted",
    usual_causes: &[
        "a page is found by its offset, and a write before it shifts what follows",
        "the order of the matches is not fixed from page to page",
    ],
};

impl Property for PagesKeepWhatStays {
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
        // Those that leave come first: where pages go by offset and age, they shift the most.
        let leaving: Vec<u32> = (0..LEAVING)
            .map(|turn| script.create(dataset::turn(resource_type, turn, values)))
            .collect();
        let (least, most) = STAYING;
        let staying = least + values.below(most - least + 1);
        for turn in 0..staying {
            script.create(dataset::turn(resource_type, LEAVING + turn, values));
        }
        script.settle(resource_type);
        let mut walk = Search::of(WALK, resource_type, Vec::new());
        walk.count = Some(PAGE);
        script.push_lane(0, Command::Search(walk));
        for target in leaving {
            let delete = Command::Delete {
                target,
                if_match: None,
            };
            script.push_lane(1, delete);
        }
        for turn in 0..COMING {
            let resource = dataset::turn(resource_type, LEAVING + staying + turn, values);
            let create = script.creation(resource);
            script.push_lane(2, create);
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        if let Some(reason) = &trace.obstacle {
            return Judgement::open(Open::Blocked(reason.clone()));
        }
        if let Err(reason) = life::ready(trace) {
            return Judgement::open(reason);
        }
        judge(trace).unwrap_or_else(Judgement::open)
    }
}

fn types(ground: &Ground<'_>) -> Result<Vec<&'static str>, Verdict> {
    let types = ground.written(&["search-type", "delete"])?;
    contest::admitted(ground)?;
    Ok(types)
}

/// Keys of what was created before the walk and never deleted.
fn staying(trace: &Trace, walk: &Event) -> BTreeSet<Key> {
    let left: BTreeSet<&Key> = trace
        .events
        .iter()
        .filter(|event| matches!(event.step.command, Command::Delete { .. }))
        .filter_map(|event| event.key.as_ref())
        .collect();
    trace
        .events
        .iter()
        .take_while(|event| !std::ptr::eq(*event, walk))
        .filter(|event| {
            matches!(event.step.command, Command::Create { .. }) && !event.step.is_concurrent()
        })
        .filter(|event| event.accepted().is_some())
        .filter_map(|event| event.key.clone())
        .filter(|key| !left.contains(key))
        .collect()
}

fn judge(trace: &Trace) -> Result<Judgement, Open> {
    let Some(walk) = trace
        .search(WALK)
        .filter(|event| event.step.is_concurrent())
    else {
        return Ok(Judgement::default());
    };
    let before = trace
        .events
        .iter()
        .take_while(|event| !event.step.is_concurrent());
    match before.last().map(|event| &event.outcome) {
        Some(Outcome::Settled { .. }) => {}
        Some(Outcome::Unsettled) => {
            let reason = "the search index did not show what was written in time";
            return Err(Open::Undecided(reason.to_owned()));
        }
        _ => return Ok(Judgement::default()),
    }
    let Some(answer) = answer::whole(trace, WALK)? else {
        return Ok(Judgement::default());
    };
    if answer.pages.len() < 2 {
        return Err(Open::Unsupported("pages of two".to_owned()));
    }
    let mut judgement = Judgement {
        weighed: 1,
        ..Judgement::default()
    };
    let found: Vec<&Key> = answer.pages.iter().flatten().collect();
    let times = |key: &Key| found.iter().filter(|found| **found == key).count();
    let staying = staying(trace, walk);
    let missing: Vec<&Key> = staying.iter().filter(|key| times(key) == 0).collect();
    let twice: Vec<&Key> = staying.iter().filter(|key| times(key) > 1).collect();
    let cases = [
        (
            missing,
            "Pages read during writes leave out what was there all the time",
            "missing",
        ),
        (
            twice,
            "Pages read during writes show what was there all the time more than once",
            "twice",
        ),
    ];
    for (keys, title, sign) in cases {
        if keys.is_empty() {
            continue;
        }
        judgement
            .violations
            .push(violation(trace, walk, title, keys.len(), staying.len()).signed(sign));
    }
    Ok(judgement)
}

fn violation(trace: &Trace, walk: &Event, title: &str, wrong: usize, staying: usize) -> Violation {
    let meanwhile = trace
        .events
        .iter()
        .filter(|event| event.step.is_concurrent() && event.step.command.writes());
    let shown: Vec<&Event> = meanwhile.chain([walk]).collect();
    let mut violation = life::violation(
        &SPEC,
        title,
        Phrase::say(format!("each of {staying} resources that stayed, once")),
        Phrase::say(format!("not so for {wrong} of them")),
        "Bundle.entry",
        &shown,
    );
    violation.oracle = Some(Completeness::Exact);
    violation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judged(pages: &[&[&str]]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let leaving = stage.create("Patient/1", json!({"resourceType": "Patient"}));
        for key in ["Patient/2", "Patient/3"] {
            stage.create(key, json!({"resourceType": "Patient"}));
        }
        stage.settle("Patient");
        let search = Command::Search(Search::of(WALK, "Patient", Vec::new()));
        let answers = pages
            .iter()
            .map(|page| (200, searchset(page, "Patient?_tag=x")));
        let walk = stage.push(search, None, answers.collect());
        stage.at(walk, 0, 10, 30);
        let delete = Command::Delete {
            target: leaving,
            if_match: None,
        };
        let delete = stage.push(delete, Some("Patient/1"), vec![(204, json!({}))]);
        stage.at(delete, 1, 10, 20);
        PagesKeepWhatStays.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn what_leaves_or_comes_may_be_shown_or_not() {
        for pages in [
            &[&["Patient/1", "Patient/2"][..], &["Patient/3"]][..],
            &[&["Patient/2"], &["Patient/3", "Patient/9"]],
        ] {
            let judgement = judged(pages);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn what_stays_and_is_left_out_or_repeated_is_found() {
        let missing = judged(&[&["Patient/1", "Patient/2"], &["Patient/9"]]);
        assert_eq!(missing.violations[0].signature, ["missing"]);
        let twice = judged(&[&["Patient/2", "Patient/3"], &["Patient/3"]]);
        assert_eq!(twice.violations[0].signature, ["twice"]);
    }

    #[test]
    fn one_page_says_nothing() {
        assert_eq!(judged(&[&["Patient/2", "Patient/3"]]).weighed, 0);
    }
}
