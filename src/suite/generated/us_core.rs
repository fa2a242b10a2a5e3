//! US Core from its package: every combination of search parameters that a server SHALL or SHOULD support, for every
//! profile, which must-support elements the data shows, and whether it meets the profiles. Nothing is written by hand for a profile.

mod profile;

use crate::fhir::definitions;
use crate::http::Method;
use crate::record::{Cohort, Level, Severity};

use super::super::ir::{Case, Pick, Rule};
use super::super::pivot::Pivot;
use super::case::{Words, by_oracle, case, expectations, expression, pick, status, step};
use super::guide::{Guide, GuideProfile, GuideResource, GuideSearch};
use super::{Generator, Ground, LeftOut, Made};
use crate::fhir::path::{Context, Expression};

const SUITE: &str = "us-core";

pub(super) const GENERATOR: Generator = Generator {
    suite: SUITE,
    title: "US Core 6.1.0: searches of every profile, and must-support in the data",
    area: "us-core",
    make,
};

const SEARCH_SPEC: &str =
    "http://hl7.org/fhir/us/core/STU6.1/CapabilityStatement-us-core-server.html";
const SEARCH: &str = "(paraphrase) The guide's CapabilityStatement asks servers for this combination of search parameters";
const MUST_SPEC: &str = "http://hl7.org/fhir/us/core/STU6.1/must-support.html";
const MUST: &str = "US Core Responders SHALL be capable of populating all data elements as part of the query results as specified by the US Core Server Capability Statement";

/// Resources that stand for one profile, or for a type whose resources claim none.
struct Group<'a> {
    /// Last segment of the profile's URL, or the type.
    name: &'a str,
    resource_type: &'a str,
    /// Which resources belong to it; `None` for all of the type.
    condition: Option<Expression>,
    /// Canonical of the profile; `None` for a type as a whole.
    profile: Option<&'a str>,
    must_support: &'a [String],
}

fn make(ground: &Ground<'_>) -> Made {
    let mut made = Made::default();
    for resource in &Guide::us_core().resources {
        let resource_type = resource.resource_type.as_str();
        if !ground.capability.supports(resource_type, "search-type") {
            made.miss_asked(
                resource_type,
                "",
                "the target does not claim to search the type",
            );
            continue;
        }
        for group in groups(resource, ground) {
            let is_known = |cohort: &Cohort| !members(&group, cohort, ground).is_empty();
            if !ground.cohort.is_none_or(is_known) {
                made.miss_asked(group.name, "", "no known resource is of the profile");
                continue;
            }
            for search in &resource.searches {
                made.search(ground, &group, search);
            }
            made.must_support(ground, &group);
            if let Some(url) = group.profile {
                made.required(ground, &group, url);
            }
        }
    }
    made
}

/// The profiles of a type. Where there are several, a resource belongs to those that it claims; where none is claimed
/// at all, the type is searched as a whole.
fn groups<'a>(resource: &'a GuideResource, ground: &Ground<'_>) -> Vec<Group<'a>> {
    let resource_type = resource.resource_type.as_str();
    let of_profile = |profile: &'a GuideProfile, condition| Group {
        name: profile.url.rsplit('/').next().unwrap_or(resource_type),
        resource_type,
        condition,
        profile: Some(&profile.url),
        must_support: &profile.must_support,
    };
    if let [only] = resource.profiles.as_slice() {
        return vec![of_profile(only, None)];
    }
    let claimed = |profile: &'a GuideProfile| {
        let url = &profile.url;
        let condition =
            format!("meta.profile.where($this = '{url}' or $this.startsWith('{url}|')).exists()");
        of_profile(profile, Some(expression(&condition)))
    };
    let groups: Vec<Group<'a>> = resource.profiles.iter().map(claimed).collect();
    let is_claimed = |cohort: &Cohort| {
        let mut groups = groups.iter();
        groups.any(|group| !members(group, cohort, ground).is_empty())
    };
    if ground.cohort.is_none_or(is_claimed) {
        return groups;
    }
    vec![Group {
        name: resource_type,
        resource_type,
        condition: None,
        profile: None,
        must_support: &[],
    }]
}

fn members<'c>(
    group: &Group<'_>,
    cohort: &'c Cohort,
    ground: &Ground<'_>,
) -> Vec<&'c serde_json::Value> {
    let belongs = |resource: &serde_json::Value| {
        group
            .condition
            .as_ref()
            .is_none_or(|condition| holds(condition, resource, ground))
    };
    cohort
        .resources
        .iter()
        .filter(|(key, _)| key.resource_type == group.resource_type)
        .map(|(_, resource)| resource)
        .filter(|resource| belongs(resource))
        .collect()
}

fn holds(condition: &Expression, resource: &serde_json::Value, ground: &Ground<'_>) -> bool {
    let context = Context {
        resource,
        variables: &[],
        now: ground.now,
    };
    condition.test(&context) == Ok(true)
}

impl Made {
    fn miss_asked(&mut self, group: &str, rest: &str, reason: &str) {
        self.left_out.push(LeftOut {
            suite: SUITE,
            id: format!("us-core/{group}/{rest}"),
            reason: reason.to_owned(),
        });
    }

    fn search(&mut self, ground: &Ground<'_>, group: &Group<'_>, search: &GuideSearch) {
        let name = format!("search-{}", search.codes.join("+"));
        let pivots: Option<Vec<Pivot>> = search
            .codes
            .iter()
            .map(|code| Pivot::of(group.resource_type, code))
            .collect();
        let Some(pivots) = pivots else {
            self.miss_asked(group.name, &name, "a parameter of it is none of R4");
            return;
        };
        let is_declared = |code: &String| {
            code == "_id"
                || ground
                    .capability
                    .supports_parameter(group.resource_type, code)
        };
        if !search.codes.iter().all(is_declared) {
            self.miss_asked(
                group.name,
                &name,
                "the target does not declare a parameter of it",
            );
            return;
        }
        let has_values = |cohort: &Cohort| {
            members(group, cohort, ground).iter().any(|resource| {
                let mut pivots = pivots.iter();
                pivots.all(|pivot| pivot.value(resource, ground.now).is_some())
            })
        };
        if !ground.cohort.is_none_or(has_values) {
            self.miss_asked(group.name, &name, "no known resource has a value for it");
            return;
        }
        for way in ways(group.resource_type, &search.codes) {
            self.cases.push(one(group, search, &name, &way));
        }
    }

    /// One case for a profile: the element-richest known resource is read and shows what it is known to have.
    fn must_support(&mut self, ground: &Ground<'_>, group: &Group<'_>) {
        let Some(cohort) = ground.cohort else { return };
        let members = members(group, cohort, ground);
        let elements: Vec<(&String, Expression)> = group
            .must_support
            .iter()
            .filter_map(|path| Some((path, Expression::parse(&format!("{path}.exists()")).ok()?)))
            .collect();
        let mut seen = Vec::new();
        for (path, exists) in &elements {
            match members.iter().any(|member| holds(exists, member, ground)) {
                true => seen.push((*path, exists)),
                false => self.miss_asked(
                    group.name,
                    &format!("must-support-{path}"),
                    "no known resource of the profile has the element",
                ),
            }
        }
        if seen.is_empty() {
            return;
        }
        let count = |member: &&serde_json::Value| {
            let shown = seen
                .iter()
                .filter(|(_, exists)| holds(exists, member, ground));
            shown.count()
        };
        let Some(id) = members
            .iter()
            .copied()
            .max_by_key(count)
            .and_then(crate::fhir::resource::id)
        else {
            return;
        };
        let richest = members
            .iter()
            .find(|member| crate::fhir::resource::id(member) == Some(id));
        let shown: Vec<Rule> = std::iter::once(status(&[200]))
            .chain(
                seen.iter()
                    .filter(|(_, exists)| {
                        richest.is_some_and(|member| holds(exists, member, ground))
                    })
                    .map(|(_, exists)| Rule::Path((*exists).clone())),
            )
            .collect();
        let mut x = picked(group, &[]);
        x.condition = Some(expression(&format!("id = '{id}'")));
        let url = format!("{}/${{x.id}}", group.resource_type);
        let mut read = step(SUITE, Method::Get, &url, None, shown);
        read.follow = None;
        let words = Words {
            id: format!("us-core/{}/must-support", group.name),
            row: None,
            title: format!(
                "{}: {} of {} must-support elements are in the data, and a read shows them",
                group.name,
                seen.len(),
                elements.len()
            ),
            spec: MUST_SPEC,
            sentence: MUST,
            level: Level::Shall,
            severity: Severity::Major,
            checklist: Some("USC-07"),
        };
        self.cases.push(case(SUITE, words, vec![x], vec![read]));
    }
}

fn picked(group: &Group<'_>, codes: &[&str]) -> Pick {
    Pick {
        condition: group.condition.clone(),
        ..pick(SUITE, "x", group.resource_type, codes)
    }
}

/// How a search is made: its row, its values, its method.
struct Way {
    row: Option<&'static str>,
    values: Vec<String>,
    by_post: bool,
}

fn ways(resource_type: &str, codes: &[String]) -> Vec<Way> {
    let plain: Vec<String> = (0..codes.len())
        .map(|position| format!("${{x.v{position}}}"))
        .collect();
    let changed = |row, position: usize, before: &str| {
        let mut values = plain.clone();
        values[position].insert_str(0, before);
        Way {
            row: Some(row),
            values,
            by_post: false,
        }
    };
    let is_date = |code: &String| {
        definitions::search_parameter(resource_type, code)
            .is_some_and(|parameter| parameter.kind == definitions::ParameterKind::Date)
    };
    let mut ways = vec![
        Way {
            row: None,
            values: plain.clone(),
            by_post: false,
        },
        Way {
            row: Some("post"),
            values: plain.clone(),
            by_post: true,
        },
    ];
    if let Some(position) = codes.iter().position(|code| code == "patient") {
        ways.push(changed("typed", position, "Patient/"));
    }
    if let Some(position) = codes.iter().position(is_date).filter(|_| codes.len() > 1) {
        for prefix in ["ge", "le", "gt", "lt"] {
            ways.push(changed(prefix, position, prefix));
        }
    }
    ways
}

fn one(group: &Group<'_>, search: &GuideSearch, name: &str, way: &Way) -> Case {
    let codes: Vec<&str> = search.codes.iter().map(String::as_str).collect();
    let pairs: Vec<(String, String)> = search
        .codes
        .iter()
        .cloned()
        .zip(way.values.iter().cloned())
        .collect();
    let is_shall = search.expectation == "SHALL";
    let words = Words {
        id: format!("us-core/{}/{name}", group.name),
        row: way.row.map(str::to_owned),
        title: format!(
            "{}: a search of {} by {}{} finds what matches and nothing else",
            group.name,
            group.resource_type,
            codes.join(" and "),
            way.row.map_or_else(String::new, |row| format!(" ({row})"))
        ),
        spec: SEARCH_SPEC,
        sentence: SEARCH,
        level: if is_shall {
            Level::Shall
        } else {
            Level::Should
        },
        severity: Severity::Major,
        checklist: Some("USC-02"),
    };
    let x = picked(group, &codes);
    let only = if way.by_post {
        let url = format!("{}/_search", group.resource_type);
        // An endpoint that only reads may refuse every POST.
        let refused = status(&[400, 401, 403, 404, 405, 415, 501]);
        let rules = vec![Rule::AnyOf(vec![
            expectations(SUITE, by_oracle()),
            expectations(SUITE, vec![refused]),
        ])];
        step(SUITE, Method::Post, &url, Some(&pairs), rules)
    } else {
        let query: Vec<String> = pairs
            .iter()
            .map(|(code, value)| format!("{code}={value}"))
            .collect();
        let url = format!("{}?{}", group.resource_type, query.join("&"));
        step(SUITE, Method::Get, &url, None, by_oracle())
    };
    case(SUITE, words, vec![x], vec![only])
}
