//! The suites inside the binary: every file under `suites/`. No file of a user is named here.

use super::load::Source;

macro_rules! builtin {
    ($($id:literal),* $(,)?) => {
        &[$(Source {
            id: $id,
            file: concat!("suites/", $id, ".yaml"),
            text: include_str!(concat!("../../suites/", $id, ".yaml")),
        }),*]
    };
}

/// All of them in order of id.
pub static SUITES: &[Source<'static>] = builtin![
    "core/capability",
    "core/conditional",
    "core/errors",
    "core/fresh",
    "core/history",
    "core/include",
    "core/integrity",
    "core/lifecycle",
    "core/metadata",
    "core/modifiers",
    "core/negotiation",
    "core/operations",
    "core/paging",
    "core/patch",
    "core/prefer",
    "core/read",
    "core/robustness",
    "core/search",
    "core/search-date",
    "core/search-number",
    "core/search-quantity",
    "core/search-reference",
    "core/search-string",
    "core/search-token",
    "core/search-uri",
    "core/terminology",
    "core/transaction",
    "core/transport",
    "core/write",
    "load/smoke",
    "property/core",
];

/// The files that a name selects: `core` all of `core/…`, `core/search` one.
pub fn named(name: &str) -> impl Iterator<Item = &'static Source<'static>> {
    SUITES.iter().filter(move |source| {
        source.id == name
            || source
                .id
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::record::Level;
    use crate::record::finding::PARAPHRASE;
    use crate::suite::ir::{Case, Suite};
    use crate::suite::load;

    fn suites() -> Vec<Suite> {
        load::load(SUITES).unwrap_or_else(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"))
        })
    }

    fn cases(suites: &[Suite]) -> impl Iterator<Item = &Case> {
        suites.iter().flat_map(Suite::cases)
    }

    /// The ids under `suites/`, in order.
    fn files() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites");
        let mut ids = Vec::new();
        for area in std::fs::read_dir(&root).unwrap() {
            let area = area.unwrap();
            // Beside the folders lies what is about the suites, not one of them.
            if !area.path().is_dir() {
                continue;
            }
            for file in std::fs::read_dir(area.path()).unwrap() {
                let path = file.unwrap().path();
                let area = area.file_name().into_string().unwrap();
                let name = path.file_stem().unwrap().to_str().unwrap();
                ids.push(format!("{area}/{name}"));
            }
        }
        ids.sort();
        ids
    }

    #[test]
    fn every_suite_file_is_built_in() {
        let known: Vec<&str> = SUITES.iter().map(|source| source.id).collect();
        assert_eq!(known, files());
    }

    #[test]
    fn every_built_in_suite_is_free_of_mistakes_and_ids_are_unique() {
        let suites = suites();
        let mut ids: Vec<String> = cases(&suites).map(Case::full_id).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn every_case_names_its_rule_and_only_robustness_rests_on_no_sentence() {
        for case in cases(&suites()) {
            let id = case.full_id();
            assert!(case.spec.starts_with("http"), "{id} has no spec");
            assert!(!case.title.contains("${"), "{id} has a hole in its title");
            let needs_sentence = case.level != Level::Robust;
            assert!(
                !needs_sentence || !case.sentence.trim().is_empty(),
                "{id} rests on no sentence"
            );
        }
    }

    #[test]
    fn a_shall_rests_on_words_of_the_specification() {
        for case in cases(&suites()).filter(|case| case.level == Level::Shall) {
            let is_ours = case.sentence.starts_with(PARAPHRASE);
            assert!(!is_ours, "{} is a SHALL in our words", case.full_id());
        }
    }

    /// Anchors of the two pages that most cases name, as R4 (4.0.1) has them; headings without a name of their own have
    /// that of their number.
    const ANCHORS: &[(&str, &[&str])] = &[
        (
            "http://hl7.org/fhir/R4/http.html#",
            &[
                "3.1.0.1.4",
                "3.1.0.7.1",
                "Status-Codes",
                "brules",
                "capabilities",
                "ccreate",
                "concurrency",
                "cond-update",
                "cread",
                "create",
                "custom",
                "delete",
                "general",
                "head",
                "history",
                "mime-type",
                "ops",
                "other-bundles",
                "paging",
                "parameters",
                "patch",
                "prefer",
                "read",
                "rejecting-updates",
                "return",
                "root",
                "search",
                "summary",
                "transaction",
                "transaction-response",
                "transactional-integrity",
                "trules",
                "update",
                "upsert",
                "version-parameter",
                "versionaware",
                "versioning",
                "versions",
                "vread",
                "vsearch",
            ],
        ),
        (
            "http://hl7.org/fhir/R4/search.html#",
            &[
                "Introduction",
                "Paging",
                "chaining",
                "combining",
                "composite",
                "conformance",
                "contained",
                "count",
                "currency",
                "date",
                "elements",
                "errors",
                "escaping",
                "has",
                "id",
                "include",
                "lastUpdated",
                "missing",
                "modifiers",
                "number",
                "prefix",
                "profile",
                "ptypes",
                "quantity",
                "query",
                "reference",
                "return",
                "revinclude",
                "security",
                "sort",
                "string",
                "summary",
                "tag",
                "token",
                "total",
                "uri",
                "versions",
            ],
        ),
    ];

    #[test]
    fn a_place_on_a_page_is_one_that_the_page_has() {
        let suites = suites();
        let specs = cases(&suites)
            .map(|case| case.spec.as_str())
            .chain(crate::check::all().map(|check| check.spec().spec))
            .chain(
                crate::property::PROPERTIES
                    .iter()
                    .map(|property| property.spec().spec),
            );
        for spec in specs {
            for (page, anchors) in ANCHORS {
                if let Some(anchor) = spec.strip_prefix(page) {
                    assert!(anchors.contains(&anchor), "{spec} is no place of R4");
                }
            }
        }
    }

    /// Rows of the checklist: row, status, cases or reason.
    fn checklist() -> Vec<(String, String, String)> {
        let text = include_str!("../../suites/checklist.csv");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("row,status,cases or reason"));
        lines
            .map(|line| {
                let mut columns = line.splitn(3, ',');
                let mut column = || {
                    columns
                        .next()
                        .unwrap_or_default()
                        .trim_matches('"')
                        .to_owned()
                };
                (column(), column(), column())
            })
            .collect()
    }

    #[test]
    fn the_checklist_has_each_row_once_in_order_with_cases_that_exist_or_a_reason() {
        let suites = suites();
        let mut known: BTreeSet<String> = cases(&suites).map(|case| case.id.clone()).collect();
        known.extend(crate::check::all().map(|check| check.spec().id.to_owned()));
        let properties = crate::property::PROPERTIES.iter();
        known.extend(properties.map(|property| property.spec().id.to_owned()));
        let probes = crate::probe::PROBES.iter();
        known.extend(probes.map(|probe| probe.spec().id.to_owned()));
        let rows = checklist();
        for pair in rows.windows(2) {
            assert!(
                pair[0].0 < pair[1].0,
                "{} stands before {}",
                pair[0].0,
                pair[1].0
            );
        }
        for (row, status, words) in &rows {
            match status.as_str() {
                "covered" => {
                    let unknown: Vec<&str> =
                        words.split(' ').filter(|id| !known.contains(*id)).collect();
                    assert!(unknown.is_empty(), "{row}: {unknown:?}");
                }
                "left-out" => assert!(words.len() > 10, "{row} has no reason"),
                other => panic!("{row}: `{other}` is not a status"),
            }
        }
    }

    #[test]
    fn every_row_that_a_case_names_is_covered_in_the_checklist() {
        let covered: BTreeSet<String> = checklist()
            .into_iter()
            .filter(|(_, status, _)| status == "covered")
            .map(|(row, ..)| row)
            .collect();
        for case in cases(&suites()) {
            let row = case.checklist.as_deref().unwrap_or_default();
            assert!(covered.contains(row), "{}: `{row}` is not covered", case.id);
        }
    }

    #[test]
    fn at_least_36_cases_of_core_only_read() {
        let suites = suites();
        let core: Vec<Suite> = suites
            .into_iter()
            .filter(|suite| suite.id.starts_with("core/"))
            .collect();
        let mut reading: Vec<&str> = cases(&core)
            .filter(|case| !case.writes())
            .map(|case| case.id.as_str())
            .collect();
        reading.sort_unstable();
        // Rows do not count.
        reading.dedup();
        assert!(reading.len() >= 36, "{} cases", reading.len());
    }

    #[test]
    fn a_case_that_asks_the_oracle_reads_all_pages_even_within_alternatives() {
        for case in cases(&suites()).filter(|case| case.needs_oracle()) {
            let walks = case.steps.iter().any(|step| step.follow.is_some());
            assert!(walks, "{}", case.full_id());
        }
    }

    #[test]
    fn a_name_selects_a_suite_or_all_of_an_area() {
        assert_eq!(named("core/search").count(), 1);
        assert!(named("core").count() > 5);
        assert_eq!(named("cor").count(), 0);
    }
}
