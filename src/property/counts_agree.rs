//! `property/counts-agree`: the count of a search, its accurate total and the number of its matches over all pages are
//! one number. Row SM-22 of the catalogue. A server may leave out totals.

use serde_json::Value;

use super::answer::Answer;
use super::case::{Case, Criterion, Script, Search};
use super::contrast::{self, Judged, matches, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Open, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::bundle;
use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct CountsAgree;

/// Searches that are counted on one population: all of it, and a part.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/counts-agree",
    title: "The count, the total and the number of matches of a search are one number",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#total",
    sentence: "The return Bundle has an element total which is the number of resources that match the search parameters.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a search had matches, and an answer to it a total",
    usual_causes: &[
        "the total is the number of entries on the page",
        "the count comes from another query than the matches, without some of the criteria",
        "rows of a join are counted in place of resources, or deleted resources are",
    ],
};

impl Property for CountsAgree {
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
        let mut first: Option<Search> = None;
        for turn in 0..TURNS {
            let mut criteria: Vec<Criterion> = Vec::new();
            if turn > 0 {
                let parameter = population.parameter(values);
                criteria.push(population.criterion(parameter, values));
            }
            let [list, count, total] = labels(turn);
            let plain = Search::of(&list, population.resource_type, criteria);
            first.get_or_insert_with(|| plain.clone());
            script.search(plain.clone());
            let named = |label: String, count: Option<u32>| Search {
                label,
                count,
                ..plain.clone()
            };
            script.search(named(count, None).with("_summary", "count"));
            script.search(named(total, Some(2)).with("_total", "accurate"));
        }
        if let Some(again) = first {
            script.search(Search {
                label: "again".to_owned(),
                ..again
            });
        }
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        contrast::gather((0..TURNS).map(|turn| judge(trace, turn)))
    }
}

fn labels(turn: usize) -> [String; 3] {
    ["list", "count", "total"].map(|label| format!("{label}{turn}"))
}

fn judge(trace: &Trace, turn: usize) -> Judged {
    let [list, count, total] = labels(turn);
    if !answer::steady(trace, "list0", "again")? {
        return Ok(None);
    }
    let Some(wanted) = contrast::answered(trace, &list)? else {
        return Ok(None);
    };
    let mut weighed = false;
    let mut violations = Vec::new();
    for (label, option) in [(&count, "_summary"), (&total, "_total")] {
        let is_same = answer::criteria(trace, label) == answer::criteria(trace, &list)
            && contrast::search(trace, label)
                .is_some_and(|search| search.options.iter().any(|(name, _)| name == option));
        // What the self link does not show was not done, and an unasked total may be an estimate.
        if !is_same || !answer::shows(trace, label, option) {
            continue;
        }
        let Ok(Some(counted)) = answer::whole(trace, label) else {
            continue;
        };
        let totals = bodies::totals(trace, label);
        weighed |= !totals.is_empty() && !wanted.set().is_empty();
        violations.extend(miscounted(trace, option, &totals, &wanted, &counted));
        if option == "_summary" {
            violations.extend(not_alone(trace, label, &counted));
        }
    }
    if weighed || !violations.is_empty() {
        return Ok(Some(violations));
    }
    match wanted.set().is_empty() {
        true => Ok(None),
        // "The Bundle.total element is still optional".
        false => Err(Open::Unsupported("answers have no total".to_owned())),
    }
}

/// A total that is not the number of matches.
fn miscounted(
    trace: &Trace,
    option: &str,
    totals: &[u64],
    wanted: &Answer,
    counted: &Answer,
) -> Option<Violation> {
    let number = wanted.set().len();
    let wrong = totals
        .iter()
        .find(|total| usize::try_from(**total) != Ok(number))?;
    let (title, sign) = match option {
        "_summary" => (
            "The count of a search is not the number of its matches",
            "count",
        ),
        _ => (
            "The total of a search is not the number of its matches",
            "total",
        ),
    };
    let violation = Violation::new(
        SPEC.id,
        title,
        Phrase::say(format!("a total of {number}: {}", matches(number))),
        Phrase::say(format!("a total of {wrong}")),
    );
    let violation = violation.at("Bundle.total").signed(sign);
    Some(shown_by(violation, trace, &[wanted, counted]))
}

/// Matches in an answer that was to be a count only.
fn not_alone(trace: &Trace, label: &str, counted: &Answer) -> Option<Violation> {
    let pages: Vec<Value> = bodies::pages_of(trace, label);
    let number: usize = pages
        .iter()
        .map(|page| bundle::match_keys(page).len())
        .sum();
    (number > 0).then(|| {
        let title = "A count of the matches comes with matches";
        let actual = Phrase::say(matches(number));
        let violation = Violation::new(SPEC.id, title, "a total and no matches", actual);
        let violation = violation.at("Bundle.entry").signed("entries");
        shown_by(violation, trace, &[counted])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(count: Option<u64>, total: Option<u64>, entries: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let both = ["Patient/1", "Patient/2"];
        let mut ask = |search: Search, keys: &[&str], total: Option<u64>| {
            let mut page = searchset(keys, "Patient?_tag=x&_summary=count&_total=accurate");
            if let Some(total) = total {
                page["total"] = json!(total);
            }
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        let search = |label: &str| Search::of(label, "Patient", Vec::new());
        ask(search("list0"), &both, None);
        ask(search("count0").with("_summary", "count"), entries, count);
        ask(search("total0").with("_total", "accurate"), &both, total);
        ask(search("again"), &both, None);
        CountsAgree.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn one_number_in_three_places_is_silent_and_no_number_is_not_weighed() {
        let judgement = judge(Some(2), Some(2), &[]);
        assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        let silent = judge(None, None, &[]);
        assert!(matches!(silent.open[0], Open::Unsupported(_)));
    }

    #[test]
    fn a_wrong_count_a_wrong_total_and_a_count_with_matches_are_found() {
        let sign = |judgement: Judgement| judgement.violations[0].signature[0].clone();
        assert_eq!(sign(judge(Some(3), None, &[])), "count");
        assert_eq!(sign(judge(None, Some(1), &[])), "total");
        assert_eq!(sign(judge(Some(2), None, &["Patient/1"])), "entries");
    }
}
