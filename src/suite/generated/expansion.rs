//! What the target declares, taken at its word: for each type, each reading interaction and each search parameter a
//! case, with the value of a known resource. Not the finer points of a parameter's kind: those are written cases.

use crate::fhir::capability::Capability;
use crate::fhir::definitions::{self, ParameterKind, SearchParameter};
use crate::http::Method;
use crate::record::{Cohort, Level, Severity};

use super::super::ir::{Case, Pick, Rule};
use super::super::pivot::Pivot;
use super::case::{Words, by_oracle, case, expression, pick, span, status, step};
use super::{Generator, Ground, LeftOut, Made};

const SUITE: &str = "expansion";

pub(super) const GENERATOR: Generator = Generator {
    suite: SUITE,
    title: "Everything that the target declares, with values of the data",
    area: "expand",
    make,
};

/// Definition of `CapabilityStatement.rest.resource.searchParam`.
const DECLARED: &str = "Search parameters for implementations to support and/or make use of";
const DECLARED_SPEC: &str = "http://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam";
/// Definition of `CapabilityStatement.rest.resource.interaction`.
const INTERACTION: &str = "Identifies a restful operation supported by the solution";
const INTERACTION_SPEC: &str = "http://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.interaction";

/// Prefixes that ordered parameters are searched with besides none, <http://hl7.org/fhir/R4/search.html#prefix>.
const PREFIXES: &[&str] = &["ge", "le", "gt", "lt"];

fn make(ground: &Ground<'_>) -> Made {
    let mut made = Made::default();
    for resource_type in ground.capability.resource_types() {
        if !definitions::is_resource_type(resource_type) {
            made.miss_declared(resource_type, "", "the type is none of R4");
            continue;
        }
        let is_known = |cohort: &Cohort| cohort.of_type(resource_type).next().is_some();
        if !ground.cohort.is_none_or(is_known) {
            made.miss_declared(resource_type, "", "the data has no resource of the type");
            continue;
        }
        made.interactions(ground.capability, resource_type);
        if ground.capability.supports(resource_type, "search-type") {
            made.searches(ground, resource_type);
        }
    }
    made
}

impl Made {
    fn miss_declared(&mut self, resource_type: &str, rest: &str, reason: &str) {
        self.left_out.push(LeftOut {
            suite: SUITE,
            id: format!("expand/{resource_type}/{rest}"),
            reason: reason.to_owned(),
        });
    }

    fn interactions(&mut self, capability: &Capability, resource_type: &str) {
        for (code, url, rule, what) in [
            ("read", "${x.id}", "id = %x.id", "A known resource is read"),
            (
                "vread",
                "${x.id}/_history/${x.version}",
                "id = %x.id and meta.versionId = %x.version",
                "The current version of a known resource is read",
            ),
            (
                "history-instance",
                "${x.id}/_history",
                "type = 'history' and entry.exists()",
                "The history of a known resource is read",
            ),
        ] {
            if !capability.supports(resource_type, code) {
                continue;
            }
            let mut x = pick(SUITE, "x", resource_type, &[]);
            if code == "vread" {
                x.values
                    .push(("version".to_owned(), expression("meta.versionId")));
            }
            let rules = vec![status(&[200]), Rule::Path(expression(rule))];
            let url = format!("{resource_type}/{url}");
            let mut only = step(SUITE, Method::Get, &url, None, rules);
            only.follow = None;
            let words = Words {
                id: format!("expand/{resource_type}/{code}"),
                row: None,
                title: format!("{what}: {resource_type}"),
                spec: INTERACTION_SPEC,
                sentence: INTERACTION,
                level: Level::Shall,
                severity: Severity::Critical,
                checklist: None,
            };
            self.cases.push(case(SUITE, words, vec![x], vec![only]));
        }
    }

    fn searches(&mut self, ground: &Ground<'_>, resource_type: &str) {
        let combinations = ground.capability.search_combinations(resource_type);
        for code in ground.capability.search_parameters(resource_type) {
            match searchable(resource_type, code) {
                Err(reason) => {
                    self.miss_declared(resource_type, &format!("search-{code}"), reason);
                }
                Ok(parameter) => {
                    let company = company(code, &combinations);
                    self.parameter(ground, resource_type, parameter, &company);
                }
            }
        }
        for (required, optional) in &combinations {
            let codes: Vec<&str> = required.iter().chain(optional).copied().collect();
            let name = format!("search-{}", codes.join("+"));
            let is_searchable = |code: &&str| searchable(resource_type, code).is_ok();
            if codes.len() < 2 || self.has(resource_type, &name) {
                continue;
            }
            if !codes.iter().all(is_searchable) {
                self.miss_declared(
                    resource_type,
                    &name,
                    "a parameter of the declared combination is none of R4",
                );
            } else if !has_values(ground, resource_type, &codes) {
                self.miss_declared(resource_type, &name, NO_VALUE);
            } else {
                self.cases
                    .push(search(resource_type, &name, None, &codes, &values(&codes)));
            }
        }
    }

    fn has(&self, resource_type: &str, name: &str) -> bool {
        let id = format!("expand/{resource_type}/{name}");
        self.cases.iter().any(|case| case.id == id)
    }

    /// The cases of one parameter, with the parameters that must go with it.
    fn parameter(
        &mut self,
        ground: &Ground<'_>,
        resource_type: &str,
        parameter: &SearchParameter,
        company: &[&str],
    ) {
        let mut codes = vec![parameter.code.as_str()];
        codes.extend(company);
        let name = format!("search-{}", parameter.code);
        if !has_values(ground, resource_type, &codes) {
            self.miss_declared(resource_type, &name, NO_VALUE);
            return;
        }
        let values = values(&codes);
        self.cases
            .push(search(resource_type, &name, None, &codes, &values));
        let with_first = |first: String| {
            let mut values = values.clone();
            values[0] = first;
            values
        };
        if matches!(
            parameter.kind,
            ParameterKind::Date | ParameterKind::Number | ParameterKind::Quantity
        ) {
            for prefix in PREFIXES {
                let values = with_first(format!("{prefix}${{x.v0}}"));
                self.cases
                    .push(search(resource_type, &name, Some(prefix), &codes, &values));
            }
        } else if company.is_empty() {
            let values = with_first("${x.v0},${y.v0}".to_owned());
            let mut either = search(resource_type, &name, Some("or"), &codes, &values);
            either.picks.push(pick(SUITE, "y", resource_type, &codes));
            self.cases.push(either);
        }
    }
}

/// Why `_lastUpdated` is left to the written cases, which ask around a write.
const WITHIN_A_MOMENT: &str =
    "_lastUpdated is one moment for all that a run makes; search/last-updated asks for it";
const NO_VALUE: &str = "no known resource has a value for it";

/// `${x.v0}`, `${x.v1}`, … for as many codes.
fn values(codes: &[&str]) -> Vec<String> {
    (0..codes.len())
        .map(|position| format!("${{x.v{position}}}"))
        .collect()
}

/// The parameter, if the oracle knows what it means.
fn searchable(resource_type: &str, code: &str) -> Result<&'static SearchParameter, &'static str> {
    if code == "_lastUpdated" {
        return Err(WITHIN_A_MOMENT);
    }
    let parameter =
        definitions::search_parameter(resource_type, code).ok_or("the parameter is none of R4")?;
    let has_own_rules = parameter.kind == ParameterKind::Special
        || parameter.expression.is_empty()
        || code == "phonetic";
    if has_own_rules || Pivot::of(resource_type, code).is_none() {
        return Err("the parameter is searched by rules of its own");
    }
    Ok(parameter)
}

/// What a declared combination wants beside a parameter. A parameter that stands in none goes alone.
fn company<'a>(code: &str, combinations: &[(Vec<&'a str>, Vec<&'a str>)]) -> Vec<&'a str> {
    combinations
        .iter()
        .filter(|(required, optional)| required.contains(&code) || optional.contains(&code))
        .map(|(required, _)| {
            let others = required.iter().copied().filter(|other| *other != code);
            others.collect::<Vec<&str>>()
        })
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

fn has_values(ground: &Ground<'_>, resource_type: &str, codes: &[&str]) -> bool {
    let Some(cohort) = ground.cohort else {
        return true;
    };
    let pivots: Option<Vec<Pivot>> = codes
        .iter()
        .map(|code| Pivot::of(resource_type, code))
        .collect();
    pivots.is_some_and(|pivots| {
        cohort.of_type(resource_type).any(|(_, resource)| {
            let has_value = |pivot: &Pivot| pivot.value(resource, ground.now).is_some();
            pivots.iter().all(has_value)
        })
    })
}

fn search(
    resource_type: &str,
    name: &str,
    row: Option<&str>,
    codes: &[&str],
    values: &[String],
) -> Case {
    let criteria: Vec<String> = codes
        .iter()
        .zip(values)
        .map(|(code, value)| format!("{code}={value}"))
        .collect();
    let url = format!("{resource_type}?{}&_count=50", criteria.join("&"));
    let how = match row {
        None => String::new(),
        Some("or") => ", two values,".to_owned(),
        Some(prefix) => format!(", {prefix} the value of one,"),
    };
    let words = Words {
        id: format!("expand/{resource_type}/{name}"),
        row: row.map(str::to_owned),
        title: format!(
            "A search of {resource_type} by {}{how} finds what matches and nothing else",
            codes.join(" and ")
        ),
        spec: DECLARED_SPEC,
        sentence: DECLARED,
        level: Level::Shall,
        severity: Severity::Major,
        checklist: None,
    };
    let x: Pick = Pick {
        span: span(SUITE),
        ..pick(SUITE, "x", resource_type, codes)
    };
    let only = step(SUITE, Method::Get, &url, None, by_oracle());
    case(SUITE, words, vec![x], vec![only])
}
