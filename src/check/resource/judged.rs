//! One judgement for all checks on what resources hold: flaws of one check that we did not send ourselves.
//! Not the judgement over a whole run, which sees each resource once: see `survey`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::{CheckSpec, Evidence};
use super::examine::Examiner;
use super::flaw::Identity;
use super::ours::is_at_place_of;
use super::partial::asks_for_parts;
use crate::fhir::definitions::Library;
use crate::fhir::resource;
use crate::http::Exchange;
use crate::record::Violation;

/// Violations of one exchange at most.
const MAX_PER_EXCHANGE: usize = 5;

/// What answers have wrong by the rules of one check.
pub(super) fn judge(spec: &'static CheckSpec, evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut examiner = Examiner::new(Arc::clone(Library::built_in()), evidence.capability);
    let exchanges = evidence.earlier.iter().chain(evidence.exchanges).copied();
    let ours = flaws_of_ours(&mut examiner, exchanges);
    let mut violations = Vec::new();
    for exchange in evidence.exchanges {
        if asks_for_parts(&exchange.request) {
            continue;
        }
        let Some(body) = exchange.parsed() else {
            continue;
        };
        let mut seen: BTreeSet<Identity> = BTreeSet::new();
        for part in examiner.examine(&body) {
            let loaded = evidence.cohort.zip(part.key.as_ref());
            let sent = loaded.and_then(|(cohort, key)| cohort.sent.get(key));
            let sent = sent.map(|sent| examiner.flaws(sent));
            for flaw in part.flaws.iter() {
                let was_sent = sent
                    .iter()
                    .flat_map(|flaws| flaws.iter())
                    .any(|sent| sent.identity.place == flaw.identity.place);
                let is_other = flaw.identity.check != spec.id;
                if is_other || was_sent || is_at_place_of(&flaw.identity, &ours) {
                    continue;
                }
                if seen.len() < MAX_PER_EXCHANGE && seen.insert(flaw.identity.clone()) {
                    violations.push(flaw.violation(spec, &part.prefix, exchange.number));
                }
            }
        }
    }
    violations
}

/// Rules and places that our own requests break.
pub(super) fn flaws_of_ours<'a>(
    examiner: &mut Examiner,
    exchanges: impl Iterator<Item = &'a Exchange>,
) -> BTreeSet<Identity> {
    let mut ours = BTreeSet::new();
    for sent in exchanges.filter_map(|exchange| resource::of_body(&exchange.request.body)) {
        for part in examiner.examine(&sent) {
            ours.extend(part.flaws.iter().map(|flaw| flaw.identity.clone()));
        }
    }
    ours
}
