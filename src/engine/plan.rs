//! The plan: which cases run on this target, and why the others do not. Pure; `--dry-run` prints it.

use crate::fhir::capability::Capability;
use crate::fhir::path;
use crate::record::verdict::{VALIDATE_NOT_ALLOWED, WRITES_NOT_ALLOWED};
use crate::suite::ir::{Case, Suite};

/// What becomes of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// It runs.
    Run,
    /// The target does not claim what it needs.
    Skip(String),
    /// Something stands in its way.
    Blocked(String),
}

impl std::fmt::Display for Disposition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Disposition::Run => f.write_str("run"),
            Disposition::Skip(reason) => write!(f, "skip ({reason})"),
            Disposition::Blocked(reason) => write!(f, "blocked ({reason})"),
        }
    }
}

/// One case with its place and fate.
#[derive(Debug, Clone)]
pub struct Planned<'a> {
    /// Its suite.
    pub suite: &'a Suite,
    /// The case.
    pub case: &'a Case,
    /// What becomes of it.
    pub disposition: Disposition,
}

/// What the plan depends on.
pub struct Terms<'a> {
    /// What the target claims.
    pub capability: &'a Capability,
    /// Writing is permitted.
    pub writes: bool,
    /// POST `$validate` counts as reading here.
    pub validate_is_safe: bool,
    /// Further identities that are configured.
    pub identities: &'a [&'a str],
    /// Which cases are wanted.
    pub wanted: &'a dyn Fn(&Suite, &Case) -> bool,
    /// One part of the cases: the first number from 1 to the second.
    pub shard: Option<(usize, usize)>,
    /// Time for FHIRPath; conditions on claims do not read it.
    pub now: jiff::Timestamp,
}

/// Plans the cases of conformance suites, in order. Cases that are not wanted or belong to another shard are left out.
pub fn plan<'a>(suites: &'a [Suite], terms: &Terms<'_>) -> Vec<Planned<'a>> {
    suites
        .iter()
        .flat_map(|suite| suite.cases().iter().map(move |case| (suite, case)))
        .filter(|(suite, case)| {
            (terms.wanted)(suite, case) && in_shard(&case.full_id(), terms.shard)
        })
        .map(|(suite, case)| Planned {
            suite,
            case,
            disposition: dispose(case, terms),
        })
        .collect()
}

/// True if an id belongs to a shard: by hash, so that adding a case moves no other.
pub fn in_shard(id: &str, shard: Option<(usize, usize)>) -> bool {
    let Some((part, of)) = shard else { return true };
    let digest = ring::digest::digest(&ring::digest::SHA256, id.as_bytes());
    let head = digest.as_ref()[..4]
        .iter()
        .fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
    head % of == part - 1
}

fn dispose(case: &Case, terms: &Terms<'_>) -> Disposition {
    let unknown = case
        .identities
        .iter()
        .find(|name| !terms.identities.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Disposition::Skip(format!("not configured: identity {name}"));
    }
    for requirement in &case.requires {
        let context = path::Context {
            resource: terms.capability.value(),
            variables: &[],
            now: terms.now,
        };
        match requirement.expression.test(&context) {
            Ok(true) => {}
            Ok(false) => return Disposition::Skip(requirement.unmet()),
            Err(error) => {
                return Disposition::Blocked(format!(
                    "{} cannot be evaluated: {error}",
                    requirement.text
                ));
            }
        }
    }
    if terms.writes {
        return Disposition::Run;
    }
    if case.writes() {
        return Disposition::Blocked(WRITES_NOT_ALLOWED.to_owned());
    }
    if case.validates() && !terms.validate_is_safe {
        return Disposition::Blocked(VALIDATE_NOT_ALLOWED.to_owned());
    }
    Disposition::Run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_part_the_cases_and_lose_none() {
        let ids: Vec<String> = (0..100)
            .map(|number| format!("search/case-{number}"))
            .collect();
        let total: usize = (1..=4)
            .map(|part| {
                ids.iter()
                    .filter(|id| in_shard(id, Some((part, 4))))
                    .count()
            })
            .sum();
        assert_eq!(total, 100);
        assert!(ids.iter().all(|id| in_shard(id, None)));
    }

    #[test]
    fn validation_is_blocked_where_writing_is_and_says_how_it_is_let_through() {
        let text = "
kind: conformance
title: One operation
cases:
  - id: validate/one
    title: A resource is validated
    spec: http://hl7.org/fhir/R4/resource-operation-validate.html
    sentence: The validate operation checks whether the content would be acceptable
    level: SHALL
    severity: major
    steps:
      - post: Patient/$validate
        body: { resourceType: Patient }
        expect: { status: 200 }
";
        let source = crate::suite::load::Source {
            id: "core/one",
            file: "one.yaml",
            text,
        };
        let suites = crate::suite::load::load(&[source]).unwrap();
        let capability = Capability::new(serde_json::json!({}));
        let fate = |writes: bool, validate_is_safe: bool| {
            let terms = Terms {
                capability: &capability,
                writes,
                validate_is_safe,
                identities: &[],
                wanted: &|_, _| true,
                shard: None,
                now: jiff::Timestamp::UNIX_EPOCH,
            };
            plan(&suites, &terms)[0].disposition.clone()
        };
        let blocked = Disposition::Blocked(VALIDATE_NOT_ALLOWED.to_owned());
        assert_eq!(fate(false, false), blocked);
        assert!(VALIDATE_NOT_ALLOWED.starts_with(WRITES_NOT_ALLOWED));
        assert_eq!(fate(false, true), Disposition::Run);
        assert_eq!(fate(true, false), Disposition::Run);
    }
}
