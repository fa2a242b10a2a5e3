//! `property/page-links-agree`: the links `first`, `previous`, `last` and `self` lead through the pages that `next` leads
//! through. Row PG-04 of the catalogue. All of them are optional.

use std::collections::BTreeSet;

use super::answer::Answer;
use super::case::{Case, Command, Script, Search};
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::{Event, Trace};
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::{Key, bundle};
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct PageLinksAgree;

/// Any page behind the last one stands for the last one.
const LAST: u32 = u32::MAX;

static SPEC: PropertySpec = PropertySpec {
    id: "property/page-links-agree",
    title: "The links of a page lead through the same pages",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/http.html#paging",
    sentence: "Servers SHOULD support paging for the results of a search or history interaction, and if they do, they SHALL conform to this method",
    family: Family::Paging,
    guards: &[Guard::Tag, Guard::Barrier, Guard::Fresh, Guard::Quiet],
    precondition: "a search had more than one page, and one of them another link than next",
    usual_causes: &[
        "the offset of the previous page is off by one page or by one match",
        "the link to the last page is made of a total of the page",
        "first and previous drop a criterion",
    ],
};

impl Property for PageLinksAgree {
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
        let plain = Search {
            count: Some(*values.pick(&[1, 2, 2, 3])),
            ..Search::of("pages", population.resource_type, Vec::new())
        };
        let of = script.search(plain.clone());
        let links = [
            (LAST, "previous"),
            (LAST, "first"),
            (0, "last"),
            (0, "self"),
        ];
        for (page, relation) in links {
            script.push(Command::Follow {
                of,
                page,
                relation: relation.to_owned(),
            });
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather(trace.events.iter().map(|event| judge(trace, event)))
    }
}

fn judge(trace: &Trace, event: &Event) -> Judged {
    let Command::Follow { page, relation, .. } = &event.step.command else {
        return Ok(None);
    };
    if event.exchanges.is_empty() || !answer::steady(trace, "pages", "again")? {
        return Ok(None);
    }
    let Some(pages) = contrast::answered(trace, "pages")? else {
        return Ok(None);
    };
    let follows = trace.search("pages").map(|search| search.step.id);
    let is_of = matches!(&event.step.command, Command::Follow { of, .. } if Some(*of) == follows);
    if pages.pages.len() < 2 || pages.repeated() > 0 || !is_of {
        return Ok(None);
    }
    let Some(walk) = answer::followed(event)?.filter(|walk| walk.complete) else {
        return Ok(None);
    };
    let whole = pages.set();
    let found = match (relation.as_str(), *page) {
        ("previous", LAST) => {
            let mut found = walk.set();
            found.extend(pages.pages.last().into_iter().flatten().cloned());
            other(relation, &whole, &found)
        }
        ("first", _) | ("self", 0) => other(relation, &whole, &walk.set()),
        ("last", _) => not_last(event, &whole, &walk),
        _ => return Ok(None),
    };
    let shown = found.map(|violation| shown_by(violation, trace, &[&pages, &walk]));
    Ok(Some(shown.into_iter().collect()))
}

/// Other matches than those of the pages.
fn other(relation: &str, wanted: &BTreeSet<Key>, found: &BTreeSet<Key>) -> Option<Violation> {
    let equal = Equal {
        rule: SPEC.id,
        lost: "A way through the pages misses matches",
        added: "A way through the pages has matches that no page has",
        wanted,
        found,
    };
    equal
        .violation()
        .map(|violation| violation.at("Bundle.link").signed(relation))
}

/// The last page has matches of the search and no page behind it.
fn not_last(event: &Event, whole: &BTreeSet<Key>, walk: &Answer) -> Option<Violation> {
    let foreign = walk.set().difference(whole).count();
    let leads_on = bodies::pages(event)
        .first()
        .is_some_and(|page| bundle::link(page, "next").is_some());
    let (title, actual, sign) = match (foreign, leads_on) {
        (0, false) => return None,
        (0, true) => (
            "The last page leads to a next one",
            "a next link".to_owned(),
            "goes-on",
        ),
        (number, _) => (
            "The last page has matches that no page has",
            format!("{number} foreign"),
            "added",
        ),
    };
    let expected = "matches of the search, and no next link";
    let violation = Violation::new(SPEC.id, title, expected, Phrase::say(actual));
    Some(violation.at("Bundle.link").signed(sign).signed("last"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(page: u32, relation: &str, answers: &[&[&str]]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let pages = |keys: &[&[&str]]| {
            let pages = keys
                .iter()
                .map(|keys| (200, searchset(keys, "Patient?_tag=x&_count=2")));
            pages.collect::<Vec<_>>()
        };
        let whole: [&[&str]; 2] = [&["Patient/1", "Patient/2"], &["Patient/3"]];
        let search = |label: &str| Command::Search(Search::of(label, "Patient", Vec::new()));
        let of = stage.push(search("pages"), None, pages(&whole));
        let relation = relation.to_owned();
        let follow = Command::Follow { of, page, relation };
        stage.push(follow, None, pages(answers));
        stage.push(search("again"), None, pages(&whole));
        PageLinksAgree.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn links_that_lead_through_the_same_pages_are_silent() {
        for (page, relation, answers) in [
            (LAST, "previous", vec![&["Patient/1", "Patient/2"][..]]),
            (
                LAST,
                "first",
                vec![&["Patient/2", "Patient/1"][..], &["Patient/3"]],
            ),
            (0, "last", vec![&["Patient/3"][..]]),
        ] {
            let judgement = judge(page, relation, &answers);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
        assert_eq!(judge(0, "last", &[]).weighed, 0);
    }

    #[test]
    fn links_that_lead_elsewhere_are_found() {
        let sign = |page, relation: &str, answers: &[&[&str]]| {
            judge(page, relation, answers).violations[0]
                .signature
                .clone()
        };
        assert_eq!(
            sign(LAST, "previous", &[&["Patient/2"]]),
            ["lost", "previous"]
        );
        assert_eq!(sign(LAST, "first", &[&["Patient/1"]]), ["lost", "first"]);
        assert_eq!(sign(0, "last", &[&["Patient/9"]]), ["added", "last"]);
    }
}
