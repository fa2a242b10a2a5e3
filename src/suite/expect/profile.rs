//! A resource against a profile that a case names. Not the profiles that it claims, which passive validation holds it to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Judgement, StepOutcome, not_json};
use crate::fhir::Key;
use crate::fhir::validate::{Issue, Severity, Validator, rule};
use crate::record::Violation;
use crate::secret::Phrase;

/// Violations of one answer at most.
const MAX_VIOLATIONS: usize = 5;

/// Rule and place, the indexes left out.
type Place = (String, String);

/// The body of each page meets the profile, as far as it can be checked. What we sent so ourselves is not blamed.
pub(super) fn conforms(profile: &str, outcome: &StepOutcome<'_>) -> Judgement {
    let validator = Validator::built_in().without_claimed_profiles();
    let mut judgement = Judgement::default();
    for exchange in outcome.evidence.exchanges {
        let Some(resource) = exchange.json() else {
            judgement.add(Judgement::broken(not_json(exchange)));
            continue;
        };
        let cohort = outcome.evidence.cohort.zip(Key::of(&resource));
        let sent = cohort.and_then(|(cohort, key)| cohort.sent.get(&key));
        let mut seen: BTreeSet<Place> = sent
            .into_iter()
            .flat_map(|sent| broken(&validator, sent, profile))
            .map(|issue| place(&issue))
            .collect();
        let flaws = broken(&validator, &resource, profile)
            .into_iter()
            .filter(|issue| seen.insert(place(issue)));
        for issue in flaws.take(MAX_VIOLATIONS) {
            let (rule, place) = place(&issue);
            let violation = Violation::new(
                "expect/profile",
                "A resource does not meet the profile",
                Phrase::say(format!("{place} as {profile} has it ({rule})")),
                Phrase::say(issue.message),
            );
            judgement.add(Judgement::broken(
                violation
                    .at(issue.path)
                    .seen_in([exchange.number])
                    .signed(rule)
                    .signed(place),
            ));
        }
    }
    judgement
}

/// What a profile demands and a resource lacks; what R4 itself demands is not the profile's.
fn broken(validator: &Validator, resource: &Value, profile: &str) -> Vec<Issue> {
    let outcome = validator.validate(resource, &[profile]);
    let is_of_profile = |issue: &Issue| {
        issue.severity == Severity::Error && issue.profile.as_deref() == Some(profile)
    };
    outcome.issues.into_iter().filter(is_of_profile).collect()
}

fn place(issue: &Issue) -> Place {
    let rule = match &issue.key {
        Some(key) if issue.rule == rule::INVARIANT => key.clone(),
        Some(key) => format!("{} {key}", issue.rule),
        None => issue.rule.to_owned(),
    };
    let mut path = String::new();
    let mut depth = 0_usize;
    for character in issue.path.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => path.push(character),
            _ => {}
        }
    }
    (rule, path)
}
