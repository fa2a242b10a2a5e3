//! `property/page-union-is-whole`: the pages of a search, put together, are the search: nothing twice, nothing
//! missing, no page larger than asked for, and an end.

use super::answer::{self, Answer};
use super::case::{Case, Origin, Script, Search};
use super::trace::Trace;
use super::{Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, dataset};
use crate::fhir::Key;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;
use std::collections::BTreeSet;

/// See the module.
pub struct PageUnionIsWhole;

/// Page size of the search that is taken for the whole: larger than any population of a case.
const WHOLE: u32 = 100;
/// Page sizes that cut a small population at its edges.
const PAGE_SIZES: &[u32] = &[1, 2, 3, 4, 5, 7];

static SPEC: PropertySpec = PropertySpec {
    id: "property/page-union-is-whole",
    title: "The pages of a search, put together, are the search",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "Servers SHOULD support paging for the results of a search or history interaction, and if they do, they SHALL conform to this method",
    family: Family::Paging,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::Quiet],
    precondition: "a search had more than one page",
    usual_causes: &[
        "pages are cut by offset from a sort order that is not total, so ties move between pages",
        "the next link drops a criterion or the sort order",
        "the last page is not reached, or the offset is off by one",
    ],
};

impl Property for PageUnionIsWhole {
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
        let mut whole = Search::of("whole", population.resource_type, Vec::new());
        // Where only the company of a cohort confines the search, a further criterion would leave little to page.
        if ground.origin == Origin::Created && values.chance(25) {
            let parameter = population.parameter(values);
            whole.criteria.push(population.criterion(parameter, values));
        }
        whole.count = Some(WHOLE);
        script.search(whole.clone());
        for round in 0..2 {
            let mut paged = whole.clone();
            paged.label = format!("pages{round}");
            paged.count = Some(*values.pick(PAGE_SIZES));
            if ground.origin == Origin::Created && values.chance(50) {
                let sign = if values.chance(50) { "-" } else { "" };
                paged.sort = Some(format!("{sign}{}", population.parameter(values).code));
            }
            script.search(paged);
        }
        whole.label = "again".to_owned();
        script.search(whole);
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        match answer::steady(trace, "whole", "again") {
            Ok(true) => {}
            Ok(false) => return Judgement::default(),
            Err(reason) => return Judgement::open(reason),
        }
        let mut judgement = Judgement::default();
        for label in ["pages0", "pages1"] {
            match judge(trace, label) {
                Ok(Some(violations)) => {
                    judgement.weighed += 1;
                    judgement.violations.extend(violations);
                }
                Ok(None) => {}
                Err(reason) => judgement.open.push(reason),
            }
        }
        judgement
    }
}

/// Violations of one walk; `None` if there was only one page.
fn judge(trace: &Trace, label: &str) -> Result<Option<Vec<Violation>>, Open> {
    if answer::criteria(trace, label) != answer::criteria(trace, "whole") {
        return Ok(None);
    }
    answer::heeded(trace, label)?;
    if let Some(violation) = broken_link(trace, label) {
        return Ok(Some(vec![violation]));
    }
    let (Some(whole), Some(again), Some(walk)) = (
        answer::whole(trace, "whole")?,
        answer::whole(trace, "again")?,
        answer::pages(trace, label)?,
    ) else {
        return Ok(None);
    };
    let wanted = whole.set();
    if does_not_page(trace, label, &walk) {
        return Ok(None);
    }
    let numbers: Vec<u32> = [&whole.exchanges[..], &walk.exchanges, &again.exchanges].concat();
    let found = judge_walk(trace, label, &walk, &wanted);
    let found: Vec<Violation> = found
        .into_iter()
        .map(|violation| {
            let mut violation = violation
                .at("Bundle.link, Bundle.entry")
                .seen_in(numbers.clone());
            violation.oracle = Some(answer::completeness(trace));
            violation
        })
        .collect();
    Ok((walk.pages.len() > 1 || !found.is_empty()).then_some(found))
}

/// One page that is as full as was asked for and leads nowhere: "Servers SHALL NOT return more resources than requested,
/// even if they don't support paging" (<http://hl7.org/fhir/R4/search.html#count>).
fn does_not_page(trace: &Trace, label: &str, walk: &Answer) -> bool {
    let size = page_size(trace, label).and_then(|size| usize::try_from(size).ok());
    match walk.pages.as_slice() {
        [page] => walk.complete && Some(page.len()) == size,
        _ => false,
    }
}

/// A next link that the server gave and then refuses. 401 and 403 say something of the client, not of the link.
fn broken_link(trace: &Trace, label: &str) -> Option<Violation> {
    let event = trace.search(label)?;
    let status = event.last()?.status()?;
    let refused = (400..500).contains(&status) && !matches!(status, 401 | 403 | 429);
    (refused && event.exchanges.len() > 1).then(|| {
        let expected = "the next page";
        let actual = format!("status {status}");
        Violation::new(
            SPEC.id,
            "A next link is refused by the server that gave it",
            expected,
            actual.as_str(),
        )
        .at("Bundle.link")
        .seen_in(event.numbers())
        .signed("next-refused")
    })
}

fn judge_walk(
    trace: &Trace,
    label: &str,
    walk: &Answer,
    wanted: &BTreeSet<Key>,
) -> Option<Violation> {
    let found = walk.set();
    let matches = |number: usize| format!("{number} matches");
    if walk.repeated() > 0 {
        return Some(
            Violation::new(
                SPEC.id,
                "A match is on more than one page",
                Phrase::say("every one of ")
                    .words(matches(wanted.len()))
                    .words(" once"),
                Phrase::say(format!("{} of them again", matches(walk.repeated()))),
            )
            .signed("repeated"),
        );
    }
    if !walk.complete {
        // Without a repetition this is only a search with very many pages.
        return None;
    }
    if found != *wanted {
        let lost = wanted.difference(&found).count();
        let added = found.difference(wanted).count();
        let (title, sign) = if lost > 0 {
            ("A match is on no page", "lost")
        } else {
            ("The pages hold what the search does not", "added")
        };
        let actual = format!(
            "{} over {} pages: {lost} missing, {added} foreign",
            matches(found.len()),
            walk.pages.len()
        );
        return Some(
            Violation::new(
                SPEC.id,
                title,
                matches(wanted.len()).as_str(),
                actual.as_str(),
            )
            .signed(sign),
        );
    }
    let size = page_size(trace, label)?;
    let largest = walk.pages.iter().map(Vec::len).max().unwrap_or_default();
    (largest > size as usize).then(|| {
        Violation::new(
            SPEC.id,
            "A page holds more matches than _count asks for",
            format!("at most {} on a page", matches(size as usize)).as_str(),
            matches(largest).as_str(),
        )
        .signed("too-large")
    })
}

fn page_size(trace: &Trace, label: &str) -> Option<u32> {
    match &trace.search(label)?.step.command {
        super::Command::Search(search) => search.count,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(pages: &[&[&str]]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let whole = searchset(
            &["Patient/1", "Patient/2", "Patient/3"],
            "Patient?_tag=x&_count=100",
        );
        let search = |label: &str, count| {
            super::super::Command::Search(Search {
                count: Some(count),
                ..Search::of(label, "Patient", Vec::new())
            })
        };
        stage.push(search("whole", 100), None, vec![(200, whole.clone())]);
        let pages = pages
            .iter()
            .map(|keys| (200, searchset(keys, "Patient?_tag=x&_count=2")))
            .collect();
        stage.push(search("pages0", 2), None, pages);
        stage.push(search("again", 100), None, vec![(200, whole)]);
        PageUnionIsWhole.check(&stage.trace(), &capability(json!({})))
    }

    fn sign(pages: &[&[&str]]) -> Option<String> {
        judge(pages)
            .violations
            .first()
            .map(|violation| violation.signature[0].clone())
    }

    #[test]
    fn pages_in_any_order_that_make_up_the_whole_are_silent() {
        let judgement = judge(&[&["Patient/3", "Patient/1"], &["Patient/2"]]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        assert_eq!(
            judge(&[&["Patient/1"], &["Patient/2"], &["Patient/3"]]).violations,
            []
        );
    }

    #[test]
    fn a_server_that_does_not_page_and_keeps_to_count_is_not_weighed() {
        let judgement = judge(&[&["Patient/1", "Patient/2"]]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 0));
        assert_eq!(sign(&[&["Patient/1"]]).unwrap(), "lost");
    }

    #[test]
    fn repeated_lost_and_too_many_matches_are_found() {
        assert_eq!(
            sign(&[&["Patient/1", "Patient/2"], &["Patient/2", "Patient/3"]]).unwrap(),
            "repeated"
        );
        assert_eq!(sign(&[&["Patient/1", "Patient/2"], &[]]).unwrap(), "lost");
        assert_eq!(
            sign(&[&["Patient/1", "Patient/2", "Patient/3"]]).unwrap(),
            "too-large"
        );
    }
}
