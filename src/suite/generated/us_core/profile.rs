//! Required profiles: known resources are read and held to the profile that the target says it supports for their type.
//! Not the profiles that a resource claims and the target does not name: passive validation holds it to them.

use crate::http::Method;
use crate::record::{Cohort, Level, Provenance, Severity};

use super::super::super::ir::Rule;
use super::super::case::{Words, case, expression, pick, status, step};
use super::super::{Ground, Made};
use super::{Group, SUITE, members};

/// Resources of one profile that are read at most: what one lacks, others mostly lack too.
const MAX_READ: usize = 8;

const SPEC: &str = "http://hl7.org/fhir/us/core/STU6.1/general-requirements.html";
const SENTENCE: &str =
    "A server that supports a profile of US Core is able to populate the elements that it requires";

impl Made {
    /// One case for a profile: known resources are read, and each meets it as far as that can be checked.
    pub(super) fn required(&mut self, ground: &Ground<'_>, group: &Group<'_>, url: &str) {
        let Some(cohort) = ground.cohort else { return };
        if !is_declared(ground, group.resource_type, url) {
            self.miss_asked(
                group.name,
                "conforms",
                "the target does not name the profile as supported",
            );
            return;
        }
        if cohort.provenance != Provenance::Crawled {
            self.miss_asked(group.name, "conforms", "the data is ours");
            return;
        }
        let ids = chosen(ground, group, cohort);
        let picks = ids.iter().enumerate().map(|(number, (id, _))| {
            let mut pick = pick(SUITE, &format!("x{number}"), group.resource_type, &[]);
            pick.condition = Some(expression(&format!("id = '{id}'")));
            pick
        });
        let steps = (0..ids.len()).map(|number| {
            let place = format!("{}/${{x{number}.id}}", group.resource_type);
            let rules = vec![status(&[200]), Rule::Conforms(url.to_owned())];
            let mut read = step(SUITE, Method::Get, &place, None, rules);
            read.follow = None;
            read
        });
        // A resource of the type that claims nothing need not be of the profile.
        let all_claim = ids.iter().all(|(_, claims)| *claims);
        let words = Words {
            id: format!("us-core/{}/conforms", group.name),
            row: None,
            title: format!(
                "{}: {} known resources meet the profile as far as it can be checked",
                group.name,
                ids.len()
            ),
            spec: SPEC,
            sentence: SENTENCE,
            level: if all_claim {
                Level::Shall
            } else {
                Level::Should
            },
            severity: Severity::Major,
            checklist: Some("USC-06"),
        };
        self.cases
            .push(case(SUITE, words, picks.collect(), steps.collect()));
    }
}

/// Ids that are safe in an expression, with whether the resource claims the profile.
fn chosen(ground: &Ground<'_>, group: &Group<'_>, cohort: &Cohort) -> Vec<(String, bool)> {
    let claims = |resource: &serde_json::Value| {
        let profiles = resource.pointer("/meta/profile");
        let profiles = profiles.and_then(serde_json::Value::as_array);
        profiles.into_iter().flatten().any(|claim| {
            let claim = claim.as_str().unwrap_or_default();
            let url = claim.split('|').next().unwrap_or_default();
            url.ends_with(&format!("/{}", group.name))
        })
    };
    members(group, cohort, ground)
        .into_iter()
        .filter_map(|resource| {
            let id = crate::fhir::resource::id(resource)?;
            crate::fhir::resource::is_id(id).then(|| (id.to_owned(), claims(resource)))
        })
        .take(MAX_READ)
        .collect()
}

/// True if the target names the profile, in the guide's version or in none.
fn is_declared(ground: &Ground<'_>, resource_type: &str, url: &str) -> bool {
    let version = &crate::fhir::definitions::us_core().about.version;
    let named = ground.capability.member(resource_type, "supportedProfile");
    let named = named.and_then(serde_json::Value::as_array);
    named.into_iter().flatten().any(|canonical| {
        let canonical = canonical.as_str().unwrap_or_default();
        match canonical.split_once('|') {
            Some((known, of)) => known == url && of == version,
            None => canonical == url,
        }
    })
}
