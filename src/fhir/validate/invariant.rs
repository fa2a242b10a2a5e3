//! Invariants in FHIRPath: one condition on one element. Not FHIRPath itself, and not the invariants that the walk
//! knows by heart.

use super::occurrence::Occurrence;
use super::surroundings::Surroundings;
use super::walk::Walk;
use super::{Severity, rule};
use crate::fhir::definitions::profile::Invariant;
use crate::fhir::path::Focus;

impl<'v> Walk<'v> {
    /// Applies conditions to an element; one without an answer is noted as not checked.
    pub(super) fn invariants(&mut self, invariants: &[Invariant], occurrence: &Occurrence<'v>) {
        for invariant in invariants {
            match self.holds(invariant, occurrence) {
                Some(true) => {}
                Some(false) => {
                    let severity = if invariant.is_error {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    self.report_as(
                        rule::INVARIANT,
                        severity,
                        Some(&invariant.key),
                        format!("breaks {}: {}", invariant.key, invariant.human),
                    );
                }
                None => {
                    if let Some(full) = &mut self.full {
                        full.open(rule::INVARIANT, invariant.key.clone());
                    }
                }
            }
        }
    }

    /// Whether a condition holds; `None` if the engine cannot say, or the condition is empty on this data.
    fn holds(&self, invariant: &Invariant, occurrence: &Occurrence<'v>) -> Option<bool> {
        let plan = invariant.plan().ok()?.plan();
        let full = self.full.as_ref()?;
        let scope = full.resources.last()?;
        let focus = Focus {
            value: occurrence.value,
            sibling: occurrence.sibling,
            type_name: occurrence.code,
            resource: scope.resource,
            root: scope.root,
        };
        let surroundings = Surroundings { walk: self, full };
        plan.truth(&focus, &surroundings).ok()?
    }
}
