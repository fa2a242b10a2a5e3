//! Features of search together: filter, chain or `_has`, include, reverse include, order, page size, total, summary,
//! elements, format and method, so that every pair of them that the target claims occurs in some search. What a single
//! feature does is tested elsewhere.

use crate::fhir::capability::Capability;
use crate::http::Method;
use crate::record::{Level, Severity};
use crate::seed::Seed;

use super::super::ir::{Case, Ids, Refusal, Rule, Total};
use super::case::{Words, case, expression, pick, status, step};
use super::{Generator, Ground, Made, covering};

const SUITE: &str = "core/pairwise";

pub(super) const GENERATOR: Generator = Generator {
    suite: SUITE,
    title: "Features of search together, every pair of them, with exact answers",
    area: "pairwise",
    make,
};

/// Types that are searched at most; more of them repeat the same code of a server.
const MAX_TYPES: usize = 4;
/// Includes of one direction at most.
const MAX_INCLUDES: usize = 2;

/// A type with the parameters that its searches use.
struct Base {
    resource_type: &'static str,
    /// Keeps the search small.
    anchor: &'static str,
    token: &'static str,
    date: &'static str,
    /// A chain or `_has`, with a value; the parameter that a target must have for it, with its type.
    links: &'static [(&'static str, &'static str, (&'static str, &'static str))],
}

/// In order of preference.
const BASES: &[Base] = &[
    Base {
        resource_type: "Observation",
        anchor: "patient",
        token: "category",
        date: "date",
        links: &[
            ("patient.gender", "female", ("Patient", "gender")),
            (
                "_has:DiagnosticReport:result:status",
                "final",
                ("DiagnosticReport", "result"),
            ),
        ],
    },
    Base {
        resource_type: "Encounter",
        anchor: "patient",
        token: "status",
        date: "date",
        links: &[
            ("subject:Patient.gender", "male", ("Patient", "gender")),
            (
                "_has:Condition:encounter:clinical-status",
                "active",
                ("Condition", "encounter"),
            ),
        ],
    },
    Base {
        resource_type: "Condition",
        anchor: "patient",
        token: "clinical-status",
        date: "recorded-date",
        links: &[
            ("patient.birthdate", "lt1980", ("Patient", "birthdate")),
            ("encounter.status", "finished", ("Encounter", "status")),
        ],
    },
    Base {
        resource_type: "Patient",
        anchor: "gender",
        token: "active",
        date: "birthdate",
        links: &[
            ("organization.name", "c", ("Organization", "name")),
            (
                "_has:Condition:patient:clinical-status",
                "active",
                ("Condition", "patient"),
            ),
        ],
    },
    Base {
        resource_type: "MedicationRequest",
        anchor: "patient",
        token: "status",
        date: "authoredon",
        links: &[("patient.gender", "female", ("Patient", "gender"))],
    },
    Base {
        resource_type: "Immunization",
        anchor: "patient",
        token: "status",
        date: "date",
        links: &[("patient.gender", "male", ("Patient", "gender"))],
    },
];

/// A level of a factor: parameters that it adds, none for the first.
type Parameters = Vec<(String, String)>;

/// Factors in the order of [`factors`].
const SUMMARY: usize = 7;
const ELEMENTS: usize = 8;
const METHOD: usize = 11;
/// The level of the factor summary that asks for the whole.
const WHOLE: usize = 3;

fn make(ground: &Ground<'_>) -> Made {
    let capability = ground.capability;
    let has_data = |base: &&Base| {
        ground
            .cohort
            .is_none_or(|cohort| cohort.of_type(base.resource_type).next().is_some())
    };
    let cases = BASES
        .iter()
        .filter(|base| {
            capability.supports(base.resource_type, "search-type")
                && capability.supports_parameter(base.resource_type, base.anchor)
        })
        .filter(has_data)
        .take(MAX_TYPES)
        .flat_map(|base| cases(capability, base))
        .collect();
    Made {
        cases,
        left_out: Vec::new(),
    }
}

fn cases(capability: &Capability, base: &Base) -> Vec<Case> {
    let factors = factors(capability, base);
    let mut levels: Vec<usize> = factors.iter().map(Vec::len).collect();
    levels.push(2);
    // The array is the same in every run: its cases are known by what they ask.
    let seed = Seed::FIXED.derive("pairwise").derive(base.resource_type);
    let mut cases: Vec<Case> = covering::pairs(&levels, seed, goes_with)
        .iter()
        .map(|row| {
            let pairs: Parameters = factors
                .iter()
                .zip(row)
                .flat_map(|(levels, level)| levels[*level].clone())
                .collect();
            one(capability, base, &pairs, row[METHOD] == 1)
        })
        .collect();
    cases.sort_by(|one, other| one.id.cmp(&other.id));
    cases.dedup_by(|one, other| one.id == other.id);
    cases
}

/// `_summary` and `_elements` both say which elements come; R4 does not say what they say together.
fn goes_with(one: (usize, usize), other: (usize, usize)) -> bool {
    let level_of = |factor: usize| {
        [one, other]
            .into_iter()
            .find(|choice| choice.0 == factor)
            .map_or(0, |choice| choice.1)
    };
    let summary = level_of(SUMMARY);
    !(level_of(ELEMENTS) > 0 && summary > 0 && summary != WHOLE)
}

fn factors(capability: &Capability, base: &Base) -> Vec<Vec<Parameters>> {
    let has = |code: &str| capability.supports_parameter(base.resource_type, code);
    let level = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let optional = |values: &[(&str, &str)]| {
        let values = values.iter().map(|(name, value)| level(name, value));
        std::iter::once(Vec::new())
            .chain(values)
            .collect::<Vec<_>>()
    };
    let mut filters = vec![Vec::new()];
    if has(base.token) {
        filters.push(level(base.token, "${x.token}"));
    }
    if has(base.date) {
        filters.push(level(base.date, "ge${x.date}"));
    }
    let links: Vec<(&str, &str)> = base
        .links
        .iter()
        .filter(|(.., (other, code))| capability.supports_parameter(other, code))
        .map(|(name, value, _)| (*name, *value))
        .collect();
    let includes = |reverse| {
        let claimed = capability.includes(base.resource_type, reverse);
        let name = if reverse { "_revinclude" } else { "_include" };
        let found: Vec<(&str, &str)> = claimed
            .into_iter()
            .filter(|include| is_common(include, base.resource_type, reverse))
            .take(MAX_INCLUDES)
            .map(|include| (name, include))
            .collect();
        optional(&found)
    };
    let sorts = [base.date.to_owned(), format!("-{}", base.date)];
    let sorts: Vec<(&str, &str)> = match has(base.date) {
        true => sorts.iter().map(|sort| ("_sort", sort.as_str())).collect(),
        false => Vec::new(),
    };
    vec![
        vec![level(base.anchor, "${x.anchor}")],
        filters,
        optional(&links),
        includes(false),
        includes(true),
        vec![
            level("_count", "50"),
            level("_count", "2"),
            level("_count", "7"),
        ],
        optional(&[("_total", "accurate"), ("_total", "none")]),
        optional(&[
            ("_summary", "true"),
            ("_summary", "count"),
            ("_summary", "false"),
        ]),
        optional(&[("_elements", "id,meta")]),
        optional(&sorts),
        optional(&[("_format", "json"), ("_format", "application/fhir+json")]),
    ]
}

/// References that the data of most servers has.
fn is_common(include: &str, resource_type: &str, reverse: bool) -> bool {
    const FORWARD: &[&str] = &[
        "subject",
        "encounter",
        "organization",
        "participant",
        "requester",
    ];
    const REVERSE: &[&str] = &[
        "Condition:encounter",
        "Observation:encounter",
        "Condition:patient",
        "Encounter:patient",
        "DiagnosticReport:result",
    ];
    if reverse {
        return REVERSE.contains(&include);
    }
    include
        .split_once(':')
        .is_some_and(|(source, code)| source == resource_type && FORWARD.contains(&code))
}

fn one(capability: &Capability, base: &Base, pairs: &[(String, String)], by_post: bool) -> Case {
    let has = |name: &str| pairs.iter().any(|(known, _)| known == name);
    let uses = |name: &str| pairs.iter().any(|(_, value)| value.contains(name));
    let query: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = query.join("&");
    let (method, url) = match by_post {
        true => (Method::Post, format!("{}/_search", base.resource_type)),
        false => (Method::Get, format!("{}?{query}", base.resource_type)),
    };
    let mut x = pick(SUITE, "x", base.resource_type, &[]);
    for (name, code) in [
        ("anchor", base.anchor),
        ("token", base.token),
        ("date", base.date),
    ] {
        if uses(&format!("${{x.{name}}}")) {
            x.searches.push((name.to_owned(), code.to_owned()));
        }
    }
    let verb = if by_post { "POST" } else { "GET" };
    let words = Words {
        id: format!(
            "pairwise/{}-{}",
            base.resource_type.to_lowercase(),
            digest(verb, &query)
        ),
        row: None,
        title: format!("{verb} {}?{}", base.resource_type, shown(pairs)),
        spec: "http://hl7.org/fhir/R4/search.html#combining",
        sentence: "the result of the search operation is the intersection of the resources that match the criteria \
                   specified by each individual search parameter",
        level: Level::Shall,
        severity: Severity::Major,
        checklist: None,
    };
    let form = by_post.then_some(pairs);
    let mut only = step(SUITE, method, &url, form, answers(pairs, has("_sort")));
    only.refusal = refusal(capability, base, pairs, by_post);
    case(SUITE, words, vec![x], vec![only])
}

/// The oracle's answer.
fn answers(pairs: &[(String, String)], sorted: bool) -> Vec<Rule> {
    let mut right = vec![
        status(&[200]),
        Rule::Ids(Ids::Oracle),
        Rule::Total(Total::Oracle),
        Rule::Check("search/include-resolves"),
        Rule::Check("search/mode"),
    ];
    if sorted {
        right.push(Rule::Sorted);
    }
    if let Some((_, count)) = pairs.iter().find(|(name, _)| name == "_count") {
        right.push(Rule::Path(expression(&format!(
            "entry.where(search.mode.empty() or search.mode = 'match').count() <= {count}"
        ))));
    }
    right
}

/// Parameters that shape an answer. R4 obliges no server to support them, and a statement that names them among the
/// search parameters claims them.
const SHAPING: &[&str] = &["_elements", "_format", "_sort", "_summary", "_total"];

/// What a refusal of these features together means, by what of them is claimed. Filters and includes are asked only
/// where they are; a chain is claimed nowhere, and of GET and POST a server may refuse one.
fn refusal(
    capability: &Capability,
    base: &Base,
    pairs: &[(String, String)],
    by_post: bool,
) -> Refusal {
    let is_link = |name: &str| base.links.iter().any(|(link, ..)| *link == name);
    let is_claimed = |name: &str| capability.supports_parameter(base.resource_type, name);
    let mut free: Vec<&str> = pairs
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| is_link(name) || (SHAPING.contains(name) && !is_claimed(name)))
        .collect();
    if by_post {
        free.push("search by POST");
    }
    match free.is_empty() {
        true => Refusal::Noted,
        false => Refusal::NotClaimed(format!("not claimed: {}", free.join(", "))),
    }
}

/// The parameters as people read them, without what a witness gives.
fn shown(pairs: &[(String, String)]) -> String {
    let shown: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace("${x.", "").replace('}', "")))
        .collect();
    shown.join("&")
}

/// A short name for what a case asks.
fn digest(verb: &str, query: &str) -> String {
    let text = format!("{verb} {query}");
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref()[..3]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
