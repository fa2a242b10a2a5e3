//! The plan: which cases run on this target, and why the others do not. Pure; `--dry-run` prints it.

use crate::fhir::capability::Capability;
use crate::fhir::path;
use crate::record::verdict::WRITES_NOT_ALLOWED;
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
            Ok(false) => return Disposition::Skip(format!("not claimed: {}", requirement.text)),
            Err(error) => {
                return Disposition::Blocked(format!(
                    "{} cannot be evaluated: {error}",
                    requirement.text
                ));
            }
        }
    }
    let validates = case.validates() && !terms.validate_is_safe;
    if (case.writes() || validates) && !terms.writes {
        return Disposition::Blocked(WRITES_NOT_ALLOWED.to_owned());
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
}
