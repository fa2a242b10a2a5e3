//! Findings that may well have one cause, told as one: rows of a case, and searches that share the criterion which is
//! wrong alone. A guess that orders what is shown; it changes no finding and no count.

use std::collections::{BTreeMap, BTreeSet};

use crate::fhir::definitions::{self, ParameterKind};
use crate::fhir::query::decode_pairs;
use crate::record::Run;
use crate::record::run::ExchangeRecord;

use super::summary::Entry;

/// Findings told as one: the one that shows it best, and the others in the order of the run.
#[derive(Debug, Clone)]
pub struct Cause<'a> {
    /// Of the searches with the fewest criteria the first.
    pub shown: Entry<'a>,
    /// The others.
    pub others: Vec<Entry<'a>>,
    /// The criterion that all of them have (`patient=[id]`, `birthdate`, `code:not`).
    pub criterion: Option<String>,
}

/// What a case's findings say: all of them follow from what is wrong first.
struct Unit<'a> {
    entries: Vec<Entry<'a>>,
    /// Id without the row.
    case: &'a str,
    rule: &'a str,
    criteria: BTreeSet<String>,
}

/// Fewer cases than this are told one by one.
const FEWEST: usize = 2;

/// Groups findings; those of one case stay together. The causes of most findings first, and those of equally many in the
/// order in which they first appear.
pub fn causes<'a>(entries: &[Entry<'a>], run: &Run) -> Vec<Cause<'a>> {
    let mut open = units(entries, run);
    let mut causes: Vec<Cause<'a>> = Vec::new();
    while let Some((rule, criterion)) = most_telling(&open) {
        let has_it = |unit: &Unit<'_>| unit.rule == rule && unit.criteria.contains(&criterion);
        let cases: BTreeSet<&str> = open
            .iter()
            .filter(|unit| has_it(unit))
            .map(|unit| unit.case)
            .collect();
        // A form that is not stored hides what was asked; another row of the case tells it.
        let is_row = |unit: &Unit<'_>| {
            unit.rule == rule && unit.criteria.is_empty() && cases.contains(unit.case)
        };
        let (of_it, rest) = open
            .into_iter()
            .partition(|unit| has_it(unit) || is_row(unit));
        open = rest;
        causes.extend(together(of_it, Some(criterion)));
    }
    let mut by_case: BTreeMap<(&str, &str), Vec<Unit<'a>>> = BTreeMap::new();
    for unit in open {
        by_case
            .entry((unit.case, unit.rule))
            .or_default()
            .push(unit);
    }
    causes.extend(
        by_case
            .into_values()
            .filter_map(|units| together(units, None)),
    );
    let position = |cause: &Cause<'_>| {
        let findings = std::iter::once(&cause.shown).chain(&cause.others);
        let positions = findings.filter_map(|entry| {
            let mut all = entries.iter();
            all.position(|other| std::ptr::eq(other.finding, entry.finding))
        });
        positions.min()
    };
    causes.sort_by_cached_key(|cause| (std::cmp::Reverse(cause.others.len()), position(cause)));
    causes
}

fn units<'a>(entries: &[Entry<'a>], run: &Run) -> Vec<Unit<'a>> {
    let mut units: Vec<Unit<'a>> = Vec::new();
    for entry in entries {
        match units.last_mut() {
            Some(unit) if std::ptr::eq(unit.entries[0].case, entry.case) => {
                unit.entries.push(*entry);
            }
            _ => units.push(Unit {
                entries: vec![*entry],
                case: entry.case.id.split('[').next().unwrap_or_default(),
                rule: &entry.finding.rule,
                criteria: criteria(entry, run),
            }),
        }
    }
    units
}

/// The criterion that most cases with nothing else in the query have; of equals the one that most cases have at all.
fn most_telling<'a>(units: &[Unit<'a>]) -> Option<(&'a str, String)> {
    let mut tally: BTreeMap<(&'a str, &String), (usize, usize)> = BTreeMap::new();
    for unit in units {
        for criterion in &unit.criteria {
            let (alone, all) = tally.entry((unit.rule, criterion)).or_default();
            *alone += usize::from(unit.criteria.len() == 1);
            *all += 1;
        }
    }
    let telling = tally
        .into_iter()
        .filter(|(_, (alone, all))| *alone > 0 && *all >= FEWEST);
    let ((rule, criterion), _) = telling.max_by_key(|(_, counts)| *counts)?;
    Some((rule, criterion.clone()))
}

fn together<'a>(units: Vec<Unit<'a>>, criterion: Option<String>) -> Option<Cause<'a>> {
    // None are the most: they are not known.
    let size = |unit: &Unit<'_>| unit.criteria.len().wrapping_sub(1);
    let fewest = units.iter().map(size).min()?;
    let shows = units.iter().position(|unit| size(unit) == fewest)?;
    let shown = *units[shows].entries.first()?;
    let all = units.iter().flat_map(|unit| &unit.entries);
    let others = all
        .filter(|entry| !std::ptr::eq(entry.finding, shown.finding))
        .copied()
        .collect();
    Some(Cause {
        shown,
        others,
        criterion,
    })
}

/// What the search of a finding about its matches was for; empty where the finding is about something else.
fn criteria(entry: &Entry<'_>, run: &Run) -> BTreeSet<String> {
    let is_about_matches = matches!(
        entry.finding.rule.as_str(),
        "search/nothing-missing" | "search/every-hit-matches" | "search/total" | "expect/status"
    );
    let exchange = entry.finding.exchanges.last();
    let exchange = exchange.and_then(|number| run.exchange(*number));
    exchange
        .filter(|_| is_about_matches)
        .map(of_search)
        .unwrap_or_default()
}

fn of_search(exchange: &ExchangeRecord) -> BTreeSet<String> {
    let (path, query) = exchange.url.split_once('?').unwrap_or((&exchange.url, ""));
    let resource_type = path.strip_suffix("/_search").unwrap_or(path);
    if !definitions::is_resource_type(resource_type) {
        return BTreeSet::new();
    }
    let form = match path.ends_with("/_search") {
        true => exchange.request_body.as_deref().unwrap_or_default(),
        false => "",
    };
    let pairs = [decode_pairs(query), decode_pairs(form)].concat();
    // What only confines the search to the data of the run is not what it is about.
    let selecting = |name: &str| !name.starts_with('_') || name.starts_with("_has:");
    let selects = pairs.iter().any(|(name, _)| selecting(name));
    pairs
        .iter()
        .filter(|(name, _)| match selects {
            true => selecting(name),
            false => matches!(name.as_str(), "_id" | "_lastUpdated" | "_sort"),
        })
        .map(|(name, value)| label(resource_type, name, value))
        .collect()
}

fn label(resource_type: &str, name: &str, value: &str) -> String {
    if name.starts_with("_has:") {
        return "_has".to_owned();
    }
    if name.contains('.') {
        return "a chain".to_owned();
    }
    let kind = definitions::search_parameter(resource_type, name).map(|known| known.kind);
    let is_id = !value.contains(['/', '‹', '|']);
    match kind {
        Some(ParameterKind::Reference) if is_id => format!("{name}=[id]"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::run::{CaseRecord, sample};
    use crate::record::{Finding, Verdict};

    /// Failed cases, each with the rule that it broke and the URL that shows it.
    fn run(cases: &[(&str, &str, &str)]) -> Run {
        let mut run = sample();
        let (case, finding, exchange) = parts(&run);
        run.cases = Vec::new();
        run.exchanges = Vec::new();
        for (number, (id, rule, url)) in (1..).zip(cases) {
            run.exchanges.push(ExchangeRecord {
                number,
                url: (*url).to_owned(),
                ..exchange.clone()
            });
            run.cases.push(CaseRecord {
                id: (*id).to_owned(),
                verdict: Verdict::Fail,
                findings: vec![Finding {
                    case: (*id).to_owned(),
                    rule: (*rule).to_owned(),
                    exchanges: vec![number],
                    ..finding.clone()
                }],
                ..case.clone()
            });
        }
        run
    }

    fn parts(run: &Run) -> (CaseRecord, Finding, ExchangeRecord) {
        let (case, finding) = run.findings().next().expect("the sample has a finding");
        (case.clone(), finding.clone(), run.exchanges[0].clone())
    }

    /// Per cause its criterion and its cases, the shown one first.
    fn told(cases: &[(&str, &str, &str)]) -> Vec<(Option<String>, Vec<String>)> {
        let run = run(cases);
        let entries: Vec<Entry<'_>> = run
            .findings()
            .map(|(case, finding)| Entry {
                case,
                finding,
                state: None,
            })
            .collect();
        causes(&entries, &run)
            .into_iter()
            .map(|cause| {
                let all = std::iter::once(&cause.shown).chain(&cause.others);
                let cases = all.map(|entry| entry.case.id.clone()).collect();
                (cause.criterion, cases)
            })
            .collect()
    }

    const MISSING: &str = "search/nothing-missing";

    #[test]
    fn searches_that_share_what_is_wrong_alone_are_one_cause() {
        let causes = told(&[
            (
                "search/category",
                MISSING,
                "Condition?patient=1&category=x&_tag=t",
            ),
            (
                "search/string",
                "search/every-hit-matches",
                "Patient?family=a&_tag=t",
            ),
            (
                "search/reference",
                MISSING,
                "Observation?patient=2&_count=50&_tag=t",
            ),
            ("search/code", MISSING, "Observation?code=1&_tag=t"),
        ]);
        let of_patient = ["search/reference", "search/category"].map(str::to_owned);
        assert_eq!(
            causes[0],
            (Some("patient=[id]".to_owned()), of_patient.to_vec())
        );
        assert_eq!(causes.len(), 3);
    }

    #[test]
    fn a_search_whose_form_is_not_known_goes_with_the_other_rows_of_its_case() {
        let causes = told(&[
            ("us-core/x[post]", MISSING, "Condition/_search"),
            ("us-core/x", MISSING, "Condition?patient=1"),
            ("search/reference", MISSING, "Condition?patient=2"),
        ]);
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].1[0], "us-core/x");
    }

    #[test]
    fn another_form_of_the_value_or_another_rule_is_another_cause() {
        let causes = told(&[
            ("search/a", MISSING, "Observation?patient=1"),
            ("search/b", MISSING, "Observation?patient=Patient/1"),
            (
                "search/c",
                "search/every-hit-matches",
                "Observation?patient=1",
            ),
        ]);
        assert_eq!(causes.len(), 3);
    }

    #[test]
    fn rows_of_a_case_are_one_cause_and_cases_without_a_search_are_not() {
        let causes = told(&[
            ("update/a[one]", "expect/status", "Patient/1"),
            ("update/b", "expect/status", "Patient/1"),
            ("update/a[two]", "expect/status", "Patient/1"),
        ]);
        let rows = ["update/a[one]", "update/a[two]"].map(str::to_owned);
        assert_eq!(causes[0], (None, rows.to_vec()));
        assert_eq!(causes.len(), 2);
    }
}
