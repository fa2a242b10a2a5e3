//! `property/sort-is-permutation`: a sorted search has the matches of the same search unsorted, in the order asked for,
//! upwards and downwards. Row SM-21 of the catalogue. Ties, missing values and accents may come as the server likes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{Case, Script, Search};
use super::contrast::{self, Equal, Judged, shown_by};
use super::trace::Trace;
use super::{
    Family, Ground, Guard, Judgement, Property, PropertySpec, Values, answer, bodies, dataset,
};
use crate::fhir::capability::Capability;
use crate::fhir::query::Query;
use crate::fhir::{Key, oracle};
use crate::record::{Level, Severity, Verdict, Violation};
use crate::secret::Phrase;

/// See the module.
pub struct SortIsPermutation;

/// Sort keys tried on one population.
const TURNS: usize = 2;

static SPEC: PropertySpec = PropertySpec {
    id: "property/sort-is-permutation",
    title: "A sorted search has the matches of the unsorted one, in the order asked for",
    level: Level::Shall,
    severity: Severity::Major,
    spec: "http://hl7.org/fhir/R4/search.html#sort",
    sentence: "The prefix indicates decreasing order; in its absence, the parameter is applied in increasing order.",
    family: Family::Search,
    guards: &[
        Guard::Tag,
        Guard::Barrier,
        Guard::Fresh,
        Guard::SelfLink,
        Guard::Quiet,
    ],
    precondition: "a sorted search was answered with two matches or more",
    usual_causes: &[
        "resources without a value for the sort key are lost in a join",
        "a resource with several values for the sort key comes several times",
        "the `-` of a descending key is lost, or dates are sorted as text",
    ],
};

impl Property for SortIsPermutation {
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
            let code = population.parameter(values).code;
            for (label, sign) in [("up", ""), ("down", "-")] {
                script.search(Search {
                    label: format!("{label}{turn}"),
                    sort: Some(format!("{sign}{code}")),
                    count: values.chance(30).then_some(3),
                    ..plain.clone()
                });
            }
        }
        script.search(Search {
            label: "again".to_owned(),
            ..plain
        });
        script.finish()
    }

    fn check(&self, trace: &Trace, _capability: &Capability) -> Judgement {
        let labels = (0..TURNS).flat_map(|turn| [format!("up{turn}"), format!("down{turn}")]);
        contrast::gather(labels.map(|label| judge(trace, &label)))
    }
}

fn judge(trace: &Trace, label: &str) -> Judged {
    let sort = contrast::search(trace, label).and_then(|search| search.sort.clone());
    let (Some(sort), true) = (sort, answer::criteria(trace, "all").is_empty()) else {
        return Ok(None);
    };
    if !answer::steady(trace, "all", "again")? {
        return Ok(None);
    }
    let (Some(all), Some(sorted)) = (
        contrast::answered(trace, "all")?,
        contrast::answered(trace, label)?,
    ) else {
        return Ok(None);
    };
    if all.set().len() < 2 {
        return Ok(None);
    }
    let equal = Equal {
        rule: SPEC.id,
        lost: "A sorted search misses matches of the unsorted one",
        added: "A sorted search has matches that the unsorted one has not",
        wanted: &all.set(),
        found: &sorted.set(),
    };
    // What comes again on another page is the matter of paging.
    let on_page = |page: &Vec<Key>| page.len() - page.iter().collect::<BTreeSet<_>>().len();
    let repeated: usize = sorted.pages.iter().map(on_page).sum();
    let found = equal
        .violation()
        .or_else(|| (repeated > 0).then(|| twice(repeated)))
        .or_else(|| disordered(trace, label, &sort, &sorted.pages.concat()));
    let shown = found.map(|violation| shown_by(violation, trace, &[&all, &sorted]));
    Ok(Some(shown.into_iter().collect()))
}

fn twice(repeated: usize) -> Violation {
    let title = "A sorted search has a match twice";
    let actual = Phrase::say(format!("{repeated} of them again"));
    Violation::new(SPEC.id, title, "every match once", actual)
        .at("Bundle.entry")
        .signed("repeated")
}

/// Matches in an order that no reading of the sort key allows.
fn disordered(trace: &Trace, label: &str, sort: &str, keys: &[Key]) -> Option<Violation> {
    let resource_type = &contrast::search(trace, label)?.resource_type;
    let pair = ("_sort".to_owned(), sort.to_owned());
    let query = Query::parse(Some(resource_type), &[pair]).ok()?;
    let stored = bodies::of(trace, label);
    let resources: Vec<&Value> = stored.values().collect();
    let Ok(false) = oracle::is_sorted(&resources, &query, keys) else {
        return None;
    };
    let direction = match sort.starts_with('-') {
        true => "descending",
        false => "ascending",
    };
    let violation = Violation::new(
        SPEC.id,
        "The matches are not in the order that was asked for",
        Phrase::say(format!("matches in {direction} order of {sort}")),
        Phrase::say(format!(
            "another order of {}",
            contrast::matches(keys.len())
        )),
    );
    Some(
        violation
            .at("Bundle.entry")
            .signed("order")
            .signed(direction),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::case::Command;
    use crate::property::staging::{Stage, capability, searchset};
    use serde_json::json;

    fn judge(sort: &str, keys: &[&str]) -> Judgement {
        let mut stage = Stage::new(SPEC.id);
        let mut ask = |label: &str, sort: Option<&str>, keys: &[&str]| {
            let mut page = searchset(keys, "Patient?_tag=x&_sort=y");
            for entry in page["entry"].as_array_mut().into_iter().flatten() {
                let born = match entry["resource"]["id"].as_str() {
                    Some("1") => "1980-01-01",
                    Some("2") => "1990-01-01",
                    _ => continue,
                };
                entry["resource"]["birthDate"] = json!(born);
            }
            let search = Search {
                sort: sort.map(str::to_owned),
                ..Search::of(label, "Patient", Vec::new())
            };
            stage.push(Command::Search(search), None, vec![(200, page)]);
        };
        let all: &[&str] = &["Patient/3", "Patient/2", "Patient/1"];
        ask("all", None, all);
        ask("up0", Some(sort), keys);
        ask("again", None, all);
        SortIsPermutation.check(&stage.trace(), &capability(json!({})))
    }

    #[test]
    fn an_ordered_permutation_is_silent_wherever_missing_values_stand() {
        for keys in [
            ["Patient/3", "Patient/1", "Patient/2"],
            ["Patient/1", "Patient/2", "Patient/3"],
        ] {
            let judgement = judge("birthdate", &keys);
            assert_eq!((judgement.violations.len(), judgement.weighed), (0, 1));
        }
    }

    #[test]
    fn lost_repeated_and_disordered_matches_are_found() {
        let sign = |sort, keys: &[&str]| judge(sort, keys).violations[0].signature[0].clone();
        assert_eq!(sign("birthdate", &["Patient/1", "Patient/2"]), "lost");
        let again = ["Patient/1", "Patient/1", "Patient/2", "Patient/3"];
        assert_eq!(sign("birthdate", &again), "repeated");
        assert_eq!(
            sign("-birthdate", &["Patient/1", "Patient/2", "Patient/3"]),
            "order"
        );
    }
}
