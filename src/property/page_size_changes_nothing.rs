//! `property/page-size-changes-nothing`: `_count` decides how many matches a page has and nothing else: not which there
//! are, and not how many. That none comes twice is the matter of `page_union_is_whole`. Row PG-02 of the catalogue.

use super::answer::Answer;
use super::case::{Case, Origin, Script, Search};
use super::contrast::{self, Equal, Judged, matches, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct PageSizeChangesNothing;

/// Page sizes tried on one population.
const TURNS: usize = 3;
/// More than any population has.
const HUGE: u32 = 1_000;

static SPEC: PropertySpec = PropertySpec {
    id: "property/page-size-changes-nothing",
    title: "_count decides how many matches a page has and nothing else",
    level: Level::Shall,
    severity: Severity::Critical,
    spec: "http://hl7.org/fhir/R4/search.html#count",
    sentence: "Servers SHALL NOT return more resources than requested, even if they don't support paging, but may return less than the client requested.",
    family: Family::Paging,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a search with another page size had matches",
    usual_causes: &[
        "the page that is exactly full leads to no other, or the last one is empty and starts again",
        "the page size limits the matches before criteria are applied",
        "the total is that of the page",
    ],
};

impl Property for PageSizeChangesNothing {
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
        let mut plain = Search::of("all", population.resource_type, Vec::new());
        if ground.origin == Origin::Created && values.chance(25) {
            let parameter = population.parameter(values);
            plain.criteria.push(population.criterion(parameter, values));
        }
        script.search(plain.clone());
        // Around the edges: one, the whole, and one less or more than that.
        let number = u32::try_from(population.resources.len()).unwrap_or(1);
        let sizes = match ground.origin {
            Origin::Created => vec![1, 2, 3, number - 1, number, number + 1, HUGE],
            Origin::Cohort => vec![2, 3, 4, 5, 7, HUGE],
        };
        for turn in 0..TURNS {
            script.search(Search {
                label: format!("sized{turn}"),
                count: Some(*values.pick(&sizes)),
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
        contrast::gather((0..TURNS).map(|turn| judge(trace, &format!("sized{turn}"))))
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let size = contrast::search(trace, label).and_then(|search| search.count);
    let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
        return Ok(None);
    };
    if answer::criteria(trace, label) != answer::criteria(trace, "all")
        || !answer::steady(trace, "all", "again")?
    {
        return Ok(None);
    }
    answer::heeded(trace, label)?;
    let (Some(all), Some(sized)) = (
        contrast::answered(trace, "all")?,
        answer::whole(trace, label)?,
    ) else {
        return Ok(None);
    };
    if all.set().is_empty() {
        return Ok(None);
    }
    let found = too_large(&sized, size)
        .or_else(|| unlike(&all, &sized, size))
        .or_else(|| other_total(trace, label));
    let shown = found.map(|violation| shown_by(violation, trace, &[&all, &sized]));
    Ok(Some(shown.into_iter().collect()))
}

fn too_large(sized: &Answer, size: usize) -> Option<Violation> {
    let largest = sized.pages.iter().map(Vec::len).max().unwrap_or_default();
    (largest > size).then(|| {
        let title = "A page has more matches than _count asks for";
        let expected = Phrase::say(format!("at most {} on a page", matches(size)));
        Violation::new(SPEC.id, title, expected, Phrase::say(matches(largest)))
            .at("Bundle.entry")
            .signed("too-large")
    })
}

/// Other matches than those of the search without `_count`.
fn unlike(all: &Answer, sized: &Answer, size: usize) -> Option<Violation> {
    // One full page that leads nowhere is that of a server that does not page.
    if sized.pages.len() == 1 && sized.pages[0].len() == size {
        return None;
    }
    Equal {
        rule: SPEC.id,
        lost: "A search loses matches by its page size",
        added: "A search gains matches by its page size",
        wanted: &all.set(),
        found: &sized.set(),
    }
    .violation()
}

/// "The _count parameter has no impact on the value of Bundle.total".
fn other_total(trace: &Trace, label: &str) -> Option<Violation> {
    let before = bodies::totals(trace, "all").first().copied()?;
    let totals = bodies::totals(trace, label);
    let other = totals.iter().find(|total| **total != before)?;
    let title = "Bundle.total changes with the page size";
    let total = |number: u64| Phrase::say(format!("a total of {number}"));
    let violation = Violation::new(SPEC.id, title, total(before), total(*other));
    Some(violation.at("Bundle.total").signed("total"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(size: u32, pages: &[&[&str]], total: u64) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut all = searchset(&["Patient/1", "Patient/2", "Patient/3"], "Patient?_tag=x");
        all["total"] = json!(3);
        let plain = |label: &str| Search::of(label, "Patient", Vec::new());
        stage.push(
            Command::Search(plain("all")),
            None,
            vec![(200, all.clone())],
        );
        let pages = pages.iter().map(|keys| {
            let mut page = searchset(keys, "Patient?_tag=x&_count=2");
            page["total"] = json!(total);
            (200, page)
        });
        let search = Search {
            count: Some(size),
            ..plain("sized0")
        };
        stage.push(Command::Search(search), None, pages.collect());
        stage.push(Command::Search(plain("again")), None, vec![(200, all)]);
        PageSizeChangesNothing.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn any_division_into_pages_is_silent() {
        let three: &[&str] = &["Patient/1", "Patient/2", "Patient/3"];
        for (size, pages) in [
            (3, vec![three]),
            (2, vec![&three[..2], &three[2..]]),
            (3, vec![three, &[]]),
        ] {
            let judgement = judge(size, &pages, 3);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn lost_matches_large_pages_and_other_totals_are_found() {
        let three: &[&str] = &["Patient/1", "Patient/2", "Patient/3"];
        let sign = |size, pages: &[&[&str]], total| {
            judge(size, pages, total).violations[0].signature[0].clone()
        };
        assert_eq!(sign(4, &[&three[..2]], 3), "lost");
        assert_eq!(sign(2, &[three], 3), "too-large");
        assert_eq!(sign(2, &[&three[..2], &three[2..]], 2), "total");
    }
}
